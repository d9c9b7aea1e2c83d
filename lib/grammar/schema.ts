/** JSON Schema as it is read here: which words say nothing, which types there are, and how a place inside is found. */
import { refusal } from './refusal.js';

/** JSON Schema, draft 2020-12, or what older drafts and OpenAPI write for the same. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Without `$ref`, `allOf`, `anyOf`, `oneOf` and `const`; `pattern` and `format` are lists. */
export type PlainSchema = JsonSchema;

export const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const;
export type Type = (typeof TYPES)[number];

/** Say nothing about which values are valid. */
const ANNOTATIONS = new Set(
  (
    'title description default examples example deprecated readOnly writeOnly $schema $id id $comment $defs definitions ' +
    'contentEncoding contentMediaType contentSchema discriminator'
  ).split(' '),
);

/** Keywords by the type that they speak of; a value of another type meets them all. */
export const KEYWORDS: Readonly<Record<Type, readonly string[]>> = {
  string: ['minLength', 'maxLength', 'format', 'pattern'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  boolean: [],
  null: [],
  object: ['properties', 'required', 'additionalProperties', 'propertyNames', 'minProperties', 'maxProperties'],
  array: ['items', 'prefixItems', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems'],
};

export function withoutAnnotations(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(schema).filter(
      ([key, value]) => value !== undefined && !ANNOTATIONS.has(key) && !key.startsWith('x-') && !key.startsWith('~'),
    ),
  );
}

export function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A list that has to have something in it. */
export function listOf(value: unknown, keyword: string, at: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw refusal(`has an empty "${keyword}"`, at);
  return value;
}

/** The same text for equal JSON values, whatever the order of their keys. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'undefined';
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${entries.join(',')}}`;
}

/** What `pointer` ("#", "#/$defs/name") finds in `root`; undefined when there is nothing. */
export function lookUp(root: JsonSchema, pointer: string): { schema: unknown; at: string } | undefined {
  if (pointer !== '#' && !pointer.startsWith('#/')) return undefined;
  const steps = pointer
    .split('/')
    .slice(1)
    .map((one) => unescaped(one).replaceAll('~1', '/').replaceAll('~0', '~'));
  let found: unknown = root;
  for (const one of steps) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, one)) return undefined;
    found = (found as Record<string, unknown>)[one];
  }
  return { schema: found, at: steps.join('.') };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
