/** What a translation lost, altered or made up, compared with its source. Pure; the answer of no model is trusted. */
import { compareNumbers, numbersOf } from '../common/numbers.js';
import { type Term, termUses } from './glossary.js';
import { isPositional, type ProtectedSpan, protectedSpans } from './protected-spans.js';

/** One thing that is wrong with a translation. `text` is what it is about, as it stands in the source or, for `added`, in the translation. */
export interface Loss {
  kind: 'placeholder' | 'number' | 'term' | 'text';
  problem: 'lost' | 'added' | 'misplaced' | 'empty' | 'unchanged' | 'cut off';
  text: string;
}

export interface Languages {
  /** BCP 47 tag; undefined when it is not known. */
  from: string | undefined;
  to: string;
}

/** Titles and names of up to three words may well be the same in both languages. */
const WORDS_UNCHANGED_MAX = 3;
const FILLER = '\ufffc';

/**
 * Nothing when the translation is intact: every placeholder, tag and address of the source stands in it exactly as often; tags that nested
 * still nest; unnumbered printf placeholders keep their order; numbers have the same values and there are no others; every term of the glossary that
 * the source uses appears in its translation; and it is not empty, nor the source once more.
 */
export function lossesOf(source: string, translation: string, languages: Languages, terms: readonly Term[]): Loss[] {
  if (translation.trim() === '') return [{ kind: 'text', problem: 'empty', text: '' }];
  const before = protectedSpans(source);
  const after = protectedSpans(translation);
  const uses = termUses(blank(source, before), terms);
  const used = [...new Map(uses.map((use) => [use.translation, use])).values()];
  const plain = blank(translation, after);
  const found = termUses(
    plain,
    used.map(({ translation: text }) => ({ term: text, translation: text })),
  );
  const numbers = compareNumbers(
    numbersOf(blank(blank(source, before), uses), languages.from),
    numbersOf(blank(plain, found), languages.to),
  );
  const losses: Loss[] = [
    ...spanLosses(before, after),
    ...numbers.lost.map(({ text }): Loss => ({ kind: 'number', problem: 'lost', text })),
    ...numbers.added.map(({ text }): Loss => ({ kind: 'number', problem: 'added', text })),
    ...used
      .filter((use) => !contains(plain, use.translation, languages.to))
      .map(({ translation: text }): Loss => ({ kind: 'term', problem: 'lost', text })),
  ];
  if (losses.length === 0 && isUnchanged(source, translation, blank(source, before), languages)) {
    losses.push({ kind: 'text', problem: 'unchanged', text: '' });
  }
  return losses;
}

function contains(text: string, part: string, language: string): boolean {
  return text.toLocaleLowerCase(language).includes(part.toLocaleLowerCase(language));
}

/** Is there anything in the text, besides what is copied, that a translator would touch? */
export function hasWords(text: string): boolean {
  return /\p{L}/u.test(blank(text, protectedSpans(text)));
}

function isUnchanged(source: string, translation: string, plain: string, { from, to }: Languages): boolean {
  if (from?.split('-')[0] === to.split('-')[0]) return false;
  const words = plain.match(/\p{L}+/gu)?.length ?? 0;
  return words > WORDS_UNCHANGED_MAX && source.trim() === translation.trim();
}

/** The text with filler in the place of some stretches, so that indexes stay. Stretches are in order and do not overlap. */
export function blank(text: string, stretches: readonly { start: number; end: number }[]): string {
  let blanked = '';
  let at = 0;
  for (const { start, end } of stretches) {
    blanked += text.slice(at, start) + FILLER.repeat(end - start);
    at = end;
  }
  return blanked + text.slice(at);
}

function spanLosses(before: readonly ProtectedSpan[], after: readonly ProtectedSpan[]): Loss[] {
  const balance = new Map<string, number>();
  for (const { text } of before) balance.set(text, (balance.get(text) ?? 0) + 1);
  for (const { text } of after) balance.set(text, (balance.get(text) ?? 0) - 1);
  const losses: Loss[] = [];
  for (const [text, missing] of balance) {
    const problem = missing > 0 ? 'lost' : 'added';
    for (let at = 0; at < Math.abs(missing); at++) losses.push({ kind: 'placeholder', problem, text });
  }
  if (losses.length > 0) return losses;
  const order = (spans: readonly ProtectedSpan[]) => spans.filter(isPositional).map(({ text }) => text);
  const [expected, got] = [order(before), order(after)];
  const wrong = expected.findIndex((text, at) => text !== got[at]);
  if (wrong >= 0) return [{ kind: 'placeholder', problem: 'misplaced', text: expected[wrong]! }];
  const [wellBefore, wellAfter] = [firstUnnested(before), firstUnnested(after)];
  if (wellBefore === undefined && wellAfter !== undefined) {
    return [{ kind: 'placeholder', problem: 'misplaced', text: wellAfter }];
  }
  return [];
}

/** The first closing tag that closes no open one, undefined when all do. Tags that are never closed (`<br>`) are nobody's concern. */
function firstUnnested(spans: readonly ProtectedSpan[]): string | undefined {
  const open: string[] = [];
  for (const { kind, text } of spans) {
    if (kind !== 'tag' || text.startsWith('<!--') || text.endsWith('/>')) continue;
    const name = /[\w:.-]+/.exec(text)![0].toLowerCase();
    if (!text.startsWith('</')) {
      open.push(name);
      continue;
    }
    const at = open.lastIndexOf(name);
    if (at < 0) return text;
    open.length = at;
  }
  return undefined;
}
