/** A small value that fits a JSON Schema, for a model that is bound to one and has no script. */

type Schema = Readonly<Record<string, unknown>>;

/** Where schemas go round in a circle, values end. */
const DEPTH_MAX = 16;
const TEXT = 'text ';
const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-01',
  'date-time': '2026-01-01T00:00:00Z',
  time: '00:00:00Z',
  email: 'a@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

/**
 * The first and smallest value that comes to mind: first of an enumeration, least number, shortest array, required properties only.
 * Knows what grammars know; patterns and conditions are not followed.
 */
export function fittingValue(schema: Schema, root: Schema = schema, depth = 0): unknown {
  if (depth > DEPTH_MAX) return null;
  const inner = (other: unknown) => fittingValue(isSchema(other) ? other : {}, root, depth + 1);
  if (typeof schema.$ref === 'string') return inner(referred(root, schema.$ref));
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  for (const choice of [schema.anyOf, schema.oneOf]) {
    // One that is a plain value ends sooner than one that holds others.
    if (Array.isArray(choice) && choice.length > 0)
      return inner(choice.find((one) => isSchema(one) && one.type !== 'null') ?? choice[0]);
  }
  if (Array.isArray(schema.allOf) && schema.allOf.length > 0) return merged(schema.allOf.map(inner));
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type ?? impliedType(schema)) {
    case 'object':
      return objectOf(schema, inner);
    case 'array':
      return arrayOf(schema, inner);
    case 'string':
      return stringOf(schema);
    case 'integer':
    case 'number':
      return numberOf(schema);
    case 'boolean':
      return true;
    default:
      return null;
  }
}

function impliedType(schema: Schema): string | undefined {
  if (isSchema(schema.properties)) return 'object';
  return schema.items === undefined ? undefined : 'array';
}

function objectOf(schema: Schema, inner: (schema: unknown) => unknown): Record<string, unknown> {
  const properties = isSchema(schema.properties) ? schema.properties : {};
  const names = Array.isArray(schema.required) ? (schema.required as string[]) : [];
  return Object.fromEntries(names.map((name) => [name, inner(properties[name] ?? schema.additionalProperties)]));
}

function arrayOf(schema: Schema, inner: (schema: unknown) => unknown): unknown[] {
  if (Array.isArray(schema.prefixItems)) return schema.prefixItems.map(inner);
  const length = Math.max(1, numberOr(schema.minItems, 1));
  return numberOr(schema.maxItems, length) < 1 ? [] : Array.from({ length }, () => inner(schema.items));
}

function stringOf(schema: Schema): string {
  const known = typeof schema.format === 'string' ? FORMATS[schema.format] : undefined;
  if (known !== undefined) return known;
  const shortest = numberOr(schema.minLength, 0);
  const text =
    shortest <= TEXT.trim().length ? TEXT.trim() : TEXT.repeat(Math.ceil(shortest / TEXT.length)).slice(0, shortest);
  return text.slice(0, numberOr(schema.maxLength, text.length));
}

function numberOf(schema: Schema): number {
  const step = numberOr(schema.multipleOf, 0);
  const least = numberOr(schema.minimum, numberOr(schema.exclusiveMinimum, Number.NEGATIVE_INFINITY));
  const most = numberOr(schema.maximum, numberOr(schema.exclusiveMaximum, Number.POSITIVE_INFINITY));
  let value = Math.min(Math.max(0, least), most);
  if (step > 0) value = Math.ceil(value / step) * step;
  const between = schema.type === 'integer' || step > 0 ? step || 1 : Math.min(1, (most - least) / 2);
  if (value === schema.exclusiveMinimum) value += between;
  if (value === schema.exclusiveMaximum) value -= between;
  return value;
}

function merged(values: readonly unknown[]): unknown {
  return values.every(isSchema) ? Object.assign({}, ...values) : values[0];
}

function referred(root: Schema, reference: string): unknown {
  const steps = reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '');
  let found: unknown = root;
  for (const step of steps) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    found = isSchema(found) ? found[name] : undefined;
  }
  return found;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
