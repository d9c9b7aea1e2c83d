/** Objects: described properties in their order, each that is not required left out at will, then others where they are allowed. */

import { alternatives, type Resolve } from './alternatives.js';
import { BLANK, membersNode } from './members.js';
import { type Node, sequence, text } from './node.js';
import type { Parts } from './parts.js';
import { refusal, step, unsupported } from './refusal.js';
import { isObject, type PlainSchema } from './schema.js';
import { freeProperty, nameNode } from './values.js';

type MakeValue = (schema: unknown, at: string) => Node;

export function objectNode(parts: Parts, schema: PlainSchema, at: string, value: MakeValue, resolve: Resolve): Node {
  const names = namesOf(schema, at, resolve);
  const described = describedProperties(schema, names?.listed, at);
  const required = requiredNames(schema, at);
  for (const name of required) {
    if (described.has(name)) continue;
    if (schema.additionalProperties === false || names !== undefined)
      throw refusal(`requires a property "${name}" that it does not allow`, at);
    described.set(name, { schema: schema.additionalProperties ?? true, at: step(at, 'additionalProperties') });
  }
  const members = [...described].map(([name, one]) => ({
    node: sequence(text(`${JSON.stringify(name)}:`), BLANK, value(one.schema, one.at)),
    isRequired: required.has(name),
  }));
  const { additionalProperties = described.size === 0 } = schema;
  const isOpen = additionalProperties !== false && names?.listed === undefined;
  const free = isOpen
    ? {
        node: freeProperty(
          nameNode(parts, [...described.keys()], names?.patterns ?? [], at),
          value(additionalProperties, step(at, 'additionalProperties')),
        ),
        max: Math.min(
          parts.options.freeProperties,
          (schema.maxProperties as number | undefined) ?? Number.POSITIVE_INFINITY,
        ),
      }
    : undefined;
  return sequence(
    text('{'),
    membersNode(parts, {
      members,
      free: free === undefined || free.max === 0 ? undefined : free,
      min: (schema.minProperties as number | undefined) ?? 0,
      max: (schema.maxProperties as number | undefined) ?? Number.POSITIVE_INFINITY,
      what: 'properties',
      at,
    }),
    text('}'),
  );
}

/** Names that are listed, as records over a few keys have them, are properties like any others. */
function describedProperties(schema: PlainSchema, listed: readonly string[] | undefined, at: string) {
  const { properties = {}, additionalProperties = true } = schema;
  if (!isObject(properties)) throw refusal('has "properties" that are no object', at);
  const described = new Map<string, { schema: unknown; at: string }>();
  for (const [name, one] of Object.entries(properties)) {
    if (listed === undefined || listed.includes(name))
      described.set(name, { schema: one, at: step(at, 'properties', name) });
  }
  for (const name of listed ?? []) {
    if (!described.has(name))
      described.set(name, { schema: additionalProperties, at: step(at, 'additionalProperties') });
  }
  return described;
}

function requiredNames({ required = [] }: PlainSchema, at: string): ReadonlySet<string> {
  if (!Array.isArray(required) || required.some((one) => typeof one !== 'string'))
    throw refusal('has a "required" that is no list of names', at);
  return new Set(required as string[]);
}

/** What `propertyNames` says: a list of names, or patterns of them. */
function namesOf(
  { propertyNames }: PlainSchema,
  at: string,
  resolve: Resolve,
): { listed?: readonly string[]; patterns: readonly string[] } | undefined {
  if (propertyNames === undefined || propertyNames === true) return undefined;
  const all = alternatives(propertyNames, step(at, 'propertyNames'), resolve).map(({ schema }) => schema);
  if (all.every((one) => one !== false && Array.isArray(one.enum))) {
    const listed = all.flatMap((one) => (one as { enum: unknown[] }).enum);
    return { listed: listed.filter((one) => typeof one === 'string'), patterns: [] };
  }
  const [only] = all;
  if (all.length !== 1 || only === undefined || only === false) throw unsupported('propertyNames', at);
  const { type, pattern = [], ...others } = only;
  if (Object.keys(others).length > 0 || (type !== undefined && type !== 'string'))
    throw unsupported('propertyNames', at);
  const patterns = pattern as string[];
  return patterns.length === 0 ? undefined : { patterns };
}
