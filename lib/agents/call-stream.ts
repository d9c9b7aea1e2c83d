/**
 * A chat of an agent, as the agent holds it.
 *
 * It is collected whether or not the agent reads it, for the call waits for its end. Its end is told only after the call has its slot
 * again: `result()` settles then, and the iteration ends then. It may be made before its model is known; then its id is empty until
 * it is submitted.
 */
import type { ChatPart, ChatResult, ChatStream } from '../runtime/service.js';

export class CallStream implements ChatStream {
  #stream: ChatStream | undefined;
  readonly #opened: Promise<ChatStream>;
  readonly #ended: Promise<ChatResult>;
  #left: { reason: unknown } | undefined;
  #iterator: AsyncIterator<ChatPart, void, undefined> | undefined;

  /** @param held - the same result, when the agent may learn of it */
  constructor(opened: ChatStream | Promise<ChatStream>, held: (result: Promise<ChatResult>) => Promise<ChatResult>) {
    if (opened instanceof Promise) {
      this.#opened = opened.then((stream) => {
        this.#stream = stream;
        if (this.#left !== undefined) stream.cancel(this.#left.reason);
        return stream;
      });
      this.#opened.catch(() => {});
    } else {
      this.#stream = opened;
      this.#opened = Promise.resolve(opened);
    }
    this.#ended = held(this.#collect());
  }

  get id(): string {
    return this.#stream?.id ?? '';
  }

  accepted(): Promise<{ promptTokens: number }> {
    return safeToIgnore(this.#opened.then((stream) => stream.accepted()));
  }

  started(): Promise<{ waitMs: number }> {
    return safeToIgnore(this.#opened.then((stream) => stream.started()));
  }

  result(): Promise<ChatResult> {
    return this.#ended;
  }

  cancel(reason?: unknown): void {
    if (this.#stream === undefined) this.#left ??= { reason };
    else this.#stream.cancel(reason);
  }

  [Symbol.asyncIterator](): AsyncIterator<ChatPart, void, undefined> {
    this.#iterator ??= {
      next: () => this.#next(),
      return: () => {
        this.cancel();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return this.#iterator;
  }

  async #next(): Promise<IteratorResult<ChatPart, void>> {
    const stream = this.#stream ?? (await this.#opened);
    const part = await stream[Symbol.asyncIterator]().next();
    if (part.done === true) await this.#ended;
    return part;
  }

  /** The result as soon as it is there. From now on the text has a reader. */
  async #collect(): Promise<ChatResult> {
    const stream = this.#stream ?? (await this.#opened);
    return stream.result();
  }
}

function safeToIgnore<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
