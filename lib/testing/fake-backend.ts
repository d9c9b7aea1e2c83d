/**
 * The adapter of a fake model: keeps every promise of the port `Backend` without an engine. Answers come token by token (a token is a
 * word), by the process's timers, so that a virtual clock rules them.
 *
 * A task runs from `start` until `settled`, `embedded` or `failed`, one of which it gets exactly once: `#running` holds it so long.
 */
import {
  AgentyardError,
  EngineDiedError,
  EngineError,
  InvalidRequestError,
  PromptTooLongError,
} from '../base/errors.js';
import type { Backend, BackendSink, FinishReason, ModelJob, Prepared, StartOrder } from '../runtime/backend.js';
import type { FakeAnswer } from './fake-answer.js';
import { promptOf, wordsOf } from './words.js';

export interface FakeBackendOptions {
  model: string;
  sequences: number;
  contextTokens: number;
  /** Length of a vector; undefined for a model that only generates. */
  dims: number | undefined;
  /** Infinity: all at once. */
  tokensPerSecond: number;
  embed: ((text: string) => Float32Array) | undefined;
  /** Undefined for a model that only embeds. */
  answer: ((job: ModelJob) => Promise<FakeAnswer>) | undefined;
  embedLatencyMs: (job: ModelJob) => { latencyMs: number; error: Error | undefined };
  /** Told of each start (1) and end (-1). */
  ran: (by: 1 | -1) => void;
  closed: () => void;
}

interface Running {
  readonly task: number;
  readonly promptTokens: number;
  isPaused: boolean;
  /** What comes next; it waits while the task is paused. */
  next: (() => void) | undefined;
  timer: NodeJS.Timeout | undefined;
  outputTokens: number;
}

const ESTIMATE_BYTES = 2 ** 20;
const CHUNK_TOKENS = 64;

export class FakeBackend implements Backend {
  readonly model: string;
  readonly pid = undefined;
  readonly #options: FakeBackendOptions;
  readonly #running = new Map<number, Running>();
  readonly #prepared = new Map<number, number>();
  #nextPrepared = 1;
  #sink: BackendSink | undefined;

  constructor(options: FakeBackendOptions) {
    this.model = options.model;
    this.#options = options;
  }

  launch(sink: BackendSink): void {
    this.#sink = sink;
    sink.estimated({ ramBytes: ESTIMATE_BYTES, vramBytes: 0, source: 'header' });
  }

  load(): void {
    const { contextTokens, sequences, dims, answer } = this.#options;
    this.#sink!.ready({
      contextTokens,
      sequences,
      chunkTokens: CHUNK_TOKENS,
      prefillTokensPerSecond: undefined,
      decodeStepMs: undefined,
      embeddingLength: dims,
      generates: answer !== undefined,
      description: 'fake model',
    });
  }

  async prepare(job: ModelJob): Promise<Prepared> {
    const { answer, embed, contextTokens } = this.#options;
    const isAble = job.kind === 'embedding' ? embed !== undefined : answer !== undefined;
    if (!isAble) {
      const what = job.kind === 'embedding' ? 'does not embed' : 'only embeds';
      throw new InvalidRequestError(`Model "${this.model}" ${what}.`, 'model');
    }
    const promptTokens = Math.max(1, wordsOf(promptOf(job)).length);
    if (promptTokens >= contextTokens) throw new PromptTooLongError(promptTokens, contextTokens);
    const prepared = this.#nextPrepared++;
    this.#prepared.set(prepared, promptTokens);
    return { prepared, promptTokens };
  }

  discard(prepared: number): void {
    this.#prepared.delete(prepared);
  }

  start({ task, job, prepared }: StartOrder): void {
    const promptTokens = this.#prepared.get(prepared ?? 0) ?? wordsOf(promptOf(job)).length;
    if (prepared !== undefined) this.#prepared.delete(prepared);
    const running: Running = {
      task,
      promptTokens,
      isPaused: false,
      next: undefined,
      timer: undefined,
      outputTokens: 0,
    };
    this.#running.set(task, running);
    this.#options.ran(1);
    if (job.kind === 'embedding') this.#embed(running, job);
    else void this.#generate(running, job);
  }

  cancel(task: number): void {
    const running = this.#running.get(task);
    if (running !== undefined) this.#settle(running, 'cancelled');
  }

  pause(task: number): void {
    const running = this.#running.get(task);
    if (running !== undefined) running.isPaused = true;
  }

  resume(task: number): void {
    const running = this.#running.get(task);
    if (running === undefined) return;
    running.isPaused = false;
    const { next } = running;
    running.next = undefined;
    if (next !== undefined) this.#after(running, 0, next);
  }

  crash(error?: AgentyardError): void {
    for (const running of [...this.#running.values()]) this.#end(running);
    this.#prepared.clear();
    this.#sink?.down(undefined, 'SIGKILL', error ?? new EngineDiedError(this.model, undefined, 'SIGKILL'));
  }

  async close(): Promise<void> {
    for (const running of [...this.#running.values()]) this.#end(running);
    this.#options.closed();
  }

  #embed(running: Running, job: ModelJob): void {
    const { latencyMs, error } = this.#options.embedLatencyMs(job);
    this.#after(running, latencyMs, () => {
      if (error !== undefined) {
        this.#fail(running, error);
        return;
      }
      this.#end(running);
      this.#sink!.embedded(running.task, this.#options.embed!(promptOf(job)), usageOf(running));
    });
  }

  async #generate(running: Running, job: Exclude<ModelJob, { kind: 'embedding' }>): Promise<void> {
    let answer: FakeAnswer;
    try {
      answer = await this.#options.answer!(job);
    } catch (error) {
      answer = { text: '', error: error instanceof Error ? error : new Error(String(error)) };
    }
    const { maxTokens, stop } = job.options;
    const words = wordsOf(untilStop(answer.text, stop));
    const limit = Math.min(maxTokens, this.#options.contextTokens - running.promptTokens);
    const isCut = words.length > limit;
    const shown = isCut ? words.slice(0, limit) : words;
    const end = () => {
      if (answer.error !== undefined) this.#fail(running, answer.error);
      else this.#settle(running, isCut ? 'length' : (answer.finishReason ?? 'stop'));
    };
    this.#after(running, answer.latencyMs ?? 0, () => this.#say(running, shown, end));
  }

  /** The words that are left, one now, the others at the model's pace; then the end. */
  #say(running: Running, words: readonly string[], end: () => void): void {
    for (;;) {
      const word = words[running.outputTokens];
      if (word === undefined) {
        end();
        return;
      }
      running.outputTokens++;
      this.#sink!.progress(1, [running.task], [running.outputTokens === 1 ? running.promptTokens : 0], [1], [word]);
      // Whoever heard that may have ended the task, or paused it.
      if (!this.#running.has(running.task)) return;
      const more = () => this.#say(running, words, end);
      const { tokensPerSecond } = this.#options;
      if (Number.isFinite(tokensPerSecond)) {
        this.#after(running, 1_000 / tokensPerSecond, more);
        return;
      }
      if (running.isPaused) {
        running.next = more;
        return;
      }
    }
  }

  /** Goes on after so long, in another turn of the event loop, unless the task has ended; once it is resumed when it is paused then. */
  #after(running: Running, delayMs: number, action: () => void): void {
    const go = () => {
      running.timer = undefined;
      if (this.#running.get(running.task) !== running) return;
      if (running.isPaused) running.next = action;
      else action();
    };
    if (delayMs > 0) running.timer = setTimeout(go, delayMs);
    else setImmediate(go);
  }

  #settle(running: Running, reason: FinishReason): void {
    this.#end(running);
    this.#sink!.settled(running.task, reason, usageOf(running), 0);
  }

  #fail(running: Running, error: Error): void {
    this.#end(running);
    const typed = error instanceof AgentyardError ? error : new EngineError(error.message, error);
    this.#sink!.failed(running.task, typed);
  }

  #end(running: Running): void {
    if (this.#running.get(running.task) !== running) return;
    this.#running.delete(running.task);
    clearTimeout(running.timer);
    this.#options.ran(-1);
  }
}

function usageOf({ promptTokens, outputTokens }: Running) {
  return { promptTokens, cachedTokens: 0, outputTokens };
}

/** The text before the first of its stops. */
function untilStop(text: string, stops: readonly string[]): string {
  const ends = stops.map((stop) => text.indexOf(stop)).filter((position) => position >= 0);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}
