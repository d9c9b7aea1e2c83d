/**
 * Whether the text really says what was taken out of it. Small models fill fields that the text is silent on; a value that is nowhere in the
 * text goes back to missing where the schema allows that. Pure.
 */

import type { JsonSchema } from '../../schema.js';
import { numbersOf } from '../common/numbers.js';
import { wordsOf } from '../text/segment.js';
import { alternatives, target } from './prompts.js';

/** Where in the text a value stands. */
export interface Evidence {
  /** Of the value in the data, as `items[2].price`. */
  path: string;
  /** UTF-16 indexes in the text, [start, end). */
  start: number;
  end: number;
}

export interface Grounded {
  value: unknown;
  /** Paths of values that the text does not have. */
  ungrounded: string[];
  evidence: Evidence[];
}

/** Values that models write in place of nothing. */
const NOTHING =
  /^(?:|n\/?a|none|null|nil|unknown|not (?:given|stated|specified|mentioned|available|provided)|unspecified|-+)\.?$/iu;
/** Long texts may be put in other words; so much of them must be the text's. */
const WORDS_SHARE = 0.6;
const SHORT_WORDS = 2;
/** Small whole numbers may be spelled out in the text, in any language. */
const SPELLED_MAX = 12;
/** "1.2 million", "50 %" and cents are written as other figures. */
const SCALES = [1, 100, 1e3, 1e6, 1e9];

/** The words and numbers of a text, found once for all values. */
export class Ground {
  readonly #text: string;
  readonly #lower: string;
  readonly #words: ReadonlySet<string>;
  readonly #numbers: ReadonlyMap<number, { start: number; end: number }>;

  constructor(text: string) {
    this.#text = text;
    this.#lower = text.toLowerCase();
    this.#words = new Set(wordsOf(text));
    const numbers = new Map<number, { start: number; end: number }>();
    for (const { start, end, values } of numbersOf(text)) {
      for (const value of values) {
        const size = Math.abs(Number(value));
        if (!numbers.has(size)) numbers.set(size, { start, end });
      }
    }
    this.#numbers = numbers;
  }

  /** Is a string or a number in the text? The place, `true` for one that cannot be named, or false. */
  find(value: string | number): { start: number; end: number } | boolean {
    if (typeof value === 'number') return this.#findNumber(Math.abs(value));
    const wanted = value.trim().toLowerCase();
    // Lower case may be longer than what it came from; then places are no places of the text.
    const at = this.#lower.length === this.#text.length ? this.#lower.indexOf(wanted) : -1;
    if (at >= 0) return { start: at, end: at + wanted.length };
    const words = wordsOf(wanted);
    if (words.length === 0) return true;
    const found = words.filter((word) => this.#words.has(word)).length;
    return found >= (words.length <= SHORT_WORDS ? words.length : words.length * WORDS_SHARE);
  }

  #findNumber(size: number): { start: number; end: number } | boolean {
    for (const scale of SCALES) {
      const place = this.#numbers.get(size / scale) ?? this.#numbers.get(size * scale);
      if (place !== undefined) return place;
    }
    return Number.isInteger(size) && size <= SPELLED_MAX;
  }
}

/**
 * @param schema - JSON Schema of the value
 * @param drops - should what is not in the text become missing (or null) where the schema allows it?
 */
export function groundValue(value: unknown, schema: JsonSchema, ground: Ground, drops: boolean): Grounded {
  const grounded: Grounded = { value, ungrounded: [], evidence: [] };
  const walk = new Walk(schema, ground, drops, grounded);
  grounded.value = walk.value(value, schema, '').value;
  return grounded;
}

interface Seen {
  value: unknown;
  /** Is a value of this kind looked for in the text, and is it there? Of objects and lists: is anything of them? */
  state: 'grounded' | 'ungrounded' | 'unchecked';
}

class Walk {
  readonly #root: JsonSchema;
  readonly #ground: Ground;
  readonly #drops: boolean;
  readonly #result: Grounded;

  constructor(root: JsonSchema, ground: Ground, drops: boolean, result: Grounded) {
    this.#root = root;
    this.#ground = ground;
    this.#drops = drops;
    this.#result = result;
  }

  value(value: unknown, schema: JsonSchema, path: string): Seen {
    const nodes = this.#nodesOf(schema);
    if (Array.isArray(value)) return this.#list(value, nodes, path);
    if (typeof value === 'object' && value !== null) return this.#object(value as Record<string, unknown>, nodes, path);
    if (typeof value !== 'string' && typeof value !== 'number') return { value, state: 'unchecked' };
    // One of a few values, or one in a form of its own, need not stand in the text as it is.
    if (nodes.some((node) => 'enum' in node || 'const' in node || 'format' in node))
      return { value, state: 'unchecked' };
    if (typeof value === 'string' && NOTHING.test(value.trim())) return { value, state: 'ungrounded' };
    const place = this.#ground.find(value);
    if (typeof place === 'object') this.#result.evidence.push({ path, ...place });
    return { value, state: place === false ? 'ungrounded' : 'grounded' };
  }

  #object(value: Record<string, unknown>, nodes: readonly JsonSchema[], path: string): Seen {
    const kept: Record<string, unknown> = {};
    const states: Seen['state'][] = [];
    for (const [name, inner] of Object.entries(value)) {
      const node = nodes.find(
        ({ properties }) => properties !== undefined && Object.hasOwn(properties as object, name),
      );
      const field = (node?.properties as Readonly<Record<string, JsonSchema>> | undefined)?.[name] ?? {};
      const at = path === '' ? name : `${path}.${name}`;
      const seen = this.value(inner, field, at);
      states.push(seen.state);
      kept[name] = seen.value;
      if (seen.state !== 'ungrounded' || typeof inner === 'object') continue;
      this.#result.ungrounded.push(at);
      const isRequired = Array.isArray(node?.required) && node.required.includes(name);
      if (!this.#drops || node === undefined) continue;
      if (this.#allowsNull(field)) kept[name] = null;
      else if (!isRequired) delete kept[name];
    }
    return { value: kept, state: stateOf(states) };
  }

  #list(value: readonly unknown[], nodes: readonly JsonSchema[], path: string): Seen {
    const items = nodes.map((node) => node.items).find((node) => typeof node === 'object' && node !== null) as
      | JsonSchema
      | undefined;
    const least = Math.max(0, ...nodes.map(({ minItems }) => (typeof minItems === 'number' ? minItems : 0)));
    const seen = value.map((item, at) => this.value(item, items ?? {}, `${path}[${at}]`));
    const missing = seen.filter(({ state }) => state === 'ungrounded').length;
    for (const [at, { state }] of seen.entries()) {
      if (state === 'ungrounded' && typeof value[at] !== 'object') this.#result.ungrounded.push(`${path}[${at}]`);
    }
    // An item of which the text has nothing was made up.
    const isDropped = this.#drops && items !== undefined && value.length - missing >= least;
    const kept = isDropped ? seen.filter(({ state }) => state !== 'ungrounded') : seen;
    return { value: kept.map((one) => one.value), state: stateOf(seen.map(({ state }) => state)) };
  }

  /** The schema without references, or all of its alternatives. */
  #nodesOf(schema: JsonSchema, depth = 0): readonly JsonSchema[] {
    if (depth > 8) return [schema];
    const named = target(schema, this.#root);
    if (named !== undefined) return this.#nodesOf(named, depth + 1);
    const others = alternatives(schema);
    return others.length === 0 ? [schema] : others.flatMap((other) => this.#nodesOf(other, depth + 1));
  }

  #allowsNull(schema: JsonSchema): boolean {
    return this.#nodesOf(schema).some(
      ({ type }) => type === 'null' || (Array.isArray(type) && (type as unknown[]).includes('null')),
    );
  }
}

function stateOf(states: readonly Seen['state'][]): Seen['state'] {
  if (states.includes('grounded')) return 'grounded';
  return states.includes('ungrounded') ? 'ungrounded' : 'unchecked';
}
