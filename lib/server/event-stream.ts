/** Server-sent events over one response: writes, keep-alive comments, and waiting for a reader that is slow. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** The reader went away, or stopped reading for too long and was let go. */
export class ReaderGoneError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'ReaderGoneError';
  }
}

export interface EventStreamOptions {
  /** A comment is sent when nothing was for so long, so that proxies do not take a waiting request for a dead one; ms. */
  keepAliveMs: number;
  /** A reader whose socket stays full for so long is cut off; ms. */
  unreadMs: number;
}

/**
 * The owner calls `data` and then awaits `drained` before it makes more: at most one socket buffer of text is held for a reader,
 * and a slow one slows nobody else. Every method is safe after the reader has gone; `drained` tells.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #options: EventStreamOptions;
  readonly #keepAlive: NodeJS.Timeout;

  /** Sends the headers at once, so that the client knows that it is being served. */
  constructor(response: ServerResponse, headers: OutgoingHttpHeaders, options: EventStreamOptions) {
    this.#response = response;
    this.#options = options;
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      // nginx would otherwise collect the events of a whole answer before it passes on the first.
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
    // One timer for the whole answer, pushed back by each write: cheaper than a timer a token.
    this.#keepAlive = setTimeout(() => this.comment('keep-alive'), options.keepAliveMs).unref();
    response.once('close', () => clearTimeout(this.#keepAlive));
  }

  /** One event. `json` has no line ends, as `JSON.stringify` writes it. */
  data(json: string): void {
    this.#write(`data: ${json}\n\n`);
  }

  /** One event with a name. `json` as for `data`. */
  event(name: string, json: string): void {
    this.#write(`event: ${name}\ndata: ${json}\n\n`);
  }

  /** A line that clients skip. Left out while the socket is full: the reader is not waiting for us then. */
  comment(text: string): void {
    if (!this.#response.writableNeedDrain) this.#write(`: ${text}\n\n`);
    else this.#keepAlive.refresh();
  }

  #write(text: string): void {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    this.#response.write(text);
    this.#keepAlive.refresh();
  }

  /**
   * Resolves when the socket takes more.
   * @throws {@link ReaderGoneError} when the client left, or its socket stayed full for `unreadMs`
   */
  async drained(): Promise<void> {
    const response = this.#response;
    if (response.destroyed) throw new ReaderGoneError('The client closed the connection.');
    if (!response.writableNeedDrain) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (reason?: string) => {
        clearTimeout(limit);
        response.off('drain', onDrain).off('close', onClose);
        if (reason === undefined) resolve();
        else reject(new ReaderGoneError(reason));
      };
      const onDrain = () => settle();
      const onClose = () => settle('The client closed the connection.');
      const limit = setTimeout(() => {
        settle(`The client did not read for ${this.#options.unreadMs} ms.`);
        response.destroy();
      }, this.#options.unreadMs).unref();
      response.once('drain', onDrain).once('close', onClose);
    });
  }

  /** Ends the answer. A client that never takes the last of it is cut off after `unreadMs`. */
  end(): void {
    clearTimeout(this.#keepAlive);
    const response = this.#response;
    if (response.destroyed) return;
    const limit = setTimeout(() => response.destroy(), this.#options.unreadMs).unref();
    response.once('close', () => clearTimeout(limit));
    response.end();
  }
}
