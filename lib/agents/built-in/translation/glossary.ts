/** Terms whose translation is settled. */

/** Translations of terms, by the term as texts use it, then by language: `{ invoice: { de: 'Rechnung' } }`. */
export type Glossary = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A term as one language has it. */
export interface Term {
  term: string;
  translation: string;
}

/** A place where a term is used. */
export interface TermUse extends Term {
  start: number;
  end: number;
}

/** Scripts that put no blanks between words, so that a term may stand anywhere. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
const WORD = /[\p{L}\p{N}]/u;

/** The terms of a glossary that have a translation into `language`, or into the language that it is a form of ("de" for "de-AT"). */
export function termsFor(glossary: Glossary, language: string): Term[] {
  const [base = language] = language.split('-');
  return Object.entries(glossary).flatMap(([term, translations]) => {
    const translation = translations[language] ?? translations[base];
    return translation === undefined ? [] : [{ term, translation }];
  });
}

/** Where a text uses terms, in its order; of those that begin at the same place the longest. Upper and lower case are the same. */
export function termUses(text: string, terms: readonly Term[]): TermUse[] {
  if (terms.length === 0) return [];
  const longestFirst = terms.toSorted((a, b) => b.term.length - a.term.length);
  const any = new RegExp(longestFirst.map(({ term }) => `(${sourceOf(term)})`).join('|'), 'giu');
  return Array.from(text.matchAll(any), (match) => {
    const use = longestFirst[match.slice(1).findIndex((group) => group !== undefined)]!;
    return { ...use, start: match.index, end: match.index + match[0].length };
  });
}

function sourceOf(term: string): string {
  const edge = (character: string, look: string) => (WORD.test(character) && !UNSPACED.test(character) ? look : '');
  const characters = [...term];
  const escaped = term.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replace(/\s+/g, '\\s{1,4}');
  return `${edge(characters[0] ?? '', '(?<![\\p{L}\\p{N}])')}${escaped}${edge(characters.at(-1) ?? '', '(?![\\p{L}\\p{N}])')}`;
}
