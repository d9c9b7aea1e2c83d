/** Drives the served models: carries out what the scheduler asks of their engines, and turns what the engines report into events. */
import {
  type AgentyardError,
  CancelledError,
  EngineDiedError,
  EngineError,
  InsufficientMemoryError,
} from '../base/errors.js';
import { EventKind } from '../event/index.js';
import { Outcome, type Reason } from '../task/index.js';
import type { Backend, BackendInfo, BackendSink } from './backend.js';
import type { ModelEntry, ModelOwner } from './model-entry.js';
import type { ModelCommands, Runtime } from './runtime.js';
import type { TaskRecord } from './service.js';
import { sendEnded, taskReports } from './task-reports.js';

/** A served model as the runtime drives it. */
export interface ServedModel {
  readonly backend: Backend;
  /** Bytes of a load that probes do not see as used (file-backed weights). */
  readonly mappedBytes: number;
}

export interface ModelDriverOptions {
  /** Free host memory now, bytes; undefined when no probe works. Read before every load. */
  freeMemoryBytes: () => number | undefined;
  /** Called once per settled task. */
  onSettled: (record: TaskRecord) => void;
  /** Called after an event that may have changed a model's phase. */
  onModelChange: () => void;
}

/** What the caller of {@link ModelDriver.submit} chose. */
export interface ModelSubmission {
  classIndex: number;
  priority: number;
  session: number;
  outputLimit: number;
  /** Absolute, on the runtime's clock; Infinity for none. */
  deadlineMs: number;
  signal: AbortSignal | undefined;
  /** Task index of the call that it is a child of; -1 for none. */
  parent: number;
}

export class ModelDriver implements ModelCommands, ModelOwner {
  readonly infos: (BackendInfo | undefined)[];
  /** Why a model failed or died last. */
  readonly modelErrors: (AgentyardError | undefined)[];
  readonly #runtime: Runtime;
  readonly #options: ModelDriverOptions;
  /** By model index; filled before the model's launch. */
  readonly #served: ServedModel[] = [];
  #isClosed = false;

  constructor(runtime: Runtime, options: ModelDriverOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.infos = runtime.state.models.map(() => undefined);
    this.modelErrors = runtime.state.models.map(() => undefined);
    runtime.models = this;
  }

  get nowMs(): number {
    return this.#runtime.turnMs;
  }

  backendOf(entry: ModelEntry): Backend {
    return this.#served[entry.model]!.backend;
  }

  /** Brings a model up by means of `served`. */
  bringUp(model: number, served: ServedModel): void {
    this.#served[model] = served;
    this.observeMemory();
    const event = this.#runtime.begin(EventKind.launch);
    event.model = model;
    this.#runtime.dispatch(event);
  }

  /** Gives a model up before it was launched: its file cannot be served. */
  giveUp(model: number, error: AgentyardError): void {
    this.#down(model, error, true);
  }

  /** Hands a task over. Its listener hears of admission or refusal before this returns. */
  submit(entry: ModelEntry, submission: ModelSubmission): void {
    const { signal } = submission;
    if (signal?.aborted === true) {
      this.#runtime.refuse(entry, Outcome.cancelled, new CancelledError(signal.reason));
      return;
    }
    if (signal !== undefined) entry.signalTasks = this.#runtime.signals.watch(signal, entry);
    const event = this.#runtime.begin(EventKind.submit);
    event.model = entry.model;
    event.tenant = entry.tenant;
    event.classIndex = submission.classIndex;
    event.priority = submission.priority;
    event.session = submission.session;
    event.promptTokens = -1;
    event.outputLimit = submission.outputLimit;
    event.deadlineMs = submission.deadlineMs;
    event.serviceSeconds = Number.NaN;
    event.size = Number.NaN;
    event.demand = -1;
    event.boundMs = 0;
    event.timeoutMs = 0;
    event.maxAttempts = 0;
    event.parent = submission.parent;
    event.budget = Number.POSITIVE_INFINITY;
    event.group = 0;
    event.gang = 0;
    event.gangSize = 0;
    this.#runtime.dispatch(event, entry);
  }

  /** Ends a task whatever it is doing; its caller gets `error`. No effect on a settled one. */
  cancel(entry: ModelEntry, error: AgentyardError): void {
    if (entry.isSettled) return;
    entry.fail(error);
    this.#send(EventKind.cancel, entry);
  }

  pause(entry: ModelEntry): void {
    if (!entry.isSettled) this.#send(EventKind.pause, entry);
  }

  resume(entry: ModelEntry): void {
    if (!entry.isSettled) this.#send(EventKind.resume, entry);
  }

  /** The task's outcome is out. */
  settled(entry: ModelEntry, record: TaskRecord): void {
    if (entry.signalTasks !== undefined) this.#runtime.signals.forget(entry.signalTasks, entry);
    this.#runtime.afterTurn(() => this.#options.onSettled(record));
  }

  /** Nothing of the task is left in the core. */
  released(entry: ModelEntry): void {
    this.#runtime.tenants.release(entry.tenant);
  }

  sessionOf(entry: ModelEntry): number {
    return this.#runtime.state.tasks.sessions[entry.task]!;
  }

  /** As the scheduler counted them. */
  outputTokens(entry: ModelEntry): number {
    return entry.task < 0 ? 0 : this.#runtime.state.tasks.outputTokens[entry.task]!;
  }

  errorOf(entry: ModelEntry, reason: Reason): AgentyardError {
    return this.#runtime.errorOf(reason, {
      waitMs: this.nowMs - entry.submittedMs,
      modelError: this.modelErrors[entry.model],
    });
  }

  /** Has the prompt counted, once the engine is there to do it. */
  prepare(entry: ModelEntry): void {
    const { phase } = this.#runtime.state.models[entry.model]!;
    if (entry.promptTokens !== undefined || entry.isSettled || phase !== 'ready') return;
    const { backend } = this.#served[entry.model]!;
    backend.prepare(entry.job).then(
      ({ prepared, promptTokens }) => {
        if (entry.isSettled) {
          backend.discard(prepared);
          return;
        }
        entry.prepared = prepared;
        entry.promptTokens = promptTokens;
        entry.listener.accepted(promptTokens);
        const event = this.#runtime.begin(EventKind.sized);
        event.task = entry.task;
        event.promptTokens = promptTokens;
        this.#runtime.dispatch(event);
      },
      (error: AgentyardError) => {
        // An engine that died is started again, and the prompt is counted then.
        if (entry.isSettled || error instanceof EngineDiedError) return;
        entry.error = error;
        const isRefusal = error.code === 'AY_PROMPT_TOO_LONG' || error.code === 'AY_INVALID_REQUEST';
        sendEnded(this.#runtime, entry.task, isRefusal ? Outcome.refused : Outcome.failed, 0, 0);
      },
    );
  }

  /** Ends the engines; the caller has ended all tasks. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#served.map((served) => served?.backend.close()));
  }

  launch(model: number): void {
    if (!this.#isClosed) this.#try(model, () => this.#served[model]!.backend.launch(this.#sinkOf(model)));
  }

  load(model: number): void {
    this.#try(model, () => this.#served[model]!.backend.load());
  }

  refuseLoad(model: number, neededBytes: number, freeBytes: number, reservedBytes: number): void {
    const { models, memory } = this.#runtime.state;
    this.modelErrors[model] = new InsufficientMemoryError(
      `Model "${models[model]!.name}"`,
      memory.name,
      neededBytes,
      freeBytes,
      reservedBytes,
    );
    void this.#served[model]!.backend.close();
  }

  turned(kind: EventKind, model: number): void {
    switch (kind) {
      case EventKind.ready:
        for (const entry of this.#entriesOf(model)) this.prepare(entry);
        this.#options.onModelChange();
        break;
      case EventKind.launch:
      case EventKind.estimated:
      case EventKind.down:
      case EventKind.timer:
        this.#options.onModelChange();
        break;
      default:
    }
  }

  lastError(model: number): AgentyardError | undefined {
    return this.modelErrors[model];
  }

  observeMemory(): void {
    const event = this.#runtime.begin(EventKind.observed);
    event.pool = 0;
    event.bytes = this.#options.freeMemoryBytes() ?? Number.NaN;
    this.#runtime.dispatch(event);
  }

  #send(kind: EventKind, entry: ModelEntry): void {
    const event = this.#runtime.begin(kind);
    event.task = entry.task;
    this.#runtime.dispatch(event, entry);
  }

  /** The reports of one model's backend, as events. */
  #sinkOf(model: number): BackendSink {
    const runtime = this.#runtime;
    const state = runtime.state.models[model]!;
    return {
      estimated: (estimate) => {
        this.observeMemory();
        const event = runtime.begin(EventKind.estimated);
        event.model = model;
        event.bytes = estimate.ramBytes;
        runtime.dispatch(event);
      },
      ready: (info) => {
        this.infos[model] = info;
        this.modelErrors[model] = undefined;
        const event = runtime.begin(EventKind.ready);
        event.model = model;
        event.sequences = info.sequences;
        const { backend, mappedBytes } = this.#served[model]!;
        // Saved sessions come bit by bit, so what they may take stays reserved.
        const { savedSessions } = backend;
        const savedBytes = savedSessions?.isMemory === true ? savedSessions.bytesMax : 0;
        event.bytes = Math.max(0, state.lease.bytes - mappedBytes - savedBytes);
        event.secondsPerPromptToken = 1 / (info.prefillTokensPerSecond ?? Number.NaN);
        event.secondsPerStep = (info.decodeStepMs ?? Number.NaN) / 1_000;
        runtime.dispatch(event);
      },
      ...taskReports(model, runtime, (task) => this.#entryAt(model, task)),
      down: (exitCode, exitSignal, error) => {
        for (const entry of this.#entriesOf(model)) entry.prepared = undefined;
        // An engine that could say what is wrong before it ever worked will say the same again.
        const isKnown = error !== undefined && !(error instanceof EngineDiedError);
        const isFatal = isKnown && !state.wasReady;
        this.#down(model, error ?? new EngineDiedError(state.name, exitCode, exitSignal), isFatal);
      },
    };
  }

  #entryAt(model: number, task: number): ModelEntry | undefined {
    const entry = this.#runtime.entryAt(task);
    return entry?.model === model ? (entry as ModelEntry) : undefined;
  }

  #entriesOf(model: number): ModelEntry[] {
    const entries: ModelEntry[] = [];
    this.#runtime.state.tasks.forEachLive((task) => {
      const entry = this.#entryAt(model, task);
      if (entry !== undefined) entries.push(entry);
    });
    return entries;
  }

  /** A backend that cannot even be asked is down. */
  #try(model: number, action: () => void): void {
    try {
      action();
    } catch (error) {
      const { name } = this.#runtime.state.models[model]!;
      this.#down(model, new EngineError(`The engine of model "${name}" could not be started.`, error), false);
    }
  }

  #down(model: number, error: AgentyardError, isFatal: boolean): void {
    this.modelErrors[model] = error;
    const event = this.#runtime.begin(EventKind.down);
    event.model = model;
    event.fatal = isFatal ? 1 : 0;
    this.#runtime.dispatch(event);
  }
}
