/**
 * From JSON Schema to the subset that the engine's grammar can hold.
 *
 * The library ignores what it does not know, and turns an unknown type into `null`. A caller who asked for a constraint would
 * get answers that break it, so what cannot be held is refused by name, and what only has another spelling is respelt:
 * `anyOf` and lists of types become `oneOf`, `definitions` becomes `$defs`, a schema without a type becomes "any value".
 * Narrower than asked is allowed: every property is generated, required or not, and no others where `additionalProperties` is absent.
 */
import { InvalidRequestError } from '../../base/errors.js';

export type Schema = Readonly<Record<string, unknown>>;

/** What a grammar of this size takes to build stays below a step of a real model (60 properties: 11 ms; 20,000 values: 2 s). */
const CHARACTERS_MAX = 32_768;
const DEPTH_MAX = 64;
/** The grammar's parser drops longer repetitions, or refuses them. */
const REPETITIONS_MAX = 2_000;
const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'null', 'object', 'array']);
const FORMATS = new Set(['date', 'time', 'date-time']);
/** Say nothing about which values are valid. */
const ANNOTATIONS = new Set(
  'title description default examples deprecated readOnly writeOnly $schema $id $comment'.split(' '),
);
const ANY: Schema = {
  oneOf: [
    { type: ['string', 'number', 'boolean', 'null'] },
    { type: 'object', additionalProperties: true },
    { type: 'array' },
  ],
};

/**
 * @param schema - JSON Schema as a caller gave it
 * @returns a schema that the library's grammar holds in full
 * @throws {@link InvalidRequestError} naming the first keyword that cannot be held, and where it is
 */
export function toEngineSchema(schema: Schema): Schema {
  if (JSON.stringify(schema).length > CHARACTERS_MAX) {
    throw refusal(`is longer than ${CHARACTERS_MAX.toLocaleString('en-US')} characters`, '');
  }
  const { $defs, definitions, ...root } = schema;
  const named = { ...definitionsOf(definitions, 'definitions'), ...definitionsOf($defs, '$defs') };
  const names = new Set(Object.keys(named));
  const defs = Object.fromEntries(
    Object.entries(named).map(([name, one]) => [name, convert(one, `$defs.${name}`, names, 1)]),
  );
  const converted = convert(root, '', names, 0);
  return names.size === 0 ? converted : { ...converted, $defs: defs };
}

function definitionsOf(value: unknown, at: string): Schema {
  if (value === undefined) return {};
  if (!isObject(value)) throw refusal('is not an object', at);
  return value;
}

function convert(value: unknown, at: string, names: ReadonlySet<string>, depth: number): Schema {
  if (depth > DEPTH_MAX) throw refusal(`is nested deeper than ${DEPTH_MAX}`, at);
  if (value === true) return ANY;
  if (!isObject(value)) throw refusal('is not a schema', at);
  const schema = Object.fromEntries(Object.entries(value).filter(([key]) => !ANNOTATIONS.has(key)));
  const inner = (one: unknown, step: string) => convert(one, at === '' ? step : `${at}.${step}`, names, depth + 1);

  const { $ref, anyOf, oneOf, allOf, type, enum: values } = schema;
  if ($ref !== undefined) {
    only(schema, ['$ref'], at);
    const name = /^#\/(?:\$defs|definitions)\/(.+)$/.exec(String($ref))?.[1];
    if (name === undefined || !names.has(name)) throw refusal('has a "$ref" to no definition of its own', at);
    return { $ref: `#/$defs/${name}` };
  }
  if (anyOf !== undefined || oneOf !== undefined || allOf !== undefined) {
    const key = anyOf !== undefined ? 'anyOf' : oneOf !== undefined ? 'oneOf' : 'allOf';
    only(schema, [key], at);
    const choices = schema[key];
    if (!Array.isArray(choices) || choices.length === 0) throw refusal(`has an empty "${key}"`, at);
    if (key === 'allOf' && choices.length > 1)
      throw refusal('has an "allOf" of several schemas, which is not supported', at);
    if (choices.length === 1) return inner(choices[0], `${key}.0`);
    return { oneOf: choices.map((one, index) => inner(one, `${key}.${index}`)) };
  }
  if ('const' in schema) {
    only(schema, ['const', 'type'], at);
    return { const: literal(schema.const, at) };
  }
  if (values !== undefined) {
    only(schema, ['enum', 'type'], at);
    if (!Array.isArray(values) || values.length === 0) throw refusal('has an empty "enum"', at);
    return { enum: values.map((one) => literal(one, at)) };
  }
  if (type === undefined && Object.keys(schema).length === 0) return ANY;
  if (Array.isArray(type)) {
    if (type.length === 0) throw refusal('has an empty list of types', at);
    // Each alternative keeps the keywords that speak of its type: the others say nothing about it.
    // A type named twice would double what is below it at every level.
    const alternatives = [...new Set(type)].map((one) => convert(withKeywordsOf(one, schema), at, names, depth + 1));
    for (const key of Object.keys(schema)) {
      if (key !== 'type' && !type.some((one) => KEYWORDS[String(one)]?.includes(key))) throw unsupported(key, at);
    }
    return { oneOf: alternatives };
  }
  return convertTyped(impliedType(schema), schema, at, inner);
}

/** Keywords that the grammar holds, by type; bounds and patterns only where they say nothing new. */
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  string: ['minLength', 'maxLength', 'format', 'pattern'],
  number: ['minimum', 'maximum'],
  integer: ['minimum', 'maximum'],
  boolean: [],
  null: [],
  object: ['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
};

function withKeywordsOf(type: unknown, schema: Schema): Schema {
  const keywords = KEYWORDS[String(type)] ?? [];
  return { type, ...Object.fromEntries(Object.entries(schema).filter(([key]) => keywords.includes(key))) };
}

/** Generators of schemas leave the type out where a keyword says it. */
function impliedType(schema: Schema): unknown {
  if (schema.type !== undefined) return schema.type;
  if (schema.properties !== undefined || schema.additionalProperties !== undefined) return 'object';
  if (schema.items !== undefined || schema.prefixItems !== undefined) return 'array';
  return undefined;
}

function convertTyped(
  type: unknown,
  schema: Schema,
  at: string,
  inner: (one: unknown, step: string) => Schema,
): Schema {
  if (typeof type !== 'string' || !TYPES.has(type)) {
    const [key] = Object.keys(schema);
    throw type === undefined && key !== undefined
      ? unsupported(key, at)
      : refusal('has a "type" that is none of JSON Schema', at);
  }
  only(schema, ['type', ...KEYWORDS[type]!], at);
  for (const key of ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties']) {
    checkCount(schema[key], key, at);
  }
  switch (type) {
    case 'object':
      return convertObject(schema, at, inner);
    case 'array':
      return convertArray(schema, inner);
    case 'string': {
      const { format, pattern } = schema;
      // Generators of schemas repeat a format as a pattern.
      if (format === undefined && pattern !== undefined) throw unsupported('pattern', at);
      if (format === undefined) return { ...schema, type };
      if (!FORMATS.has(String(format))) throw refusal(`has a "format" that is none of ${[...FORMATS].join(', ')}`, at);
      only(schema, ['type', 'format', 'pattern'], at);
      return { type, format };
    }
    case 'number':
    case 'integer':
      checkBounds(schema, at);
      return { type };
    default:
      return { type };
  }
}

function convertObject(schema: Schema, at: string, inner: (one: unknown, step: string) => Schema): Schema {
  const { properties, required, additionalProperties, ...counts } = schema;
  if (properties !== undefined && !isObject(properties)) throw refusal('has "properties" that are no object', at);
  const fields = Object.entries(properties ?? {});
  for (const name of Array.isArray(required) ? required : []) {
    if (!fields.some(([field]) => field === name)) throw refusal('requires a property that it does not describe', at);
  }
  return {
    ...counts,
    type: 'object',
    properties: Object.fromEntries(fields.map(([name, one]) => [name, inner(one, `properties.${name}`)])),
    // Nothing described: any object is meant, not the empty one.
    additionalProperties:
      typeof additionalProperties === 'boolean' || additionalProperties === undefined
        ? (additionalProperties ?? fields.length === 0)
        : inner(additionalProperties, 'additionalProperties'),
  };
}

function convertArray(schema: Schema, inner: (one: unknown, step: string) => Schema): Schema {
  const { items, prefixItems, ...counts } = schema;
  const prefix = Array.isArray(prefixItems)
    ? prefixItems.map((one, index) => inner(one, `prefixItems.${index}`))
    : undefined;
  // A closed tuple: nothing may follow what is described.
  const closed = items === false ? { minItems: prefix?.length ?? 0, maxItems: prefix?.length ?? 0 } : {};
  return {
    ...counts,
    ...closed,
    type: 'array',
    ...(prefix !== undefined && { prefixItems: prefix }),
    ...(items !== undefined && items !== false && { items: inner(items, 'items') }),
  };
}

function checkCount(value: unknown, key: string, at: string): void {
  if (value === undefined) return;
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > REPETITIONS_MAX) {
    throw refusal(`has a "${key}" that is no integer from 0 to ${REPETITIONS_MAX.toLocaleString('en-US')}`, at);
  }
}

/** Generators bound every integer by what JavaScript can hold; that alone says nothing. */
function checkBounds(schema: Schema, at: string): void {
  const { minimum = -Infinity, maximum = Infinity } = schema as { minimum?: number; maximum?: number };
  if (minimum > Number.MIN_SAFE_INTEGER) throw unsupported('minimum', at);
  if (maximum < Number.MAX_SAFE_INTEGER) throw unsupported('maximum', at);
}

function literal(value: unknown, at: string): unknown {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value;
  throw refusal('has an "enum" or "const" value that is an object or an array', at);
}

function only(schema: Schema, known: readonly string[], at: string): void {
  for (const key of Object.keys(schema)) if (!known.includes(key)) throw unsupported(key, at);
}

function unsupported(key: string, at: string): InvalidRequestError {
  return refusal(`uses "${key}" where it is not supported`, at);
}

function refusal(what: string, at: string): InvalidRequestError {
  return new InvalidRequestError(`The JSON schema ${what}${at === '' ? '' : ` (at "${at}")`}.`, 'jsonSchema');
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
