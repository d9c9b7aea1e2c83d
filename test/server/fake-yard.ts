/**
 * A scripted yard: every task does what its script says, when the test lets it. Streams obey the service's contract: they run from the
 * moment they are made, buffer a few parts, wait for their reader, and end at once when they are cancelled.
 */
import {
  CancelledError,
  ClosedError,
  InvalidRequestError,
  isAgentyardError,
  UnknownModelError,
} from '../../lib/base/index.js';
import type { FinishReason, Usage } from '../../lib/runtime/backend.js';
import type {
  ChatPart,
  ChatRequest,
  ChatResult,
  ChatStream,
  CompletionRequest,
  EmbedRequest,
  EmbedResult,
  ModelInfo,
  TaskHints,
  TaskRecord,
  YardService,
  YardStats,
} from '../../lib/runtime/service.js';

export interface Script {
  /** The task is accepted when this resolves. Default: at once. */
  acceptAfter?: Promise<void>;
  /** Instead of being accepted, the task is refused with this. */
  refuse?: Error;
  /** The task is started in a slot when this resolves. Default: at once. */
  startAfter?: Promise<void>;
  /** The answer. Default: "Hello", " world". */
  parts?: Iterable<string> | AsyncIterable<string>;
  /** After the parts the task fails with this. */
  failWith?: Error;
  finishReason?: FinishReason;
  usage?: Usage;
  waitMs?: number;
}

export type GenerateRequest = ChatRequest | CompletionRequest;

/** Parts that a stream holds for its reader before it waits. */
const BUFFER_PARTS = 4;

export interface Deferred<T = void> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

export class FakeTask implements ChatStream {
  readonly id: string;
  readonly request: GenerateRequest;
  /** Resolves with the task's record when it settled. */
  readonly settled = deferred<TaskRecord>();
  /** Parts that the "engine" has made so far. */
  produced = 0;
  readonly #script: Script;
  readonly #accepted = deferred<{ promptTokens: number }>();
  readonly #started = deferred<{ waitMs: number }>();
  readonly #result = deferred<ChatResult>();
  readonly #cancelled = deferred<never>();
  readonly #buffer: string[] = [];
  #changed = deferred();
  #iterated = false;
  #collects = false;
  #text = '';
  #end: { error?: unknown } | undefined;

  constructor(id: string, request: GenerateRequest, script: Script) {
    this.id = id;
    this.request = request;
    this.#script = script;
    const { signal } = request;
    signal?.addEventListener('abort', () => this.cancel(signal.reason), { once: true });
    if (signal?.aborted) this.cancel(signal.reason);
    void this.#run();
  }

  accepted() {
    return this.#accepted.promise;
  }

  started() {
    return this.#started.promise;
  }

  result() {
    if (!this.#iterated) this.#collects = true;
    this.#notify();
    return this.#result.promise;
  }

  cancel(reason?: unknown) {
    this.end(new CancelledError(reason));
  }

  /** Ends the task with an error, whatever it does now. */
  end(error: Error) {
    this.#cancelled.reject(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ChatPart, void, undefined> {
    this.#iterated = true;
    try {
      for (;;) {
        const text = this.#buffer.shift();
        this.#notify();
        if (text !== undefined) yield { text };
        else if (this.#end === undefined) await this.#changed.promise;
        else if ('error' in this.#end) throw this.#end.error;
        else return;
      }
    } finally {
      this.cancel();
    }
  }

  async #run(): Promise<void> {
    const { acceptAfter, refuse, startAfter, parts = ['Hello', ' world'], failWith, waitMs = 12.5 } = this.#script;
    try {
      if (acceptAfter !== undefined) await this.#unlessCancelled(acceptAfter);
      if (refuse !== undefined) throw refuse;
      this.#accepted.resolve({ promptTokens: this.#usage().promptTokens });
      if (startAfter !== undefined) await this.#unlessCancelled(startAfter);
      this.#started.resolve({ waitMs });
      for await (const part of this.#untilCancelled(parts)) {
        while (!this.#collects && this.#buffer.length >= BUFFER_PARTS)
          await this.#unlessCancelled(this.#changed.promise);
        this.produced++;
        this.#text += part;
        if (!this.#collects) this.#buffer.push(part);
        this.#notify();
      }
      if (failWith !== undefined) throw failWith;
      this.#settle();
    } catch (error) {
      this.#settle(error);
    }
  }

  /** A cancel ends the answer even while the "engine" is silent. */
  async *#untilCancelled(parts: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
    const iterator = Symbol.asyncIterator in parts ? parts[Symbol.asyncIterator]() : parts[Symbol.iterator]();
    for (;;) {
      const next = await this.#unlessCancelled(Promise.resolve(iterator.next()));
      if (next.done) return;
      yield next.value;
    }
  }

  #unlessCancelled<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([this.#cancelled.promise, promise]);
  }

  #usage(): Usage {
    return this.#script.usage ?? { promptTokens: 7, cachedTokens: 3, outputTokens: this.produced };
  }

  #settle(...failure: [error?: unknown]): void {
    const failed = failure.length > 0;
    const { finishReason = 'stop', waitMs = 12.5 } = this.#script;
    const usage = this.#usage();
    const times = { waitMs, firstTokenMs: this.produced > 0 ? 20 : undefined, totalMs: 30 };
    this.#end = failed ? { error: failure[0] } : {};
    if (failed) {
      for (const promise of [this.#accepted, this.#started, this.#result]) promise.reject(failure[0]);
    } else {
      this.#result.resolve({ id: this.id, text: this.#text, finishReason, usage, ...times });
    }
    const error = failure[0];
    this.settled.resolve({
      id: this.id,
      model: this.request.model,
      tenant: this.request.tenant ?? 'default',
      class: this.request.class ?? 'standard',
      outcome: !failed ? 'completed' : error instanceof CancelledError ? 'cancelled' : 'failed',
      errorCode: isAgentyardError(error) ? error.code : undefined,
      finishReason: failed ? undefined : finishReason,
      ...times,
      ...usage,
    });
    this.#notify();
  }

  #notify(): void {
    const changed = this.#changed;
    this.#changed = deferred();
    changed.resolve();
  }
}

export const CHAT_MODEL = 'chat-model';
export const EMBED_MODEL = 'embed-model';

export class FakeYard implements YardService {
  /** What the next generation does. */
  script: (request: GenerateRequest) => Script = () => ({});
  /** Embeddings wait for this, or are cancelled. */
  embedAfter: Promise<void> | undefined;
  /** What {@link FakeYard.ready} returns. */
  readyAfter: Promise<void> = Promise.resolve();
  readonly tasks: FakeTask[] = [];
  readonly embeds: EmbedRequest[] = [];
  /** Embeddings that were cancelled by their signal. */
  embedsCancelled = 0;
  modelState: ModelInfo['state'] = 'ready';
  readonly #listeners = new Set<(record: TaskRecord) => void>();
  readonly #outcomes = { completed: 0, failed: 0, cancelled: 0, refused: 0, expired: 0 };
  readonly #drainOver = deferred();
  #closed = false;
  #ids = 0;
  #running = 0;
  #waiters: { count: number; wake: () => void }[] = [];

  chat(request: ChatRequest): ChatStream {
    return this.#submit(request);
  }

  complete(request: CompletionRequest): ChatStream {
    return this.#submit(request);
  }

  async embed(request: EmbedRequest): Promise<EmbedResult> {
    this.embeds.push(request);
    this.#wake();
    this.#check(request);
    if (request.model !== EMBED_MODEL) throw new InvalidRequestError('This model does not embed.', 'model');
    const { signal } = request;
    if (this.embedAfter !== undefined) {
      const cancelled = deferred<never>();
      signal?.addEventListener('abort', () => {
        this.embedsCancelled++;
        cancelled.reject(new CancelledError());
      });
      await Promise.race([this.embedAfter, cancelled.promise]);
    }
    const inputs: readonly (string | readonly number[])[] =
      typeof request.input === 'string'
        ? [request.input]
        : typeof request.input[0] === 'number'
          ? [request.input as readonly number[]]
          : (request.input as readonly string[]);
    return { vectors: inputs.map(unitVector), promptTokens: 2 * inputs.length, waitMs: 4 };
  }

  models(): ModelInfo[] {
    const shared = {
      state: this.modelState,
      standIn: false,
      sequences: 4,
      contextTokens: 2048,
      createdSeconds: 1_700_000_000,
      enginePid: undefined,
      description: undefined,
      chunkTokens: undefined,
      prefillTokensPerSecond: undefined,
      decodeStepMs: undefined,
    };
    return [
      { ...shared, name: CHAT_MODEL, generates: true, embeds: false },
      { ...shared, name: EMBED_MODEL, generates: false, embeds: true },
    ];
  }

  stats(): YardStats {
    const model = { queued: 1, slotsTotal: 4, promptTokens: 70, cachedTokens: 30, outputTokens: 20, engineStarts: 2 };
    return {
      queued: 1,
      running: this.#running,
      outcomes: this.#outcomes,
      models: { [CHAT_MODEL]: { ...model, running: this.#running, slotsUsed: this.#running, engineDeaths: 1 } },
      pools: { ram: { capacity: 1000, leased: 250 } },
      windows: {},
      grantsByRule: { order: 5, overdue: 1 },
      backfilled: 0,
      reuse: {
        results: { hits: 6, joins: 2, misses: 3, entries: 3, bytes: 900 },
        embeddings: { hits: 40, misses: 10, entries: 10, bytes: 16_000 },
      },
      boundOverruns: 0,
    };
  }

  onSettled(listener: (record: TaskRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  ready(): Promise<void> {
    return this.readyAfter;
  }

  /** As the service says: work gets `drainMs` to end, and a second close without it ends the first. */
  async close({ drainMs = 0 }: { drainMs?: number } = {}): Promise<void> {
    this.#closed = true;
    const open = this.tasks.map((task) => task.settled.promise);
    if (drainMs > 0) {
      const limit = setTimeout(this.#drainOver.resolve, drainMs);
      await Promise.race([Promise.all(open), this.#drainOver.promise]);
      clearTimeout(limit);
    }
    this.#drainOver.resolve();
    for (const task of this.tasks) task.end(new ClosedError());
    await Promise.all(open);
  }

  /** Resolves with the last task when so many generations were submitted since the start. */
  async submitted(count: number): Promise<FakeTask> {
    await this.#counted(() => this.tasks.length, count);
    return this.tasks[count - 1] as FakeTask;
  }

  /** Resolves when so many embedding calls were made since the start. */
  async embedded(count: number): Promise<void> {
    await this.#counted(() => this.embeds.length, count);
  }

  async #counted(current: () => number, count: number): Promise<void> {
    while (current() < count) {
      const { promise, resolve } = deferred();
      this.#waiters.push({ count, wake: () => resolve() });
      await promise;
    }
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { wake } of waiters) wake();
  }

  #check({ model }: TaskHints & { model: string }): void {
    if (this.#closed) throw new ClosedError();
    const known = this.models().map(({ name }) => name);
    if (!known.includes(model)) throw new UnknownModelError(model, known);
  }

  #submit(request: GenerateRequest): FakeTask {
    let script: Script;
    try {
      this.#check(request);
      script = this.script(request);
    } catch (error) {
      script = { refuse: error as Error };
    }
    const task = new FakeTask(`t${++this.#ids}`, request, script);
    this.tasks.push(task);
    this.#running++;
    void task.settled.promise.then((record) => {
      this.#running--;
      this.#outcomes[record.outcome]++;
      for (const listener of this.#listeners) listener(record);
    });
    this.#wake();
    return task;
  }
}

/** Four numbers that depend on the input, of length 1. */
function unitVector(input: string | readonly number[]): Float32Array {
  const codes = typeof input === 'string' ? [...input].map((character) => character.codePointAt(0) ?? 0) : input;
  const raw = [1, 2, 3, 4].map((factor) =>
    codes.reduce((sum, code, index) => sum + Math.sin(code * factor + index), factor),
  );
  const length = Math.hypot(...raw);
  return Float32Array.from(raw, (value) => value / length);
}
