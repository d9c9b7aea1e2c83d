/**
 * Schemas that hold at once as one schema. Nothing is approximated: what cannot be merged is refused by name.
 */
import { unsupported } from './refusal.js';
import { canonical, isObject, type JsonSchema, listOf, type PlainSchema } from './schema.js';

/** `const` becomes `enum`, patterns and formats become lists, tuples of older drafts become `prefixItems`: forms that can be merged. */
export function plain({ const: constant, additionalItems, ...schema }: JsonSchema): PlainSchema {
  const result: Record<string, unknown> = { ...schema };
  if (constant !== undefined) {
    const isListed = !Array.isArray(schema.enum) || schema.enum.map(canonical).includes(canonical(constant));
    result.enum = isListed ? [constant] : [];
  }
  for (const key of ['pattern', 'format']) if (key in result) result[key] = [result[key]].flat();
  if (Array.isArray(result.items)) {
    result.prefixItems = result.items;
    delete result.items;
    if (additionalItems !== undefined) result.items = additionalItems;
  }
  return result;
}

const BOTH: Readonly<Record<string, (a: unknown, b: unknown, at: string) => unknown>> = {
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
  uniqueItems: (a, b) => a === true || b === true,
  pattern: (a, b) => [...new Set([...(a as unknown[]), ...(b as unknown[])])],
  format: (a, b) => [...new Set([...(a as unknown[]), ...(b as unknown[])])],
  required: (a, b) => [...new Set([a, b].flat())],
  enum: (a, b, at) => {
    const known = new Set(listOf(b, 'enum', at).map(canonical));
    return listOf(a, 'enum', at).filter((one) => known.has(canonical(one)));
  },
  type: commonTypes,
  nullable: (a, b) => a === true && b === true,
  propertyNames: together,
};

/** Keywords that speak of each other, and are merged together. */
const JOINT = new Set(['properties', 'additionalProperties', 'prefixItems', 'items']);

/** @param at - place of the schema, for refusals; false is the schema that nothing meets */
export function merge(a: PlainSchema | false, b: PlainSchema | false, at: string): PlainSchema | false {
  if (a === false || b === false) return false;
  const result: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    if (JOINT.has(key)) continue;
    if (!(key in result)) result[key] = value;
    else if (canonical(result[key]) !== canonical(value)) {
      const both = BOTH[key];
      if (both === undefined) throw unsupported(key, at);
      result[key] = both(result[key], value, at);
    }
  }
  if (Array.isArray(result.enum) && result.enum.length === 0) return false;
  if (Array.isArray(result.type) && result.type.length === 0) return false;
  return { ...result, ...mergedProperties(a, b), ...mergedItems(a, b, at) };
}

function mergedProperties(a: PlainSchema, b: PlainSchema): PlainSchema {
  const [ofA, ofB] = [a, b].map(({ properties }) => (isObject(properties) ? properties : {})) as [
    JsonSchema,
    JsonSchema,
  ];
  const result: Record<string, unknown> = {};
  if ('properties' in a || 'properties' in b) {
    const names = [...new Set([...Object.keys(ofA), ...Object.keys(ofB)])];
    result.properties = Object.fromEntries(
      names.map((name) => [
        name,
        together(
          Object.hasOwn(ofA, name) ? ofA[name] : (a.additionalProperties ?? true),
          Object.hasOwn(ofB, name) ? ofB[name] : (b.additionalProperties ?? true),
        ),
      ]),
    );
  }
  const [restA, restB] = [a.additionalProperties, b.additionalProperties];
  const rest = restA === undefined ? restB : restB === undefined ? restA : together(restA, restB);
  if (rest !== undefined) result.additionalProperties = rest;
  return result;
}

function mergedItems(a: PlainSchema, b: PlainSchema, at: string): PlainSchema {
  if (!('items' in b) && !('prefixItems' in b)) return {};
  if (!('items' in a) && !('prefixItems' in a)) {
    return Object.fromEntries(Object.entries(b).filter(([key]) => key === 'items' || key === 'prefixItems'));
  }
  if ('prefixItems' in a || 'prefixItems' in b) throw unsupported('prefixItems', at);
  return { items: together(a.items, b.items) };
}

/** A schema that holds when both do; itself merged when it is looked at. */
function together(a: unknown, b: unknown): unknown {
  if (a === false || b === false) return false;
  if (a === true) return b;
  if (b === true || canonical(a) === canonical(b)) return a;
  return { allOf: [a, b] };
}

function commonTypes(a: unknown, b: unknown): unknown[] {
  const [ofA, ofB] = [[a].flat(), [b].flat()];
  const has = (types: unknown[], type: unknown) =>
    types.includes(type) || (type === 'integer' && types.includes('number'));
  return [...new Set([...ofA.filter((one) => has(ofB, one)), ...ofB.filter((one) => has(ofA, one))])];
}

function larger(a: unknown, b: unknown): number {
  return Math.max(a as number, b as number);
}

function smaller(a: unknown, b: unknown): number {
  return Math.min(a as number, b as number);
}
