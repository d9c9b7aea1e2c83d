/** A text that arrives in pieces and may have so many words: whole sentences of it, as long as they fit. */
import { sentencesOf, wordsOf } from '../text/segment.js';

export class LengthLimit {
  readonly #wordsMax: number;
  #words = 0;
  /** Of the sentence that has not ended yet. */
  #open = '';
  /** White space after the last sentence that was taken: it belongs to the text when another follows. */
  #gap = '';
  #text = '';
  #isExceeded = false;

  constructor(wordsMax: number) {
    this.#wordsMax = wordsMax;
  }

  /** Did something come that was not taken whole? */
  get isExceeded(): boolean {
    return this.#isExceeded;
  }

  /** What was taken so far: all that {@link add} and {@link end} returned. */
  get text(): string {
    return this.#text;
  }

  /** Takes a piece. @returns the sentences that ended with it, as far as they fit */
  add(piece: string): string {
    if (this.#isExceeded) return '';
    this.#open += piece;
    const sentences = sentencesOf(this.#open);
    this.#open = sentences.pop() ?? '';
    return sentences.map((sentence) => this.#take(sentence)).join('');
  }

  /** Nothing more comes. @param isCut - the last sentence has no end: it is left out, unless it is the only one */
  end(isCut: boolean): string {
    const last = this.#open;
    this.#open = '';
    if (this.#isExceeded || last.trim() === '') return '';
    if (isCut && this.#text !== '') {
      this.#isExceeded = true;
      return '';
    }
    const taken = this.#take(last);
    this.#isExceeded ||= isCut;
    return taken;
  }

  #take(sentence: string): string {
    if (this.#isExceeded) return '';
    const words = wordsOf(sentence).length;
    // The first is taken in any case: no summary at all would be worse than one that is too long.
    if (this.#words + words > this.#wordsMax && this.#text !== '') {
      this.#isExceeded = true;
      return '';
    }
    this.#words += words;
    const core = this.#text === '' ? sentence.trim() : sentence.trimEnd();
    const taken = core === '' ? '' : this.#gap + core;
    this.#gap = this.#text === '' && core === '' ? '' : sentence.slice(sentence.trimEnd().length);
    this.#text += taken;
    return taken;
  }
}
