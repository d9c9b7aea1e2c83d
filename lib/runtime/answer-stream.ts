/**
 * A submitted answer as its caller holds it: text parts to iterate, and promises for the moments that matter.
 *
 * Life: open → ended (with a result or an error), once. While open and unread it buffers up to `bufferBytes`, then asks for a
 * pause, and for a resume when a reader has taken it. Promises are made only when asked for, so an ignored stream never
 * causes an unhandled rejection.
 */
import type { AgentyardError } from '../base/errors.js';
import type { ChatPart, ChatResult, ChatStream } from './service.js';
import type { ToolCallReader } from './tool-reader.js';

/** What a stream may ask of the runtime. */
export interface StreamControls {
  cancel(reason: unknown): void;
  pause(): void;
  resume(): void;
}

interface Waiter<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export class AnswerStream implements ChatStream {
  readonly id: string;
  readonly #controls: StreamControls;
  readonly #bufferBytes: number;
  /** Tells calls of tools from text; absent where none may be called. */
  readonly #toolReader: ToolCallReader | undefined;
  #unread: ChatPart[] = [];
  #unreadBytes = 0;
  #whole = '';
  #held = false;
  /** Its reader left the loop. */
  #left = false;
  /** `result()` was asked for: the text has a reader even though nobody iterates. */
  #collecting = false;
  readonly #readers: Waiter<IteratorResult<ChatPart, void>>[] = [];
  #iterator: AsyncIterator<ChatPart, void, undefined> | undefined;
  #accepted: Moment<{ promptTokens: number }> = new Moment();
  #started: Moment<{ waitMs: number }> = new Moment();
  #ended: Moment<ChatResult> = new Moment();

  constructor(id: string, controls: StreamControls, bufferBytes: number, toolReader?: ToolCallReader) {
    this.id = id;
    this.#controls = controls;
    this.#bufferBytes = bufferBytes;
    this.#toolReader = toolReader;
  }

  /** Bytes that wait for a reader, as UTF-8. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  get text(): string {
    return this.#whole;
  }

  accepted(): Promise<{ promptTokens: number }> {
    return this.#accepted.promise();
  }

  started(): Promise<{ waitMs: number }> {
    return this.#started.promise();
  }

  result(): Promise<ChatResult> {
    this.#collecting = true;
    this.#proceed();
    return this.#ended.promise();
  }

  cancel(reason?: unknown): void {
    if (!this.#ended.isOver) this.#controls.cancel(reason);
  }

  [Symbol.asyncIterator](): AsyncIterator<ChatPart, void, undefined> {
    this.#iterator ??= {
      next: () => this.#next(),
      return: () => {
        this.#left = true;
        this.cancel();
        this.#drop();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return this.#iterator;
  }

  /** Called by the runtime, as is everything below. */
  accept(promptTokens: number): void {
    this.#accepted.resolve({ promptTokens });
  }

  start(waitMs: number): void {
    this.#started.resolve({ waitMs });
  }

  push(text: string): void {
    if (text === '' || this.#ended.isOver) return;
    if (this.#toolReader === undefined) this.#deliver({ text });
    else for (const part of this.#toolReader.push(text)) this.#deliver(part);
  }

  /** @param result - its text and calls are replaced by what came through {@link push} */
  finish(result: ChatResult): void {
    let { finishReason, toolCalls } = result;
    if (this.#toolReader !== undefined && !this.#ended.isOver) {
      for (const part of this.#toolReader.finish()) this.#deliver(part);
      const { calls, isCut } = this.#toolReader;
      if (calls.length > 0) toolCalls = calls;
      if (calls.length > 0 && !isCut && finishReason !== 'cancelled') finishReason = 'tool_calls';
    }
    this.#ended.resolve({
      ...result,
      text: this.#whole,
      finishReason,
      ...(toolCalls !== undefined && { toolCalls }),
    });
    for (const reader of this.#readers.splice(0)) reader.resolve({ done: true, value: undefined });
  }

  fail(error: AgentyardError): void {
    this.#accepted.reject(error);
    this.#started.reject(error);
    this.#ended.reject(error);
    for (const reader of this.#readers.splice(0)) reader.reject(error);
  }

  #deliver(part: ChatPart): void {
    this.#whole += part.text;
    if (this.#left) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: part });
      return;
    }
    this.#unread.push(part);
    this.#unreadBytes += partBytes(part);
    if (this.#unreadBytes > this.#bufferBytes && !this.#collecting && !this.#held) {
      this.#held = true;
      this.#controls.pause();
    }
  }

  /** A reader that fell behind gets all text at once; a piece of a call comes alone. */
  #takeUnread(): ChatPart {
    const until = this.#unread.findIndex(({ toolCall }) => toolCall !== undefined);
    const count = until < 0 ? this.#unread.length : Math.max(1, until);
    const taken = this.#unread.splice(0, count);
    const part = count === 1 ? taken[0]! : { text: taken.map(({ text }) => text).join('') };
    this.#unreadBytes = this.#unread.length === 0 ? 0 : this.#unreadBytes - partBytes(part);
    return part;
  }

  #next(): Promise<IteratorResult<ChatPart, void>> {
    if (this.#unread.length > 0) {
      const value = this.#takeUnread();
      if (this.#unread.length === 0) this.#proceed();
      return Promise.resolve({ done: false, value });
    }
    if (this.#left) return Promise.resolve({ done: true, value: undefined });
    if (this.#ended.isOver) {
      if (this.#ended.error !== undefined) return Promise.reject(this.#ended.error);
      return Promise.resolve({ done: true, value: undefined });
    }
    const reader = makeWaiter<IteratorResult<ChatPart, void>>();
    this.#readers.push(reader);
    return reader.promise;
  }

  #drop(): void {
    this.#unread = [];
    this.#unreadBytes = 0;
  }

  #proceed(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#controls.resume();
  }
}

/** Something that happens at most once, and whose promise is made only when somebody asks. */
class Moment<T> {
  isOver = false;
  error: unknown;
  #value: T | undefined;
  #waiter: Waiter<T> | undefined;

  promise(): Promise<T> {
    if (this.#waiter === undefined) {
      this.#waiter = makeWaiter();
      if (this.isOver) this.#tell();
    }
    return this.#waiter.promise;
  }

  resolve(value: T): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#value = value;
    this.#tell();
  }

  reject(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.error = error;
    this.#tell();
  }

  #tell(): void {
    if (this.#waiter === undefined) return;
    if (this.error === undefined) this.#waiter.resolve(this.#value as T);
    else this.#waiter.reject(this.error);
  }
}

function partBytes({ text, toolCall }: ChatPart): number {
  return Buffer.byteLength(toolCall === undefined ? text : toolCall.arguments);
}

function makeWaiter<T>(): Waiter<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // "Safe to ignore": a promise that its asker dropped must not end the process.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
