/**
 * What a person said that a summary does not hold, word for word. Models lose names and numbers when they sum up, small ones most of them, and
 * what people say of themselves is what they expect to be remembered. Pure.
 */
import { sentencesOf, wordsOf } from '../text/segment.js';

/** Longer ones are explanations, or no sentences. */
const CHARACTERS_MAX = 240;
const WORDS_MIN = 2;
/** A question asks for facts; it holds none. */
const QUESTION = /[?？؟]["')\]”»]*$/u;
/** First persons of languages with many speakers. A guess that only adds weight. */
const FIRST_PERSON = new Set(
  (
    'i i’m i’ve my me mine we our us ich mein meine meinen meiner mich mir wir unser unsere je moi mon ma mes nous notre nos yo mi mis me ' +
    'nosotros nuestro io mio mia noi nostro eu meu minha nós nosso ik mijn wij ons я мой моя мне мы наш 我 我们 私 僕'
  ).split(' '),
);
const FIRST_PERSON_TIMES = 3;
/** A number or a name tells more than a word. */
const TELLING_TIMES = 3;
const LETTERS_MIN = 4;

interface Candidate {
  text: string;
  order: number;
  words: readonly string[];
  /** Words with a digit, or with a capital that is not the sentence's first. */
  telling: ReadonlySet<string>;
}

/** Statements in messages of a person, in their order. */
export function statementsOf(messages: readonly string[]): string[] {
  return messages
    .flatMap((message) => sentencesOf(message))
    .map((sentence) => sentence.replace(/\s+/gu, ' ').trim())
    .filter((sentence) => sentence.length <= CHARACTERS_MAX && !QUESTION.test(sentence));
}

/**
 * The statements that say most of what `summary` does not, as many as fit, in their order. Each word that the summary lacks counts by how few of
 * the statements have it; names, numbers and first persons count more; the sum is taken by the root of the length.
 * @param fits - may this much text be kept?
 */
export function chooseQuotes(
  statements: readonly string[],
  summary: string,
  fits: (text: string) => boolean,
): string[] {
  const candidates = [...new Set(statements)].map(candidateOf).filter(({ words }) => words.length >= WORDS_MIN);
  const holders = new Map<string, number>();
  for (const { words } of candidates) {
    for (const word of new Set(words)) holders.set(word, (holders.get(word) ?? 0) + 1);
  }
  const summed = new Set(wordsOf(summary));
  const score = ({ words, telling }: Candidate) => {
    let sum = 0;
    for (const word of new Set(words)) {
      if (summed.has(word) || (word.length < LETTERS_MIN && !telling.has(word))) continue;
      sum += (telling.has(word) ? TELLING_TIMES : 1) / holders.get(word)!;
    }
    const isOfSelf = words.some((word) => FIRST_PERSON.has(word));
    return (sum * (isOfSelf ? FIRST_PERSON_TIMES : 1)) / Math.sqrt(words.length);
  };
  const scored = candidates.map((candidate) => ({ candidate, score: score(candidate) }));
  scored.sort((a, b) => b.score - a.score || b.candidate.order - a.candidate.order);
  const chosen: Candidate[] = [];
  for (const { candidate, score: value } of scored) {
    if (value > 0 && fits([...chosen, candidate].map(({ text }) => text).join('\n'))) chosen.push(candidate);
  }
  return chosen.sort((a, b) => a.order - b.order).map(({ text }) => text);
}

function candidateOf(text: string, order: number): Candidate {
  const telling = [...text.matchAll(/\p{N}[\p{N}.,:]*|(?<=[^\s.!?…][\s"'“„(]{1,2})\p{Lu}[\p{L}\p{N}'’-]*/gu)];
  return { text, order, words: wordsOf(text), telling: new Set(telling.flatMap(({ 0: word }) => wordsOf(word))) };
}
