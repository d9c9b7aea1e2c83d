/** Sets of Unicode code points, as ranges: sorted, apart from each other, both ends included. */
export type CodePoints = readonly (readonly [from: number, to: number])[];

/**
 * Every character that a generated string may hold: Unicode without surrogates, without C1 and without the control characters
 * that JSON can only write as `\u00XX`. Nobody asks a model for those, and small models would loop on them.
 */
export const ALPHABET: CodePoints = [
  [0x08, 0x0a],
  [0x0c, 0x0d],
  [0x20, 0x7e],
  [0xa0, 0xd7ff],
  [0xe000, 0x10ffff],
];

export function union(...sets: readonly CodePoints[]): CodePoints {
  const sorted = sets.flat().sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

export function intersection(a: CodePoints, b: CodePoints): CodePoints {
  const common: [number, number][] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const from = Math.max(a[i]![0], b[j]![0]);
    const to = Math.min(a[i]![1], b[j]![1]);
    if (from <= to) common.push([from, to]);
    if (a[i]![1] < b[j]![1]) i++;
    else j++;
  }
  return common;
}

/** What `of` has and `without` has not. */
export function difference(of: CodePoints, without: CodePoints): CodePoints {
  const gaps: [number, number][] = [];
  let next = 0;
  for (const [from, to] of without) {
    if (from > next) gaps.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= 0x10ffff) gaps.push([next, 0x10ffff]);
  return intersection(of, gaps);
}

export function includes(set: CodePoints, point: number): boolean {
  return set.some(([from, to]) => from <= point && point <= to);
}

export function pointsOf(characters: string): CodePoints {
  return union([...characters].map((one) => [one.codePointAt(0)!, one.codePointAt(0)!] as const));
}
