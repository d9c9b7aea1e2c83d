/** A text of any length as segments that a model can take, with what lies between them. */

import { numbersOf } from '../common/numbers.js';
import { splitText } from '../common/split-text.js';
import { type Term, termUses } from './glossary.js';
import { protectedSpans } from './protected-spans.js';

export interface Segment {
  /** White space before and behind, kept as it is. */
  before: string;
  text: string;
  after: string;
}

/**
 * Cut between paragraphs, sentences or words, and never inside of anything that must stand. Joined, the segments are the text.
 * @param tokensMax - estimated tokens of a segment, at most
 */
export function segmentsOf(text: string, tokensMax: number, terms: readonly Term[]): Segment[] {
  const stretches = [...protectedSpans(text), ...termUses(text, terms), ...numbersOf(text)];
  const uncut = stretches.map(({ start, end }) => [start, end] as const);
  return splitText(text, { tokensMax, uncut }).map((piece) => {
    const core = piece.trim();
    const at = piece.indexOf(core);
    return { before: piece.slice(0, at), text: core, after: piece.slice(at + core.length) };
  });
}
