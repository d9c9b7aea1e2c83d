/** Values of which a schema says nothing. */
import { BLANK, separator } from './members.js';
import { choice, type Node, optional, repeat, sequence, text } from './node.js';
import { integerNode, numberNode } from './numbers.js';
import type { Parts } from './parts.js';
import { stringNode } from './strings.js';

const UNBOUNDED = {
  minimum: undefined,
  exclusiveMinimum: undefined,
  maximum: undefined,
  exclusiveMaximum: undefined,
};

export const BOOLEAN = choice(text('true'), text('false'));
export const NULL = text('null');

/** Any JSON value, a few levels deep. */
export function anyValue(parts: Parts, depth: number = parts.options.anyDepth): Node {
  return parts.shared('any', () => anyOfDepth(parts, depth), `any-${depth}`);
}

function anyOfDepth(parts: Parts, depth: number): Node {
  const scalars = [freeString(parts), freeNumber(parts), BOOLEAN, NULL];
  if (depth === 0) return choice(...scalars);
  const inner = anyValue(parts, depth - 1);
  const { arrayItems, freeProperties } = parts.options;
  const list = (node: Node, most: number) =>
    optional(sequence(node, repeat(sequence(separator(parts), node), 0, most - 1)));
  return choice(
    ...scalars,
    sequence(text('{'), list(freeProperty(nameNode(parts, [], [], ''), inner), freeProperties), text('}')),
    sequence(text('['), list(inner, arrayItems), text(']')),
  );
}

/** A property whose name the schema does not know. */
export function freeProperty(name: Node, value: Node): Node {
  return sequence(name, text(':'), BLANK, value);
}

/** A name of one character or more that is none of `except`, which would be said twice then. */
export function nameNode(parts: Parts, except: readonly string[], patterns: readonly string[], at: string): Node {
  const { nameCharacters } = parts.options;
  return stringNode(
    parts,
    { minLength: 1, maxLength: Math.max(nameCharacters, 1), patterns, formats: [], except: [...except].sort() },
    at,
  );
}

export function freeString(parts: Parts): Node {
  const rules = { minLength: 0, maxLength: undefined, patterns: [], formats: [], except: [] };
  return parts.shared('string', () => stringNode(parts, rules, ''), 'free string');
}

export function freeNumber(parts: Parts): Node {
  return parts.shared('number', () => numberNode(UNBOUNDED, ''), 'free number');
}

export function freeInteger(parts: Parts): Node {
  return parts.shared('integer', () => integerNode(UNBOUNDED), 'free integer');
}
