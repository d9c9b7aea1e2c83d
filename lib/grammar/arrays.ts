/** Arrays: places with a schema each, then items of one schema; sets of listed values. */

import { alternatives, type Resolve } from './alternatives.js';
import { membersNode, separator } from './members.js';
import { choice, EMPTY, NEVER, type Node, repeat, sequence, text } from './node.js';
import type { Parts } from './parts.js';
import { refusal, step, unsupported } from './refusal.js';
import { canonical, type PlainSchema } from './schema.js';
import { hasType, typesOf } from './types.js';

type MakeValue = (schema: unknown, at: string) => Node;

export function arrayNode(parts: Parts, schema: PlainSchema, at: string, value: MakeValue, resolve: Resolve): Node {
  const {
    prefixItems = [],
    items,
    minItems,
    maxItems,
  } = schema as {
    prefixItems?: unknown;
    items?: unknown;
    minItems?: number;
    maxItems?: number;
  };
  if (!Array.isArray(prefixItems)) throw refusal('has "prefixItems" that are no list', at);
  if (schema.uniqueItems === true && (maxItems ?? 2) > 1) return setNode(parts, schema, prefixItems, at, resolve);
  const places = prefixItems.map((one, i) => value(one, step(at, 'prefixItems', i)));
  // A tuple is generated whole unless it says that less will do; nobody means the empty one.
  const least = minItems ?? Math.min(places.length, maxItems ?? places.length);
  const isClosed = items === false || (items === undefined && places.length > 0 && least <= places.length);
  const most = Math.min(
    maxItems ?? Math.max(parts.options.arrayItems, least),
    isClosed ? places.length : Number.POSITIVE_INFINITY,
  );
  if (most < least) return NEVER;
  const item = isClosed ? NEVER : value(items ?? true, step(at, 'items'));
  return sequence(text('['), listNode(places, item, separator(parts), least, most), text(']'));
}

function listNode(places: readonly Node[], item: Node, comma: Node, least: number, most: number): Node {
  const used = places.slice(0, most);
  const rest = Math.max(0, most - used.length);
  const restLeast = Math.max(0, least - used.length);
  // Behind the last place; with no place before it, the first item has no comma.
  let list: Node =
    used.length > 0
      ? repeat(sequence(comma, item), restLeast, rest)
      : rest === 0
        ? EMPTY
        : choice(
            sequence(item, repeat(sequence(comma, item), Math.max(0, restLeast - 1), rest - 1)),
            restLeast === 0 ? EMPTY : NEVER,
          );
  for (let at = used.length - 1; at >= 0; at--) {
    const here = sequence(at === 0 ? EMPTY : comma, used[at]!, list);
    list = at < least ? here : choice(here, EMPTY);
  }
  return list;
}

/** Of values that are listed, each at most once, in the order of the list. Of others no grammar can tell two apart. */
function setNode(
  parts: Parts,
  schema: PlainSchema,
  prefixItems: readonly unknown[],
  at: string,
  resolve: Resolve,
): Node {
  if (prefixItems.length > 0 || schema.items === undefined || schema.items === false)
    throw unsupported('uniqueItems', at);
  const all = alternatives(schema.items, step(at, 'items'), resolve).map((one) => one.schema);
  if (!all.every((one) => one !== false && isListed(one))) throw unsupported('uniqueItems', at);
  const values = all.flatMap((one) => valuesOf(one as PlainSchema));
  const unique = new Map(values.map((one) => [canonical(one), one]));
  return sequence(
    text('['),
    membersNode(parts, {
      members: [...unique.values()].map((one) => ({ node: text(JSON.stringify(one)), isRequired: false })),
      free: undefined,
      min: (schema.minItems as number | undefined) ?? 0,
      max: (schema.maxItems as number | undefined) ?? Number.POSITIVE_INFINITY,
      what: 'items',
      at,
    }),
    text(']'),
  );
}

function valuesOf(schema: PlainSchema): unknown[] {
  const types = typesOf(schema);
  return (schema.enum as unknown[]).filter((one) => hasType(one, types));
}

function isListed(schema: PlainSchema): boolean {
  const others = Object.keys(schema).filter((key) => key !== 'enum' && key !== 'type');
  return Array.isArray(schema.enum) && others.length === 0;
}
