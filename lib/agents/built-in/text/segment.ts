/** Words and sentences of any language, as Unicode and the locale data of Node know them. */

const wordSegmenter = new Intl.Segmenter('und', { granularity: 'word' });
const sentenceSegmenter = new Intl.Segmenter('und', { granularity: 'sentence' });

/** What looks like a sentence's end but for the letter that follows: "e.g. this", "3. Apr", an abbreviation before a small letter. */
const GOES_ON = /(?:\b(?:e\.g|i\.e|cf|vs|etc|approx|no|fig|dr|mr|mrs|ms|prof|st)\.|\b\p{Lu}\.)\s*$/iu;

/** The words of a text in lower case, in order, without punctuation and spaces. Numbers are words. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const { segment, isWordLike } of wordSegmenter.segment(text)) {
    if (isWordLike === true) words.push(segment.toLowerCase());
  }
  return words;
}

/** The sentences of a text with the white space that follows them: joined they are the text. */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  for (const { segment } of sentenceSegmenter.segment(text)) {
    const last = sentences.at(-1);
    if (last !== undefined && GOES_ON.test(last)) sentences[sentences.length - 1] = last + segment;
    else sentences.push(segment);
  }
  return sentences;
}
