/** Texts from one writer to one reader: the writer waits while the reader is behind. */

/** Held for the reader before the writer waits. */
const HELD_MAX = 16;

export class PartChannel implements AsyncIterable<string> {
  readonly #held: string[] = [];
  #isRead = false;
  #isDiscarded = false;
  #isOver = false;
  #wake: () => void = () => {};

  /** Resolves when there is room for more. */
  async put(text: string): Promise<void> {
    if (this.#isDiscarded) return;
    this.#held.push(text);
    this.#wake();
    while (this.#held.length >= HELD_MAX && !this.#isDiscarded && !this.#isOver) await this.#changed();
  }

  /** Nobody will read, unless somebody does already. */
  discardUnlessRead(): void {
    if (this.#isRead) return;
    this.#isDiscarded = true;
    this.#held.length = 0;
    this.#wake();
  }

  /** There is no more: what is held may still be read. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    this.#isRead = true;
    for (;;) {
      const text = this.#held.shift();
      if (text !== undefined) {
        this.#wake();
        yield text;
      } else if (this.#isOver) return;
      else await this.#changed();
    }
  }

  /** Reader and writer never wait at once: one waits for a text, the other for room. */
  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
