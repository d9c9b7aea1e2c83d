/**
 * The library's front: a scheduler, its live driver, and one engine per model.
 *
 * ```ts
 * const yard = new Yard({ models: { chat: 'model.gguf' } });
 * for await (const part of yard.chat({ model: 'chat', messages, class: 'interactive' })) process.stdout.write(part.text);
 * await yard.close();
 * ```
 */
import { stat } from 'node:fs/promises';
import leven from 'leven';
import { type Clock, monotonicClock } from './base/clock.js';
import { AgentyardError, CancelledError, ClosedError, EngineError, UnknownModelError } from './base/errors.js';
import { createEngineBackend } from './dispatch/engine/index.js';
import { type GgufHeader, readGgufHeader, readHostMemory } from './memory/index.js';
import { AnswerStream } from './runtime/answer-stream.js';
import type { Backend, ModelJob } from './runtime/backend.js';
import { chatJob, completionJob, embeddingJobs } from './runtime/requests.js';
import { Runtime } from './runtime/runtime.js';
import type {
  ChatRequest,
  ChatStream,
  CompletionRequest,
  EmbedRequest,
  EmbedResult,
  ModelInfo,
  TaskHints,
  TaskRecord,
  YardService,
  YardStats,
} from './runtime/service.js';
import { sessionNumber } from './runtime/session.js';
import { statsOf } from './runtime/stats.js';
import { TaskEntry, type TaskListener } from './runtime/task-entry.js';
import { TenantNames } from './runtime/tenant-names.js';
import { taskClassIndex } from './task/index.js';
import { schedulerConfig } from './yard-config.js';
import {
  checkYardOptions,
  DEFAULT_CONTEXT_TOKENS_MAX,
  DEFAULT_SEQUENCES,
  type ModelOptions,
  type YardOptions,
} from './yard-options.js';

const DEFAULT_STREAM_BUFFER_BYTES = 65_536;
const DEFAULT_MAX_TENANTS = 10_000;
const DEFAULT_TENANT = 'default';
const DEFAULT_CLASS = 'standard';
/** Inputs of one embedding call that wait or run at a time. */
const EMBED_WIDTH_MAX = 256;
const TIMER_MS_MAX = 2 ** 31 - 1;

/** What a yard stands on; tests replace parts of it. */
export interface YardPorts {
  clock: Clock;
  createBackend: typeof createEngineBackend;
  readHeader: (path: string) => Promise<GgufHeader>;
  readMemory: typeof readHostMemory;
}

interface Model {
  readonly name: string;
  readonly options: ModelOptions;
  backend: Backend | undefined;
  header: GgufHeader | undefined;
  createdSeconds: number;
}

export class Yard implements YardService {
  readonly #ports: YardPorts;
  readonly #models: Model[];
  readonly #runtime: Runtime;
  readonly #tenants: TenantNames;
  readonly #bufferBytes: number;
  readonly #listeners = new Set<(record: TaskRecord) => void>();
  readonly #idPrefix = `ay${Date.now().toString(36)}`;
  #nextId = 1;
  /** Takes no new work. */
  #isClosed = false;
  /** The drain is over: nothing is brought up any more. */
  #isEnded = false;
  #closing: Promise<void> | undefined;
  #wakeDrain: (() => void) | undefined;
  #readyWaiters: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  /**
   * Checks the options and begins to bring the models up; work may be submitted at once and waits for them.
   * @throws {@link InvalidOptionError}
   */
  constructor(options: YardOptions, ports: Partial<YardPorts> = {}) {
    checkYardOptions(options);
    this.#ports = {
      clock: monotonicClock,
      createBackend: createEngineBackend,
      readHeader: readGgufHeader,
      readMemory: readHostMemory,
      ...ports,
    };
    this.#models = Object.entries(options.models).map(([name, model]) => ({
      name,
      options: typeof model === 'string' ? { path: model } : model,
      backend: undefined,
      header: undefined,
      createdSeconds: 0,
    }));
    this.#tenants = new TenantNames(options.maxTenants ?? DEFAULT_MAX_TENANTS);
    this.#bufferBytes = options.streamBufferBytes ?? DEFAULT_STREAM_BUFFER_BYTES;
    this.#runtime = new Runtime({
      config: schedulerConfig(options, this.#ports.readMemory()),
      clock: this.#ports.clock,
      freeMemoryBytes: () => this.#ports.readMemory().availableBytes,
      onSettled: (record) => this.#settled(record),
      onModelChange: () => this.#modelChanged(),
    });
    for (const [index, model] of this.#models.entries()) void this.#bringUp(index, model);
  }

  /**
   * Submits a chat; it runs from now on, read or not.
   * @throws {@link InvalidRequestError}, {@link UnknownModelError}, {@link ClosedError}
   */
  chat(request: ChatRequest): ChatStream {
    return this.#stream(chatJob(request), request, this.#modelIndex(request.model));
  }

  /**
   * Submits a plain completion, without a chat template.
   * @throws {@link InvalidRequestError}, {@link UnknownModelError}, {@link ClosedError}
   */
  complete(request: CompletionRequest): ChatStream {
    return this.#stream(completionJob(request), request, this.#modelIndex(request.model));
  }

  /**
   * Embeds each input as a task of its own; the first failure cancels the rest. Vectors have unit length.
   * @throws {@link InvalidRequestError}, {@link UnknownModelError}, {@link ClosedError}, and the error of the first task that fails
   */
  async embed(request: EmbedRequest): Promise<EmbedResult> {
    const jobs = embeddingJobs(request);
    const model = this.#modelIndex(request.model);
    const vectors: Float32Array[] = new Array(jobs.length);
    let promptTokens = 0;
    let waitMs = 0;
    let failure: AgentyardError | undefined;
    const open = new Set<TaskEntry>();
    const fail = (error: AgentyardError) => {
      failure ??= error;
      for (const entry of [...open]) this.#runtime.cancel(entry, failure);
    };
    // One listener for the call, not one for each of its inputs.
    const { signal, ...hints } = request;
    const onAbort = () => fail(new CancelledError(signal?.reason));
    if (signal?.aborted === true) throw new CancelledError(signal.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const embedOne = (index: number) =>
      new Promise<void>((resolve) => {
        let entry: TaskEntry | undefined;
        const end = () => {
          if (entry !== undefined) open.delete(entry);
          resolve();
        };
        entry = this.#submit(jobs[index]!, hints, model, {
          accepted: () => {},
          started: () => {},
          text: () => {},
          completed: (done, record) => {
            vectors[index] = done.vector ?? new Float32Array(0);
            promptTokens += record.promptTokens;
            waitMs = Math.max(waitMs, record.waitMs);
            end();
          },
          failed: (error) => {
            end();
            fail(error);
          },
        });
        if (!entry.isSettled) open.add(entry);
      });
    // A bounded part of the inputs waits at a time, so that one call neither fills its class's queue nor fails because of it.
    let next = 0;
    const work = async () => {
      while (next < jobs.length && failure === undefined) await embedOne(next++);
    };
    const { queueLimit } = this.#runtime.state.config.classes[taskClassIndex(request.class ?? DEFAULT_CLASS)]!;
    const width = Math.max(1, Math.min(EMBED_WIDTH_MAX, Math.floor(queueLimit / 4), jobs.length));
    try {
      await Promise.all(Array.from({ length: width }, work));
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
    if (failure !== undefined) throw failure;
    return { vectors, promptTokens, waitMs };
  }

  models(): ModelInfo[] {
    return this.#models.map((model, index) => {
      const { phase } = this.#runtime.state.models[index]!;
      const info = this.#runtime.infos[index];
      return {
        name: model.name,
        state:
          phase === 'ready' || phase === 'failed'
            ? phase
            : phase === 'waiting' || info !== undefined
              ? 'restarting'
              : 'loading',
        standIn: model.header?.standIn ?? false,
        sequences: model.options.sequences ?? DEFAULT_SEQUENCES,
        contextTokens: info?.contextTokens,
        generates: info?.generates,
        embeds: info === undefined ? undefined : info.embeddingLength !== undefined,
        createdSeconds: model.createdSeconds,
        enginePid: model.backend?.pid,
        description: info?.description,
        chunkTokens: info?.chunkTokens,
        prefillTokensPerSecond: info?.prefillTokensPerSecond,
        decodeStepMs: info?.decodeStepMs,
      };
    });
  }

  stats(): YardStats {
    return statsOf(this.#runtime.state);
  }

  /** The last scheduler events as JSON lines, oldest first; see docs/event-log.md. Holds no prompt or answer text. */
  eventLog(): string[] {
    return this.#runtime.log.lines();
  }

  onSettled(listener: (record: TaskRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ready(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new ClosedError());
    return new Promise((resolve, reject) => {
      this.#readyWaiters.push({ resolve, reject });
      this.#modelChanged();
    });
  }

  close(options: { drainMs?: number } = {}): Promise<void> {
    if (this.#closing !== undefined && (options.drainMs ?? 0) === 0) {
      // A second close that does not want to wait ends the drain of the first.
      this.#wakeDrain?.();
    }
    this.#closing ??= this.#close(options.drainMs ?? 0);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(drainMs: number): Promise<void> {
    this.#isClosed = true;
    if (drainMs > 0 && this.#isWorking()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(drainMs, TIMER_MS_MAX));
        this.#wakeDrain = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isEnded = true;
    for (const entry of [...this.#runtime.unsettled()]) this.#runtime.cancel(entry, new ClosedError());
    for (const waiter of this.#readyWaiters.splice(0)) waiter.reject(new ClosedError());
    await this.#runtime.close();
  }

  #isWorking(): boolean {
    return this.#runtime.state.running + this.#runtime.state.queue.size > 0;
  }

  async #bringUp(index: number, model: Model): Promise<void> {
    try {
      model.header = await this.#ports.readHeader(model.options.path);
      const file = await stat(model.options.path);
      model.createdSeconds = Math.floor(file.mtimeMs / 1_000);
      if (this.#isEnded) return;
      const trained = model.header.contextTokens;
      const backend = this.#ports.createBackend({
        ...model.options,
        model: model.name,
        header: model.header,
        sequences: model.options.sequences ?? DEFAULT_SEQUENCES,
        contextTokens: Math.min(model.options.contextTokens ?? DEFAULT_CONTEXT_TOKENS_MAX, trained),
      });
      model.backend = backend;
      this.#runtime.launch(index, { backend, mappedBytes: file.size });
    } catch (error) {
      this.#runtime.giveUp(
        index,
        error instanceof AgentyardError ? error : new EngineError(`Model "${model.name}" cannot be served.`, error),
      );
    }
  }

  #stream(job: ModelJob, hints: TaskHints, model: number): ChatStream {
    let entry: TaskEntry | undefined;
    const id = this.#makeId();
    const stream = new AnswerStream(
      id,
      {
        cancel: (reason) => entry && this.#runtime.cancel(entry, new CancelledError(reason)),
        pause: () => entry && this.#runtime.pause(entry),
        resume: () => entry && this.#runtime.resume(entry),
      },
      this.#bufferBytes,
    );
    entry = this.#submit(
      job,
      hints,
      model,
      {
        accepted: (promptTokens) => stream.accept(promptTokens),
        started: (waitMs) => stream.start(waitMs),
        text: (text) => stream.push(text),
        completed: (done, record) =>
          stream.finish({
            id,
            text: stream.text,
            finishReason: done.finishReason ?? 'stop',
            usage: done.usage ?? { promptTokens: 0, cachedTokens: 0, outputTokens: 0 },
            waitMs: record.waitMs,
            firstTokenMs: record.firstTokenMs,
            totalMs: record.totalMs,
          }),
        failed: (error) => stream.fail(error),
      },
      id,
    );
    return stream;
  }

  #submit(job: ModelJob, hints: TaskHints, model: number, listener: TaskListener, id = this.#makeId()): TaskEntry {
    if (this.#isClosed) throw new ClosedError();
    const className = hints.class ?? DEFAULT_CLASS;
    const tenantName = hints.tenant ?? DEFAULT_TENANT;
    const nowMs = this.#runtime.nowMs;
    const entry = new TaskEntry(
      id,
      { index: model, name: this.#models[model]!.name },
      { tenantName, className },
      job,
      listener,
      nowMs,
    );
    this.#runtime.submit(entry, {
      tenant: this.#tenants.indexOf(tenantName),
      classIndex: taskClassIndex(className),
      priority: hints.priority ?? 0,
      session: sessionNumber(tenantName, hints.session, job),
      outputLimit: job.kind === 'embedding' ? 0 : job.options.maxTokens,
      deadlineMs: hints.deadlineMs === undefined ? Number.POSITIVE_INFINITY : nowMs + hints.deadlineMs,
      signal: hints.signal,
    });
    return entry;
  }

  #makeId(): string {
    return `${this.#idPrefix}${(this.#nextId++).toString(36)}`;
  }

  #modelIndex(name: string): number {
    const index = this.#models.findIndex((model) => model.name === name);
    if (index >= 0) return index;
    const names = this.#models.map((model) => model.name);
    const nearest = names.toSorted((a, b) => leven(a, name) - leven(b, name))[0];
    const isClose = nearest !== undefined && leven(nearest, name) <= 3;
    throw new UnknownModelError(name, names, isClose ? nearest : undefined);
  }

  #settled(record: TaskRecord): void {
    for (const listener of this.#listeners) {
      try {
        listener(record);
      } catch (error) {
        // A listener that throws is its owner's bug; the scheduler's turn goes on.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
    if (this.#wakeDrain !== undefined && !this.#isWorking()) this.#wakeDrain();
  }

  #modelChanged(): void {
    const { models } = this.#runtime.state;
    const failed = models.findIndex((model) => model.phase === 'failed');
    if (failed >= 0) {
      const error = this.#runtime.modelErrors[failed] ?? new EngineError(`Model "${models[failed]!.name}" failed.`);
      for (const waiter of this.#readyWaiters.splice(0)) waiter.reject(error);
    } else if (models.every((model) => model.phase === 'ready')) {
      for (const waiter of this.#readyWaiters.splice(0)) waiter.resolve();
    }
    this.#runtime.isAwaited = this.#readyWaiters.length > 0;
  }
}
