/**
 * The live driver of the scheduler: feeds it one event at a time, reads the clock once per turn, and carries its commands out.
 *
 * Turn: event → decide → commands, in order. What happens inside a turn (a backend that answers synchronously) waits for the
 * next. It decides nothing: every choice is a command.
 */
import type { Clock } from '../base/clock.js';
import { type AgentyardError, CancelledError, EngineDiedError, InsufficientMemoryError } from '../base/errors.js';
import { CommandBuffer, CommandKind, EventKind, EventLogRing, SchedulerEvent } from '../event/index.js';
import { decide, type SchedulerConfig, SchedulerState } from '../scheduler/index.js';
import { OUTCOME_NAMES, Outcome, type Reason } from '../task/index.js';
import type { Backend, BackendInfo, BackendSink } from './backend.js';
import { errorOfReason } from './reason-error.js';
import type { TaskRecord } from './service.js';
import type { TaskEntry } from './task-entry.js';

/** A served model as the runtime drives it. */
export interface ServedModel {
  readonly backend: Backend;
  /** Bytes of a load that probes do not see as used (file-backed weights). */
  readonly mappedBytes: number;
}

export interface RuntimeOptions {
  config: SchedulerConfig;
  clock: Clock;
  /** Free host memory now, bytes; undefined when no probe works. Read before every load. */
  freeMemoryBytes: () => number | undefined;
  /** Called once per settled task. */
  onSettled: (record: TaskRecord) => void;
  /** Called after an event that may have changed a model's phase. */
  onModelChange: () => void;
}

/** What the caller of {@link Runtime.submit} chose. */
export interface Submission {
  tenant: number;
  classIndex: number;
  priority: number;
  session: number;
  outputLimit: number;
  /** Absolute, on the runtime's clock; Infinity for none. */
  deadlineMs: number;
  signal: AbortSignal | undefined;
}

const MODEL_EVENTS: ReadonlySet<EventKind> = new Set([
  EventKind.launch,
  EventKind.estimated,
  EventKind.ready,
  EventKind.down,
  EventKind.timer,
]);

const TIMER_MS_MAX = 2 ** 31 - 1;

export class Runtime {
  readonly state: SchedulerState;
  readonly log = new EventLogRing();
  readonly infos: (BackendInfo | undefined)[];
  /** Why a model failed or died last. */
  readonly modelErrors: (AgentyardError | undefined)[];
  readonly #options: RuntimeOptions;
  /** By model index; filled before the model's launch. */
  readonly #served: ServedModel[] = [];
  readonly #commands = new CommandBuffer();
  readonly #event = new SchedulerEvent();
  readonly #entries: (TaskEntry | undefined)[] = [];
  readonly #waiting: { event: SchedulerEvent; entry: TaskEntry | undefined }[] = [];
  #busy = false;
  #timer: NodeJS.Timeout | undefined;
  #nowMs = 0;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.state = new SchedulerState(options.config);
    this.infos = options.config.models.map(() => undefined);
    this.modelErrors = options.config.models.map(() => undefined);
  }

  get nowMs(): number {
    return this.#options.clock.nowMs();
  }

  /** Unsettled tasks, in no particular order. */
  *unsettled(): Generator<TaskEntry> {
    for (const entry of this.#entries) if (entry !== undefined && !entry.isSettled) yield entry;
  }

  /** Brings a model up by means of `served`. */
  launch(model: number, served: ServedModel): void {
    this.#served[model] = served;
    this.#observeMemory();
    const event = this.#begin(EventKind.launch);
    event.model = model;
    this.#dispatch(event);
  }

  /** Gives a model up before it was launched: its file cannot be served. */
  giveUp(model: number, error: AgentyardError): void {
    this.modelErrors[model] = error;
    const event = this.#begin(EventKind.down);
    event.model = model;
    event.fatal = 1;
    this.#dispatch(event);
  }

  /** Hands a task over. Its listener hears of admission or refusal before this returns. */
  submit(entry: TaskEntry, submission: Submission): void {
    if (submission.signal?.aborted === true) {
      this.#refuse(entry, new CancelledError(submission.signal.reason), Outcome.cancelled);
      return;
    }
    const event = this.#begin(EventKind.submit);
    event.model = entry.model;
    event.tenant = submission.tenant;
    event.classIndex = submission.classIndex;
    event.priority = submission.priority;
    event.session = submission.session;
    event.promptTokens = -1;
    event.outputLimit = submission.outputLimit;
    event.deadlineMs = submission.deadlineMs;
    event.serviceSeconds = Number.NaN;
    event.size = Number.NaN;
    this.#dispatch(event, entry);
    const { signal } = submission;
    if (signal !== undefined && !entry.isSettled) {
      const onAbort = () => this.cancel(entry, new CancelledError(signal.reason));
      signal.addEventListener('abort', onAbort, { once: true });
      entry.unsubscribe = () => signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends a task whatever it is doing; its caller gets `error`. No effect on a settled one. */
  cancel(entry: TaskEntry, error: AgentyardError): void {
    if (entry.isSettled) return;
    entry.error = error;
    this.#sendTask(EventKind.cancel, entry);
  }

  pause(entry: TaskEntry): void {
    if (!entry.isSettled) this.#sendTask(EventKind.pause, entry);
  }

  resume(entry: TaskEntry): void {
    if (!entry.isSettled) this.#sendTask(EventKind.resume, entry);
  }

  /** Ends the engines and the timer; the caller has ended all tasks. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await Promise.all(this.#served.map((served) => served?.backend.close()));
  }

  /** The reports of one model's backend, as events. */
  sinkOf(model: number): BackendSink {
    return {
      estimated: (estimate) => {
        this.#observeMemory();
        const event = this.#begin(EventKind.estimated);
        event.model = model;
        event.bytes = estimate.ramBytes;
        this.#dispatch(event);
      },
      ready: (info) => {
        this.infos[model] = info;
        this.modelErrors[model] = undefined;
        const event = this.#begin(EventKind.ready);
        event.model = model;
        event.sequences = info.sequences;
        event.bytes = Math.max(0, this.state.models[model]!.lease.bytes - this.#served[model]!.mappedBytes);
        event.secondsPerPromptToken = 1 / (info.prefillTokensPerSecond ?? Number.NaN);
        event.secondsPerStep = (info.decodeStepMs ?? Number.NaN) / 1_000;
        this.#dispatch(event);
      },
      progress: (count, tasks, prefilled, generated, texts) => {
        const event = this.#begin(EventKind.progress);
        event.model = model;
        event.count = count;
        event.tasks = tasks;
        event.prefilled = prefilled;
        event.generated = generated;
        this.#dispatch(event);
        for (let i = 0; i < count; i++) {
          const entry = this.#entries[tasks[i]!];
          if (entry === undefined || entry.isSettled || generated[i] === 0) continue;
          entry.firstTokenMs ??= this.#nowMs;
          entry.listener.text(texts[i]!);
        }
      },
      settled: (task, reason, usage, heldTokens) => {
        const entry = this.#entries[task];
        if (entry !== undefined) {
          entry.usage = usage;
          entry.finishReason = reason;
        }
        const outcome = reason === 'cancelled' ? Outcome.cancelled : Outcome.completed;
        this.#sendEnded(task, outcome, heldTokens, usage.cachedTokens);
      },
      embedded: (task, vector, usage) => {
        const entry = this.#entries[task];
        if (entry !== undefined) {
          entry.vector = vector;
          entry.usage = usage;
          entry.finishReason = 'stop';
        }
        this.#sendEnded(task, Outcome.completed, 0, usage.cachedTokens);
      },
      failed: (task, error) => {
        const entry = this.#entries[task];
        if (entry !== undefined) entry.error ??= error;
        this.#sendEnded(task, Outcome.failed, 0, 0);
      },
      down: (exitCode, exitSignal, error) => {
        const name = this.#options.config.models[model]!.name;
        this.modelErrors[model] = error ?? new EngineDiedError(name, exitCode, exitSignal);
        for (const entry of this.#entries) if (entry?.model === model) entry.prepared = undefined;
        // An engine that could say what is wrong before it ever worked will say the same again.
        const isFatal = error !== undefined && !this.state.models[model]!.wasReady;
        const event = this.#begin(EventKind.down);
        event.model = model;
        event.fatal = isFatal ? 1 : 0;
        this.#dispatch(event);
      },
    };
  }

  #sendTask(kind: EventKind, entry: TaskEntry): void {
    const event = this.#begin(kind);
    event.task = entry.task;
    this.#dispatch(event);
  }

  #sendEnded(task: number, outcome: Outcome, heldTokens: number, cachedTokens: number): void {
    const event = this.#begin(EventKind.ended);
    event.task = task;
    event.outcome = outcome;
    event.heldTokens = heldTokens;
    event.cachedTokens = cachedTokens;
    this.#dispatch(event);
  }

  #observeMemory(): void {
    const event = this.#begin(EventKind.observed);
    event.pool = 0;
    event.bytes = this.#options.freeMemoryBytes() ?? Number.NaN;
    this.#dispatch(event);
  }

  /** A record to fill and dispatch at once. The same one each time, except inside a turn, where it is in use. */
  #begin(kind: EventKind): SchedulerEvent {
    const event = this.#busy ? new SchedulerEvent() : this.#event;
    event.kind = kind;
    return event;
  }

  #dispatch(event: SchedulerEvent, entry?: TaskEntry): void {
    if (this.#busy) {
      if (event.kind === EventKind.progress) {
        // The arrays belong to the backend only until its call returns.
        event.tasks = Array.from(event.tasks);
        event.prefilled = Array.from(event.prefilled);
        event.generated = Array.from(event.generated);
      }
      this.#waiting.push({ event, entry });
      return;
    }
    this.#busy = true;
    try {
      this.#turn(event, entry);
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        this.#turn(next.event, next.entry);
      }
    } finally {
      this.#busy = false;
    }
  }

  #turn(event: SchedulerEvent, entry: TaskEntry | undefined): void {
    this.#nowMs = Math.max(this.#nowMs, this.#options.clock.nowMs());
    this.log.append(event, this.#nowMs);
    const commands = this.#commands;
    commands.clear();
    decide(this.state, event, this.#nowMs, commands);
    for (let index = 0; index < commands.length; index++) this.#carryOut(commands, index, entry);
    if (event.kind === EventKind.ready) {
      for (const waiting of this.#entries) if (waiting?.model === event.model) this.#prepare(waiting);
    }
    if (MODEL_EVENTS.has(event.kind)) this.#options.onModelChange();
  }

  #carryOut(commands: CommandBuffer, index: number, submitted: TaskEntry | undefined): void {
    const a = commands.a(index);
    const b = commands.b(index);
    const kind = commands.kind(index);
    switch (kind) {
      case CommandKind.admitted:
        submitted!.task = a;
        this.#entries[a] = submitted;
        this.#prepare(submitted!);
        break;
      case CommandKind.refused: {
        const error = errorOfReason(a as Reason, {
          queued: b,
          limit: commands.c(index),
          retryAfterMs: commands.d(index),
          waitMs: 0,
          unreadMs: this.#options.config.unreadTimeoutMs,
          modelError: this.modelErrors[submitted!.model],
        });
        this.#refuse(submitted!, error, Outcome.refused);
        break;
      }
      case CommandKind.start:
        this.#start(this.#entries[a]!, b, commands.c(index), commands.d(index));
        break;
      case CommandKind.stop:
        this.#served[b]!.backend.cancel(a);
        break;
      case CommandKind.hold:
        this.#served[b]!.backend.pause(a);
        break;
      case CommandKind.proceed:
        this.#served[b]!.backend.resume(a);
        break;
      case CommandKind.settled:
        this.#settle(this.#entries[a]!, b as Outcome, commands.c(index) as Reason);
        break;
      case CommandKind.freed:
        this.#entries[a] = undefined;
        break;
      case CommandKind.requeued:
        this.#entries[a]!.startedMs = undefined;
        break;
      case CommandKind.wakeAt:
        this.#wakeAt(a);
        break;
      case CommandKind.launch:
        this.#served[a]!.backend.launch(this.sinkOf(a));
        break;
      case CommandKind.load:
        this.#served[a]!.backend.load();
        break;
      case CommandKind.refuseLoad:
        this.#refuseLoad(a, b, commands.c(index), commands.d(index));
        break;
      default:
        kind satisfies never;
    }
  }

  /** Has the prompt counted, once the engine is there to do it. */
  #prepare(entry: TaskEntry): void {
    if (entry.promptTokens !== undefined || entry.isSettled || this.state.models[entry.model]!.phase !== 'ready')
      return;
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
        const event = this.#begin(EventKind.sized);
        event.task = entry.task;
        event.promptTokens = promptTokens;
        this.#dispatch(event);
      },
      (error: AgentyardError) => {
        // An engine that died is started again, and the prompt is counted then.
        if (entry.isSettled || error instanceof EngineDiedError) return;
        entry.error = error;
        const isRefusal = error.code === 'AY_PROMPT_TOO_LONG' || error.code === 'AY_INVALID_REQUEST';
        this.#sendEnded(entry.task, isRefusal ? Outcome.refused : Outcome.failed, 0, 0);
      },
    );
  }

  #start(entry: TaskEntry, model: number, slot: number, rank: number): void {
    entry.startedMs = this.#nowMs;
    const { prepared } = entry;
    entry.prepared = undefined;
    this.#served[model]!.backend.start({ task: entry.task, slot, rank, job: entry.job, prepared });
    entry.listener.started(this.#nowMs - entry.submittedMs);
  }

  #settle(entry: TaskEntry, outcome: Outcome, reason: Reason): void {
    entry.isSettled = true;
    entry.unsubscribe?.();
    if (entry.prepared !== undefined) {
      this.#served[entry.model]!.backend.discard(entry.prepared);
      entry.prepared = undefined;
    }
    if (outcome === Outcome.completed) {
      const record = this.#record(entry, outcome, undefined);
      entry.listener.completed(entry, record);
      this.#options.onSettled(record);
      return;
    }
    const error =
      entry.error ??
      errorOfReason(reason, {
        queued: 0,
        limit: 0,
        retryAfterMs: 0,
        waitMs: this.#nowMs - entry.submittedMs,
        unreadMs: this.#options.config.unreadTimeoutMs,
        modelError: this.modelErrors[entry.model],
      });
    entry.listener.failed(error);
    this.#options.onSettled(this.#record(entry, outcome, error));
  }

  #refuse(entry: TaskEntry, error: AgentyardError, outcome: Outcome): void {
    entry.isSettled = true;
    entry.listener.failed(error);
    this.#options.onSettled(this.#record(entry, outcome, error));
  }

  #record(entry: TaskEntry, outcome: Outcome, error: AgentyardError | undefined): TaskRecord {
    const now = this.#nowMs;
    return {
      id: entry.id,
      model: entry.modelName,
      tenant: entry.tenantName,
      class: entry.className,
      outcome: OUTCOME_NAMES[outcome],
      errorCode: error?.code,
      finishReason: outcome === Outcome.completed ? entry.finishReason : undefined,
      waitMs: (entry.startedMs ?? now) - entry.submittedMs,
      firstTokenMs: entry.firstTokenMs === undefined ? undefined : entry.firstTokenMs - entry.submittedMs,
      totalMs: now - entry.submittedMs,
      promptTokens: entry.usage?.promptTokens ?? entry.promptTokens ?? 0,
      cachedTokens: entry.usage?.cachedTokens ?? 0,
      outputTokens: entry.usage?.outputTokens ?? (entry.task < 0 ? 0 : this.state.tasks.outputTokens[entry.task]!),
    };
  }

  #refuseLoad(model: number, neededBytes: number, freeBytes: number, reservedBytes: number): void {
    const { name } = this.#options.config.models[model]!;
    this.modelErrors[model] = new InsufficientMemoryError(
      `Model "${name}"`,
      this.state.memory.name,
      neededBytes,
      freeBytes,
      reservedBytes,
    );
    void this.#served[model]!.backend.close();
  }

  #wakeAt(atMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(atMs - this.nowMs)));
    this.#timer = setTimeout(() => {
      // A restart that is due leases memory in this very turn.
      if (this.state.models.some((model) => model.phase === 'waiting')) this.#observeMemory();
      this.#dispatch(this.#begin(EventKind.timer));
    }, delayMs);
    this.#timer.unref();
  }
}
