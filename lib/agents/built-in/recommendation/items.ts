/** What can be recommended, and what two of them have in common. */
import { wordsOf } from '../text/segment.js';

export interface RecommendedItem {
  /** Unique. */
  id: string;
  /** What people call it. Default: its id. */
  title?: string | undefined;
  /** What it is about: this is what is compared. */
  text: string;
}

/** A word of more than this share of the items says nothing about two of them. */
const COMMON_SHARE = 0.2;
/** Shorter words are hardly ever what something is about. */
const SHORTEST_WORD = 3;

/** How rare words are among the items, in any language: no list of stop words is needed. */
export class WordRarity {
  readonly #counts = new Map<string, number>();
  readonly #size: number;

  constructor(texts: readonly string[]) {
    this.#size = texts.length;
    for (const text of texts) {
      for (const word of new Set(wordsOf(text))) this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1);
    }
  }

  /** Words that both texts have, rarest first, at most `count`; none that many items have. */
  shared(a: string, b: string, count: number): string[] {
    const inB = new Set(wordsOf(b));
    const shared = [...new Set(wordsOf(a))].filter(
      (word) => word.length >= SHORTEST_WORD && inB.has(word) && !this.#isCommon(word),
    );
    const countOf = (word: string) => this.#counts.get(word) ?? 0;
    return shared.sort((one, other) => countOf(one) - countOf(other)).slice(0, count);
  }

  #isCommon(word: string): boolean {
    // Of a handful of items, two that share a word are a large share already.
    return (this.#counts.get(word) ?? 0) > Math.max(2, this.#size * COMMON_SHARE);
  }
}
