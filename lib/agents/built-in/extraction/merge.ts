/** Data of the parts of one text, as one. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { JsonSchema } from '../../schema.js';
import { target } from './prompts.js';

/**
 * In the order of the parts: lists are joined, equal items once; objects are merged field by field; of other values the first that is there
 * counts. Null and undefined are not there.
 */
export function mergeParts(parts: readonly unknown[]): unknown {
  const there = parts.filter((part) => part !== undefined && part !== null);
  const first = there[0];
  if (first === undefined) return parts[0];
  if (Array.isArray(first)) return distinct(there.filter(Array.isArray).flat());
  if (!isObject(first)) return first;
  const objects = there.filter(isObject);
  const names = new Set(objects.flatMap((one) => Object.keys(one)));
  return Object.fromEntries([...names].map((name) => [name, mergeParts(objects.map((one) => one[name]))]));
}

function distinct(items: readonly unknown[]): unknown[] {
  const kept: unknown[] = [];
  for (const item of items) if (!kept.some((other) => isDeepStrictEqual(item, other))) kept.push(item);
  return kept;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema of what a part may hold: every field may be missing, and every list empty. What lies inside of lists is whole. */
export function partSchema(schema: JsonSchema, root: JsonSchema = schema, depth = 0): JsonSchema {
  const named = depth < 4 ? target(schema, root) : undefined;
  if (named !== undefined) return partSchema(named, root, depth + 1);
  const { required, minItems, ...rest } = schema;
  if (rest.properties === undefined) return minItems === undefined ? schema : rest;
  const properties = Object.entries(rest.properties as Readonly<Record<string, JsonSchema>>);
  return {
    ...rest,
    properties: Object.fromEntries(properties.map(([name, one]) => [name, partSchema(one, root, depth)])),
  };
}
