/** What a grammar is made of, before it is written down. Values are plain data: the same schema gives the same nodes. */
import type { CodePoints } from './code-points.js';

export type Node =
  /** Exactly this text. The empty text is "nothing stands here". */
  | { readonly kind: 'text'; readonly text: string }
  /** One character of a set. */
  | { readonly kind: 'chars'; readonly set: CodePoints }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  /** One of these; of none, nothing at all is derived ({@link NEVER}). */
  | { readonly kind: 'choice'; readonly of: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly min: number; readonly max: number }
  | { readonly kind: 'rule'; readonly name: string };

export const EMPTY: Node = { kind: 'text', text: '' };
/** Derives nothing: what holds it is pruned, up to the next choice. */
export const NEVER: Node = { kind: 'choice', of: [] };

export function text(value: string): Node {
  return value === '' ? EMPTY : { kind: 'text', text: value };
}

export function chars(set: CodePoints): Node {
  return set.length === 0 ? NEVER : { kind: 'chars', set };
}

export function rule(name: string): Node {
  return { kind: 'rule', name };
}

/** One after the other; neighbouring texts become one. */
export function sequence(...parts: readonly Node[]): Node {
  const flat: Node[] = [];
  for (const part of parts.flatMap((one) => (one.kind === 'sequence' ? one.parts : [one]))) {
    const last = flat.at(-1);
    if (part.kind === 'text' && last?.kind === 'text') flat[flat.length - 1] = text(last.text + part.text);
    else if (part !== EMPTY) flat.push(part);
  }
  if (flat.length === 0) return EMPTY;
  return flat.length === 1 ? flat[0]! : { kind: 'sequence', parts: flat };
}

export function choice(...of: readonly Node[]): Node {
  const flat = of.flatMap((one) => (one.kind === 'choice' ? one.of : [one]));
  return flat.length === 1 ? flat[0]! : { kind: 'choice', of: flat };
}

export function optional(node: Node): Node {
  return choice(node, EMPTY);
}

/** @param max - Infinity for "as often as it likes" */
export function repeat(of: Node, min: number, max: number): Node {
  if (max < min) return NEVER;
  if (max === 0) return EMPTY;
  return min === 1 && max === 1 ? of : { kind: 'repeat', of, min, max };
}
