/** The numbers in brackets by which an answer names its sources. */

const CITATION = /[ \t]?\[(\d{1,3}(?:[ \t]*[,;][ \t]*\d{1,3})*)\]/gu;

export interface CitedText {
  /** Without citations of passages that do not exist. */
  text: string;
  /** Numbers that are cited, ascending. */
  cited: number[];
}

/** @param count - passages that the answer was made from: citations of 1 to `count` stand, others are taken out */
export function readCitations(text: string, count: number): CitedText {
  const cited = new Set<number>();
  const kept = text.replace(CITATION, (whole, list: string) => {
    const numbers = list.split(/[,;]/u).map(Number);
    const good = numbers.filter((number) => number >= 1 && number <= count);
    for (const number of good) cited.add(number);
    if (good.length === 0) return '';
    return good.length === numbers.length ? whole : `${whole.startsWith('[') ? '' : whole[0]}[${good.join(', ')}]`;
  });
  return { text: kept.trim(), cited: [...cited].sort((a, b) => a - b) };
}
