/** Cuts a text into pieces that a model can take, where a reader would pause. Nothing is lost: the pieces joined are the text. */
import { sentencesOf } from '../text/segment.js';
import { BYTES_PER_TOKEN, estimateTokens, tokensOfBytes } from './token-estimate.js';

export interface SplitOptions {
  /** Estimated tokens of a piece, at most; at least 16. */
  tokensMax: number;
  /** Stretches (UTF-16 indexes, [start, end)) that no cut may go through; a cut at either border is fine. In any order. */
  uncut?: readonly (readonly [start: number, end: number])[] | undefined;
}

/**
 * Pieces of `text` in its order, of about equal size, each of at most `tokensMax` estimated tokens: cut at the ends of paragraphs where that
 * is enough, else of lines, sentences, words, characters. A stretch that must not be cut may make a piece larger.
 */
export function splitText(text: string, options: SplitOptions): string[] {
  const tokens = estimateTokens(text);
  if (tokens <= options.tokensMax) return text === '' ? [] : [text];
  // Equal pieces: a last one of two sentences would weigh as much as the others when pieces are summarised one by one.
  const tokensWanted = Math.ceil(tokens / Math.ceil(tokens / options.tokensMax));
  const shape = { tokensMax: options.tokensMax, uncut: merged(options.uncut ?? []) };
  return pack(atoms(text, 0, shape, 0), tokensWanted, options.tokensMax);
}

interface Shape {
  tokensMax: number;
  /** Ascending, no two with a place in common. */
  uncut: readonly (readonly [start: number, end: number])[];
}

function merged(stretches: readonly (readonly [number, number])[]): [number, number][] {
  const whole: [number, number][] = [];
  for (const [start, end] of stretches.toSorted((a, b) => a[0] - b[0])) {
    const last = whole.at(-1);
    if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], end);
    else whole.push([start, end]);
  }
  return whole;
}

/** Places where a text may be cut, ascending: the coarsest that there are, then finer ones for what is still too large. */
const LEVELS: readonly ((text: string, shape: Shape) => number[])[] = [
  (text) => places(text, /(?=\S)(?<=\n[ \t]*\n\s*)/gu),
  (text) => places(text, /(?<=\n)/gu),
  (text) => sums(sentencesOf(text)),
  (text) => places(text, /(?=\S)(?<=\s)/gu),
  (text, { tokensMax }) => characterCuts(text, tokensMax),
];

function places(text: string, seam: RegExp): number[] {
  return Array.from(text.matchAll(seam), ({ index }) => index);
}

function sums(parts: readonly string[]): number[] {
  let at = 0;
  return parts.map(({ length }) => {
    at += length;
    return at;
  });
}

/** UTF-16 units before a cut in which the beginning of a word is looked for, in scripts that put no blanks between words. */
const WINDOW = 32;
const words = new Intl.Segmenter('und', { granularity: 'word' });

/** No unit takes more than three bytes of UTF-8, so these pieces fit however much their characters take. */
function characterCuts(text: string, tokensMax: number): number[] {
  const step = Math.max(1, Math.floor((tokensMax * BYTES_PER_TOKEN) / 3));
  const cuts: number[] = [];
  for (let at = step; at < text.length; at += step) {
    const from = Math.max(at - Math.min(WINDOW, step >> 1), 0);
    const last = Array.from(words.segment(text.slice(from, at + WINDOW)), ({ index }) => from + index).findLast(
      (index) => index > from && index <= at,
    );
    if (last !== undefined) at = last;
    else if (isInsidePair(text, at)) at--;
    cuts.push(at);
  }
  return cuts;
}

function isInsidePair(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
}

/** Parts of the text that fit, as large as their level allows: a paragraph that fits is not taken apart. */
function atoms(text: string, offset: number, shape: Shape, level: number): string[] {
  const cutsAt = LEVELS[level];
  if (cutsAt === undefined || estimateTokens(text) <= shape.tokensMax) return [text];
  const parts: string[] = [];
  let begin = 0;
  for (const cut of [...cutsAt(text, shape), text.length]) {
    if (cut <= begin || isInside(offset + cut, shape.uncut)) continue;
    for (const part of atoms(text.slice(begin, cut), offset + begin, shape, level + 1)) parts.push(part);
    begin = cut;
  }
  if (begin < text.length) parts.push(text.slice(begin));
  return parts;
}

/** By bisection: the last stretch that begins before `at`. */
function isInside(at: number, stretches: Shape['uncut']): boolean {
  let low = 0;
  let high = stretches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (stretches[middle]![0] < at) low = middle + 1;
    else high = middle;
  }
  const before = stretches[low - 1];
  return before !== undefined && at < before[1];
}

/** Tokens of a text are estimated by its bytes, which add up: each part is counted once. */
function pack(parts: readonly string[], tokensWanted: number, tokensMax: number): string[] {
  const pieces: string[] = [];
  let first = 0;
  let bytes = 0;
  const close = (end: number) => {
    if (end > first) pieces.push(parts.slice(first, end).join(''));
    first = end;
    bytes = 0;
  };
  for (const [at, part] of parts.entries()) {
    const more = Buffer.byteLength(part);
    if (tokensOfBytes(bytes) >= tokensWanted || tokensOfBytes(bytes + more) > tokensMax) close(at);
    bytes += more;
  }
  close(parts.length);
  return pieces;
}

/** Two halves, cut near the middle where a reader would pause; undefined for a text of one character. */
export function halves(text: string): [string, string] | undefined {
  const shape = { tokensMax: Math.max(16, Math.ceil(estimateTokens(text) / 2)), uncut: [] };
  const middle = text.length / 2;
  let last: number | undefined;
  for (const cutsAt of LEVELS) {
    const cuts = cutsAt(text, shape).filter((cut) => cut > 0 && cut < text.length);
    if (cuts.length === 0) continue;
    last = cuts.reduce((near, cut) => (Math.abs(cut - middle) < Math.abs(near - middle) ? cut : near));
    // A seam far from the middle takes a small bite only: finer ones may be nearer.
    if (Math.abs(last - middle) <= text.length / 4) break;
  }
  if (last === undefined && text.length > 1)
    last = isInsidePair(text, text.length >> 1) ? (text.length >> 1) - 1 : text.length >> 1;
  return last === undefined || last === 0 ? undefined : [text.slice(0, last), text.slice(last)];
}
