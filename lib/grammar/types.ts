/** Which types the values of a schema have. */
import { refusal } from './refusal.js';
import { isObject, KEYWORDS, type PlainSchema, TYPES, type Type } from './schema.js';

/** What the schema says, or else what its keywords speak of; all types when it says nothing. */
export function typesOf(schema: PlainSchema, at = ''): readonly Type[] {
  const { type, nullable, enum: values } = schema;
  const types = type === undefined ? undefined : [type].flat();
  if (types?.length === 0) throw refusal('has an empty list of types', at);
  for (const one of types ?? []) {
    if (!TYPES.includes(one as Type)) throw refusal('has a "type" that is none of JSON Schema', at);
  }
  const said = (types as Type[] | undefined) ?? impliedBy(schema, Array.isArray(values) ? values : undefined);
  return [...new Set(nullable === true ? [...said, 'null' as const] : said)].filter(
    (one, _, all) => one !== 'integer' || !all.includes('number'),
  );
}

function typeOf(value: unknown): Type {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (Number.isInteger(value)) return 'integer';
  return isObject(value) ? 'object' : (typeof value as Type);
}

export function hasType(value: unknown, types: readonly Type[]): boolean {
  const type = typeOf(value);
  return types.includes(type) || (type === 'integer' && types.includes('number'));
}

/** Generators of schemas leave the type out where a keyword says it. */
function impliedBy(schema: PlainSchema, values: readonly unknown[] | undefined): Type[] {
  if (values !== undefined) return values.map(typeOf);
  const spoken = TYPES.filter((type) => type !== 'integer' && KEYWORDS[type].some((keyword) => keyword in schema));
  return spoken.length > 0 ? spoken : TYPES.filter((type) => type !== 'integer');
}
