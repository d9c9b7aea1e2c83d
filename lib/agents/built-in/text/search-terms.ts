/** Words as a search compares them: without those that questions are made of, and without the endings of plurals. */
import { wordsOf } from './segment.js';

/**
 * Words of English questions. Documents hardly hold some of them ("I", "how"), so that a ranking that goes by how rare a word is would take
 * them for the subject. Words of other languages pass: their searches go by the weights alone.
 */
const LITTLE_WORDS = new Set(
  (
    'a an the and or but of to in is it its be are was were been being am do does did has have had i my me mine you your he she they them ' +
    'their we us our his her this that these those there here can could will would shall should may might must how what when where which who ' +
    'whom whose why if on at by for from with as so not no than then into about over after before once any some all each get got make makes ' +
    'let please tell say give want need like just also too very only own same such both few more most other out up off s t'
  ).split(' '),
);

/** In the order of the text, as often as they stand there. */
export function searchTermsOf(text: string): string[] {
  return wordsOf(text)
    .filter((word) => !LITTLE_WORDS.has(word))
    .map(withoutPlural);
}

/** The S-stemmer of Harman 1991 ("How effective is suffixing?"): it changes few words, and both sides of a search alike. */
function withoutPlural(word: string): string {
  if (word.endsWith('ies') && !/[ea]ies$/u.test(word)) return `${word.slice(0, -3)}y`;
  if (word.endsWith('es') && !/[aeo]es$/u.test(word)) return word.slice(0, -1);
  if (word.endsWith('s') && !/[us]s$/u.test(word)) return word.slice(0, -1);
  return word;
}
