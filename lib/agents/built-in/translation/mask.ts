/** A text with marks in the place of all that must stand, as ⟦1⟧, and the way back. */
import { localiseNumber, numbersOf } from '../common/numbers.js';
import { type Term, termUses } from './glossary.js';
import { blank, type Languages, type Loss } from './losses.js';
import { protectedSpans } from './protected-spans.js';

/** Marks that a text uses itself cannot stand for anything else. */
const BRACKETS = [
  ['⟦', '⟧'],
  ['⟪', '⟫'],
  ['⦃', '⦄'],
  ['⌈', '⌋'],
] as const;

export interface MaskedText {
  /** The text with marks. */
  text: string;
  /** What stands for each mark, in the translation; the mark of index 0 is numbered 1. */
  stands: readonly string[];
  /** The text between the marks: one more than there are marks, some empty. */
  between: readonly string[];
  brackets: readonly [open: string, close: string];
}

/** @returns undefined when the text uses every kind of mark itself, or has nothing to mask */
export function maskText(source: string, languages: Languages, terms: readonly Term[]): MaskedText | undefined {
  const brackets = BRACKETS.find(([open, close]) => !source.includes(open) && !source.includes(close));
  const stretches = stretchesOf(source, languages, terms);
  if (brackets === undefined || stretches.length === 0) return undefined;
  const between: string[] = [];
  let at = 0;
  for (const { start, end } of stretches) {
    between.push(source.slice(at, start));
    at = end;
  }
  between.push(source.slice(at));
  const [open, close] = brackets;
  const text = between.map((part, index) => (index === 0 ? part : `${open}${index}${close}${part}`)).join('');
  return { text, stands: stretches.map(({ stands }) => stands), between, brackets };
}

interface Stretch {
  start: number;
  end: number;
  stands: string;
}

/** All that must stand, in order; where two overlap, a placeholder goes before a term and a term before a number. */
function stretchesOf(source: string, { from, to }: Languages, terms: readonly Term[]): Stretch[] {
  const spans = protectedSpans(source);
  const withoutSpans = blank(source, spans);
  const uses = termUses(withoutSpans, terms);
  const numbers = numbersOf(blank(withoutSpans, uses), from);
  return [
    ...spans.map(({ start, end, text }): Stretch => ({ start, end, stands: text })),
    ...uses.map(({ start, end, translation }): Stretch => ({ start, end, stands: translation })),
    ...numbers.map(({ start, end, text }): Stretch => ({ start, end, stands: localiseNumber(text, from, to) })),
  ].sort((a, b) => a.start - b.start);
}

/** The answer with everything back in its place, and the marks that it lost, doubled or made up. */
export function unmaskText(
  answer: string,
  { stands, brackets: [open, close] }: MaskedText,
): { text: string; losses: Loss[] } {
  const seen = new Map<number, number>();
  const losses: Loss[] = [];
  const text = answer.replace(new RegExp(`${open}\\s*(\\d+)\\s*${close}`, 'gu'), (mark, digits: string) => {
    const index = Number(digits) - 1;
    const stood = stands[index];
    seen.set(index, (seen.get(index) ?? 0) + 1);
    if (stood === undefined || seen.get(index)! > 1) losses.push({ kind: 'placeholder', problem: 'added', text: mark });
    return stood ?? mark;
  });
  for (const index of stands.keys()) {
    if (!seen.has(index)) losses.push({ kind: 'placeholder', problem: 'lost', text: `${open}${index + 1}${close}` });
  }
  if (losses.length === 0 && (text.includes(open) || text.includes(close))) {
    losses.push({ kind: 'placeholder', problem: 'added', text: text.includes(open) ? open : close });
  }
  return { text, losses };
}
