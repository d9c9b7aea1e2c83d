/** Exactly these texts, as a tree of their common beginnings: a thousand of them are as quick to follow as a few. */
import { choice, EMPTY, type Node, sequence, text } from './node.js';

export function literalsNode(texts: readonly string[]): Node {
  return tree(
    [...new Set(texts)].sort().map((one) => [...one]),
    0,
  );
}

/** @param from - they agree in everything before; sorted, so that equal beginnings lie together */
function tree(all: readonly (readonly string[])[], from: number): Node {
  const [first] = all;
  if (first === undefined) return EMPTY;
  if (all.length === 1) return text(first.slice(from).join(''));
  const last = all.at(-1)!;
  let common = from;
  while (common < first.length && first[common] === last[common]) common++;
  const head = text(first.slice(from, common).join(''));
  const groups = new Map<string | undefined, (readonly string[])[]>();
  for (const one of all) {
    const group = groups.get(one[common]);
    if (group === undefined) groups.set(one[common], [one]);
    else group.push(one);
  }
  const ended = groups.delete(undefined);
  const branches = [...groups.values()].map((group) => tree(group, common));
  return sequence(head, choice(...branches, ...(ended ? [EMPTY] : [])));
}
