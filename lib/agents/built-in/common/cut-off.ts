/** Answers that the limit of tokens ended in the middle of a sentence. */
import { sentencesOf } from '../text/segment.js';

/** Without the sentence that has no end: it may say the opposite of what it would have said. One sentence alone stays. */
export function withoutLastSentence(text: string): string {
  const sentences = sentencesOf(text.trim());
  return (sentences.length > 1 ? sentences.slice(0, -1).join('') : text).trim();
}
