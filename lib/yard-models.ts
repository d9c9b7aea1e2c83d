/** The half of a yard that serves models: requests become tasks, engines are brought up, readers get their streams. */
import { stat } from 'node:fs/promises';
import { AgentyardError, CancelledError, ClosedError, EngineError, UnknownModelError } from './base/errors.js';
import { nearest } from './base/nearest.js';
import type { createEngineBackend } from './dispatch/engine/index.js';
import type { GgufHeader } from './memory/index.js';
import { AnswerStream } from './runtime/answer-stream.js';
import type { Backend, ModelJob, SavedSessionInfo } from './runtime/backend.js';
import { ModelDriver } from './runtime/model-driver.js';
import { ModelEntry, type TaskListener } from './runtime/model-entry.js';
import { chatJob, completionJob, embeddingJobs } from './runtime/requests.js';
import type { Runtime } from './runtime/runtime.js';
import type {
  ChatRequest,
  ChatStream,
  CompletionRequest,
  EmbedRequest,
  EmbedResult,
  ModelInfo,
  TaskHints,
  TaskRecord,
} from './runtime/service.js';
import { sessionNumber } from './runtime/session.js';
import { DEFAULT_TENANT } from './runtime/tenant-names.js';
import { ToolCallReader } from './runtime/tool-reader.js';
import { NONE, taskClassIndex } from './task/index.js';
import { DEFAULT_CONTEXT_TOKENS_MAX, DEFAULT_SEQUENCES, type ModelOptions, type YardOptions } from './yard-options.js';

const DEFAULT_STREAM_BUFFER_BYTES = 65_536;
const DEFAULT_CLASS = 'standard';
/** Inputs of one embedding call that wait or run at a time. */
const EMBED_WIDTH_MAX = 256;

export interface ModelPorts {
  createBackend: typeof createEngineBackend;
  readHeader: (path: string) => Promise<GgufHeader>;
  freeMemoryBytes: () => number | undefined;
}

interface Model {
  readonly name: string;
  readonly options: ModelOptions;
  backend: Backend | undefined;
  header: GgufHeader | undefined;
  createdSeconds: number;
}

/** Objects of this class so far: ids of yards that were made in the same millisecond differ. */
let made = 0;

export class YardModels {
  /** Takes no new work. */
  isClosed = false;
  readonly #ports: ModelPorts;
  readonly #models: Model[];
  readonly #runtime: Runtime;
  readonly #driver: ModelDriver;
  readonly #bufferBytes: number;
  readonly #idPrefix = `ay${Date.now().toString(36)}-${(made++).toString(36)}-`;
  #nextId = 1;
  /** Unsettled tasks by id. */
  readonly #tasks = new Map<string, ModelEntry>();
  /** Nothing is brought up any more. */
  #isEnded = false;
  #changeWaiters: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #readyWaiters: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(options: YardOptions, ports: ModelPorts, runtime: Runtime, onSettled: (record: TaskRecord) => void) {
    this.#ports = ports;
    this.#runtime = runtime;
    this.#bufferBytes = options.streamBufferBytes ?? DEFAULT_STREAM_BUFFER_BYTES;
    this.#models = Object.entries(options.models ?? {}).map(([name, model]) => ({
      name,
      options: typeof model === 'string' ? { path: model } : model,
      backend: undefined,
      header: undefined,
      createdSeconds: 0,
    }));
    this.#driver = new ModelDriver(runtime, {
      freeMemoryBytes: ports.freeMemoryBytes,
      onSettled: (record) => {
        this.#tasks.delete(record.id);
        onSettled(record);
      },
      onModelChange: () => this.#modelChanged(),
    });
    for (const [index, model] of this.#models.entries()) void this.#bringUp(index, model);
  }

  /** The unsettled task of that id. */
  find(id: string): ModelEntry | undefined {
    return this.#tasks.get(id);
  }

  /**
   * Submits a chat; it runs from now on, read or not.
   * @param parent - task index of the call that it is a child of
   * @throws {@link InvalidRequestError}, {@link UnknownModelError}, {@link ClosedError}
   */
  chat(request: ChatRequest, parent: number = NONE): ChatStream {
    return this.#stream(chatJob(request), request, this.#modelIndex(request.model), parent);
  }

  /**
   * Submits a plain completion, without a chat template.
   * @throws {@link InvalidRequestError}, {@link UnknownModelError}, {@link ClosedError}
   */
  complete(request: CompletionRequest): ChatStream {
    return this.#stream(completionJob(request), request, this.#modelIndex(request.model), NONE);
  }

  /**
   * Embeds each input as a task of its own; the first failure cancels the rest. Vectors have unit length.
   * @param parent - task index of the call that they are children of
   * @throws {@link InvalidRequestError}, {@link UnknownModelError}, {@link ClosedError}, and the error of the first task that fails
   */
  async embed(request: EmbedRequest, parent: number = NONE): Promise<EmbedResult> {
    const jobs = embeddingJobs(request);
    const model = this.#modelIndex(request.model);
    const vectors: Float32Array[] = new Array(jobs.length);
    let promptTokens = 0;
    let waitMs = 0;
    let failure: AgentyardError | undefined;
    const open = new Set<ModelEntry>();
    const fail = (error: AgentyardError) => {
      failure ??= error;
      for (const entry of [...open]) this.#driver.cancel(entry, failure);
    };
    // One listener for the call, not one for each of its inputs.
    const { signal, ...hints } = request;
    const onAbort = () => fail(new CancelledError(signal?.reason));
    if (signal?.aborted === true) throw new CancelledError(signal.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const embedOne = (index: number) =>
      new Promise<void>((resolve) => {
        let entry: ModelEntry | undefined;
        const end = () => {
          if (entry !== undefined) open.delete(entry);
          resolve();
        };
        entry = this.#submit(jobs[index]!, hints, model, parent, {
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
      const info = this.#driver.infos[index];
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

  /** By model. */
  savedSessions(): (SavedSessionInfo | undefined)[] {
    return this.#models.map(({ backend }) => backend?.savedSessions);
  }

  ready(): Promise<void> {
    if (this.isClosed) return Promise.reject(new ClosedError());
    return new Promise((resolve, reject) => {
      this.#readyWaiters.push({ resolve, reject });
      this.#modelChanged();
    });
  }

  /** Resolves when a model has changed its state, for whoever waits to learn what models can do; rejects when the yard is closed. */
  changed(): Promise<void> {
    if (this.isClosed) return Promise.reject(new ClosedError());
    return new Promise((resolve, reject) => this.#changeWaiters.push({ resolve, reject }));
  }

  /** Ends the engines; the caller has ended all tasks. */
  async close(): Promise<void> {
    this.#isEnded = true;
    for (const waiter of [...this.#readyWaiters.splice(0), ...this.#changeWaiters.splice(0)]) {
      waiter.reject(new ClosedError());
    }
    await this.#driver.close();
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
      this.#driver.bringUp(index, { backend, mappedBytes: file.size });
    } catch (error) {
      this.#driver.giveUp(
        index,
        error instanceof AgentyardError ? error : new EngineError(`Model "${model.name}" cannot be served.`, error),
      );
    }
  }

  #stream(job: ModelJob, hints: TaskHints, model: number, parent: number): ChatStream {
    let entry: ModelEntry | undefined;
    const id = this.#makeId();
    const stream = new AnswerStream(
      id,
      {
        cancel: (reason) => entry && this.#driver.cancel(entry, new CancelledError(reason)),
        pause: () => entry && this.#driver.pause(entry),
        resume: () => entry && this.#driver.resume(entry),
      },
      this.#bufferBytes,
      toolReader(id, job),
    );
    entry = this.#submit(
      job,
      hints,
      model,
      parent,
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

  #submit(
    job: ModelJob,
    hints: TaskHints,
    model: number,
    parent: number,
    listener: TaskListener,
    id = this.#makeId(),
  ): ModelEntry {
    if (this.isClosed) throw new ClosedError();
    const className = hints.class ?? DEFAULT_CLASS;
    const tenantName = hints.tenant ?? DEFAULT_TENANT;
    const nowMs = this.#runtime.nowMs;
    const entry = new ModelEntry(
      this.#driver,
      id,
      { index: model, name: this.#models[model]!.name },
      { tenantName, tenant: this.#runtime.tenants.retain(tenantName), className },
      job,
      listener,
      nowMs,
    );
    this.#tasks.set(id, entry);
    this.#driver.submit(entry, {
      classIndex: taskClassIndex(className),
      priority: hints.priority ?? 0,
      session: sessionNumber(tenantName, hints.session, job),
      outputLimit: job.kind === 'embedding' ? 0 : job.options.maxTokens,
      deadlineMs: hints.deadlineMs === undefined ? Number.POSITIVE_INFINITY : nowMs + hints.deadlineMs,
      signal: hints.signal,
      parent,
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
    throw new UnknownModelError(name, names, nearest(name, names));
  }

  #modelChanged(): void {
    const { models } = this.#runtime.state;
    const failed = models.findIndex((model) => model.phase === 'failed');
    if (failed >= 0) {
      const error = this.#driver.modelErrors[failed] ?? new EngineError(`Model "${models[failed]!.name}" failed.`);
      for (const waiter of this.#readyWaiters.splice(0)) waiter.reject(error);
    } else if (models.every((model) => model.phase === 'ready')) {
      for (const waiter of this.#readyWaiters.splice(0)) waiter.resolve();
    }
    for (const waiter of this.#changeWaiters.splice(0)) waiter.resolve();
    this.#runtime.isAwaited = this.#readyWaiters.length > 0;
  }
}

/** Only where calls may come: other answers are text, whatever it looks like. */
function toolReader(id: string, job: ModelJob): ToolCallReader | undefined {
  const bounds = job.kind === 'chat' ? job.options.toolBounds : undefined;
  if (bounds === undefined || bounds.choice === 'none') return undefined;
  return new ToolCallReader(
    id,
    bounds.tools.map(({ name }) => name),
  );
}
