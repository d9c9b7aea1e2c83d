/**
 * From JSON Schema to a grammar whose every word is a valid value of it.
 *
 * A caller who asks for a constraint must not get answers that break it: what a grammar cannot hold is refused by keyword and place.
 * Less than asked is allowed, and said in docs/structured-output.md: no properties beyond the described ones where
 * `additionalProperties` is absent, properties in their declared order, an end to what the schema leaves endless
 * ({@link GrammarOptions}).
 */

import { alternatives, type Resolve, refuseOverlap } from './alternatives.js';
import { arrayNode } from './arrays.js';
import { leftRecursiveRule, productiveRules, writeGbnf } from './gbnf.js';
import { literalsNode } from './literals.js';
import { choice, NEVER, type Node, optional, rule, sequence, text } from './node.js';
import { integerNode, numberNode } from './numbers.js';
import { objectNode } from './objects.js';
import { DEFAULT_OPTIONS, type GrammarOptions, Parts } from './parts.js';
import { refusal, step, unsupported } from './refusal.js';
import {
  isObject,
  type JsonSchema,
  KEYWORDS,
  listOf,
  lookUp,
  type PlainSchema,
  type Type,
  withoutAnnotations,
} from './schema.js';
import { stringNode } from './strings.js';
import { hasType, typesOf } from './types.js';
import { anyValue, BOOLEAN, freeInteger, freeNumber, freeString, NULL } from './values.js';

/** A grammar that takes longer to make than a step of a real model holds everybody's answers up. */
const CHARACTERS_MAX = 32_768;
const GRAMMAR_CHARACTERS_MAX = 1_000_000;
const DEPTH_MAX = 64;
/** Places that are looked at: definitions that are merged in pairs of pairs would be looked at without end. */
const PLACES_MAX = 10_000;
const REFERENCES_MAX = 20_000;
const COUNT_MAX = 100_000;
const COUNTS = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'];
const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];

export interface Grammar {
  /** In llama.cpp's notation; the rule "root" is the value. */
  readonly gbnf: string;
}

/**
 * Pure: the same schema and options give the same grammar.
 * @param schema - JSON Schema, draft 2020-12, as zod, valibot and arktype write it; tuples and `definitions` of draft 7 are read as well
 * @param options - what takes the place of ends that the schema does not set
 * @throws {@link InvalidRequestError} (param "jsonSchema") naming the first keyword that no grammar holds, and where it is
 */
export function compileGrammar(schema: JsonSchema, options: Partial<GrammarOptions> = {}): Grammar {
  if (!isObject(schema)) throw refusal('is not a schema', '');
  if (JSON.stringify(schema).length > CHARACTERS_MAX)
    throw refusal(`is longer than ${CHARACTERS_MAX.toLocaleString('en-US')} characters`, '');
  const parts = new Parts({ ...DEFAULT_OPTIONS, ...options });
  new Compiler(schema, parts).run();
  const recursive = leftRecursiveRule(parts.rules);
  const productive = productiveRules(parts.rules);
  if (recursive !== undefined || !productive.has('root'))
    throw refusal('refers to itself without an end, or admits no value', '');
  const gbnf = writeGbnf(parts.rules, productive);
  if (gbnf.length > GRAMMAR_CHARACTERS_MAX) throw refusal('needs a grammar that is too large', '');
  return { gbnf };
}

class Compiler {
  readonly #root: JsonSchema;
  readonly #parts: Parts;
  /** Rules of the places that `$ref` names, by pointer, and those that are still to be made. */
  readonly #refs = new Map<string, string>();
  readonly #todo: { name: string; schema: unknown; at: string }[] = [];
  readonly #resolve: Resolve;
  #places = 0;
  #references = 0;

  constructor(root: JsonSchema, parts: Parts) {
    this.#root = root;
    this.#parts = parts;
    this.#resolve = (ref, at) => {
      if (++this.#references > REFERENCES_MAX) throw refusal('refers too often', at);
      const found = typeof ref === 'string' ? lookUp(root, ref) : undefined;
      if (found === undefined) throw refusal('has a "$ref" to no definition of its own', at);
      return found;
    };
  }

  run(): void {
    const value = this.#referred('#', { schema: this.#root, at: '' });
    const { lineEnd } = this.#parts.options;
    const root = this.#parts.name('root');
    this.#parts.define(root, lineEnd ? sequence(value, optional(text('\n'))) : value);
    // One after the other, not one inside the other: definitions may refer to each other in long chains.
    for (let next = this.#todo.pop(); next !== undefined; next = this.#todo.pop()) {
      this.#parts.define(next.name, this.#value(next.schema, next.at, 0));
    }
  }

  #referred(pointer: string, target: { schema: unknown; at: string }): Node {
    let name = this.#refs.get(pointer);
    if (name === undefined) {
      name = this.#parts.name('value');
      this.#refs.set(pointer, name);
      this.#todo.push({ name, ...target });
    }
    return rule(name);
  }

  #value(schema: unknown, at: string, depth: number): Node {
    if (depth > DEPTH_MAX) throw refusal(`is nested deeper than ${DEPTH_MAX}`, at);
    if (++this.#places > PLACES_MAX) throw refusal('needs a grammar that is too large', '');
    if (schema === true) return anyValue(this.#parts);
    if (schema === false) return NEVER;
    if (!isObject(schema)) throw refusal('is not a schema', at);
    const said = withoutAnnotations(schema);
    const [only, ...others] = Object.keys(said);
    if (only === undefined) return anyValue(this.#parts);
    if (others.length === 0) {
      if (only === '$ref') return this.#referred(String(said.$ref), this.#resolve(said.$ref, at));
      if (only === 'anyOf' || only === 'oneOf' || only === 'allOf') {
        const of = listOf(said[only], only, at);
        if (only === 'oneOf') refuseOverlap(of, at, this.#resolve);
        if (only !== 'allOf' || of.length === 1)
          return choice(...of.map((one, i) => this.#value(one, step(at, only, i), depth + 1)));
      }
    }
    return choice(
      ...alternatives(said, at, this.#resolve).map((one) =>
        one.schema === false ? NEVER : this.#plain(one.schema, one.at, depth),
      ),
    );
  }

  #plain(schema: PlainSchema, at: string, depth: number): Node {
    const types = typesOf(schema, at);
    if (schema.enum !== undefined) return this.#listed(schema, types, at);
    const known = new Set(['type', 'nullable', ...types.flatMap((type) => KEYWORDS[type])]);
    for (const key of Object.keys(schema)) if (!known.has(key)) throw unsupported(key, at);
    for (const key of COUNTS) checkCount(schema[key], key, at);
    for (const key of BOUNDS) {
      if (schema[key] !== undefined && !Number.isFinite(schema[key]))
        throw refusal(`has a "${key}" that is no number`, at);
    }
    return choice(...types.map((type) => this.#typed(type, schema, at, depth)));
  }

  #listed(schema: PlainSchema, types: readonly Type[], at: string): Node {
    for (const key of Object.keys(schema)) {
      if (key !== 'enum' && key !== 'type' && key !== 'nullable') throw unsupported(key, at);
    }
    const values = listOf(schema.enum, 'enum', at).filter((value) => hasType(value, types));
    return values.length === 0 ? NEVER : literalsNode(values.map((value) => JSON.stringify(value)));
  }

  #typed(type: Type, schema: PlainSchema, at: string, depth: number): Node {
    const says = KEYWORDS[type].some((keyword) => schema[keyword] !== undefined);
    const parts = this.#parts;
    const value = (one: unknown, place: string) => this.#value(one, place, depth + 1);
    switch (type) {
      case 'null':
        return NULL;
      case 'boolean':
        return BOOLEAN;
      case 'string':
        return says ? stringNode(parts, stringRules(schema, at), at) : freeString(parts);
      case 'number':
      case 'integer': {
        if (schema.multipleOf !== undefined && schema.multipleOf !== 1) throw unsupported('multipleOf', at);
        const isWhole = type === 'integer' || schema.multipleOf === 1;
        if (!says) return isWhole ? freeInteger(parts) : freeNumber(parts);
        const bounds = boundsOf(schema);
        return isWhole ? integerNode(bounds) : numberNode(bounds, at);
      }
      case 'object':
        return objectNode(parts, schema, at, value, this.#resolve);
      case 'array':
        return arrayNode(parts, schema, at, value, this.#resolve);
      default:
        return type satisfies never;
    }
  }
}

function stringRules(schema: PlainSchema, at: string) {
  const list = (key: string) => {
    const texts = (schema[key] ?? []) as unknown[];
    if (texts.some((one) => typeof one !== 'string')) throw refusal(`has a "${key}" that is no text`, at);
    return texts as string[];
  };
  return {
    minLength: (schema.minLength as number | undefined) ?? 0,
    maxLength: schema.maxLength as number | undefined,
    patterns: list('pattern'),
    formats: list('format'),
    except: [],
  };
}

function boundsOf(schema: PlainSchema) {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema as Record<string, number | undefined>;
  return { minimum, exclusiveMinimum, maximum, exclusiveMaximum };
}

function checkCount(value: unknown, key: string, at: string): void {
  if (value === undefined) return;
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > COUNT_MAX)
    throw refusal(`has a "${key}" that is no integer from 0 to ${COUNT_MAX.toLocaleString('en-US')}`, at);
}
