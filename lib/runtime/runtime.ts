/**
 * The live driver of the scheduler: feeds it one event at a time, reads the clock once per turn, and carries its commands out.
 *
 * Turn: event → decide → commands, in order. What happens inside a turn (a backend that answers synchronously) waits for the
 * next. It decides nothing: every choice is a command.
 */
import type { Clock } from '../base/clock.js';
import {
  type AgentyardError,
  CancelledError,
  EngineDiedError,
  EngineError,
  InsufficientMemoryError,
} from '../base/errors.js';
import { type CommandBuffer, CommandKind, EventKind, type EventLogRing, type SchedulerEvent } from '../event/index.js';
import { type SchedulerConfig, SchedulerState } from '../scheduler/index.js';
import { Outcome, type Reason } from '../task/index.js';
import type { Backend, BackendInfo, BackendSink } from './backend.js';
import { errorOfReason } from './reason-error.js';
import type { TaskRecord } from './service.js';
import type { TaskEntry } from './task-entry.js';
import { recordOf } from './task-record.js';
import { sendEnded, taskReports } from './task-reports.js';
import { TurnLoop } from './turn-loop.js';

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
  readonly infos: (BackendInfo | undefined)[];
  /** Why a model failed or died last. */
  readonly modelErrors: (AgentyardError | undefined)[];
  readonly #options: RuntimeOptions;
  /** By model index; filled before the model's launch. */
  readonly #served: ServedModel[] = [];
  readonly #loop: TurnLoop<TaskEntry>;
  readonly #entries: (TaskEntry | undefined)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isAwaited = false;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.state = new SchedulerState(options.config);
    this.#loop = new TurnLoop<TaskEntry>(this.state, options.clock, {
      carryOut: (commands, index, submitted) => this.#carryOut(commands, index, submitted),
      admits: (event, entry) => this.#admits(event, entry),
      turned: (event) => this.#turned(event),
    });
    this.infos = options.config.models.map(() => undefined);
    this.modelErrors = options.config.models.map(() => undefined);
  }

  /** Does somebody wait for the models to become ready? Then a restart that is due keeps the process alive. */
  set isAwaited(isAwaited: boolean) {
    this.#isAwaited = isAwaited;
    this.#keepAlive();
  }

  get nowMs(): number {
    return this.#options.clock.nowMs();
  }

  /** The last events. */
  get log(): EventLogRing {
    return this.#loop.log;
  }

  /** Unsettled tasks, in no particular order. */
  *unsettled(): Generator<TaskEntry> {
    for (const entry of this.#entries) if (entry !== undefined && !entry.isSettled) yield entry;
  }

  /** Brings a model up by means of `served`. */
  launch(model: number, served: ServedModel): void {
    this.#served[model] = served;
    this.#observeMemory();
    const event = this.#loop.begin(EventKind.launch);
    event.model = model;
    this.#loop.dispatch(event);
  }

  /** Gives a model up before it was launched: its file cannot be served. */
  giveUp(model: number, error: AgentyardError): void {
    this.#down(model, error, true);
  }

  /** Hands a task over. Its listener hears of admission or refusal before this returns. */
  submit(entry: TaskEntry, submission: Submission): void {
    if (submission.signal?.aborted === true) {
      this.state.outcomes[Outcome.cancelled]!++;
      this.#refuse(entry, new CancelledError(submission.signal.reason), Outcome.cancelled);
      return;
    }
    const { signal } = submission;
    if (signal !== undefined) {
      const onAbort = () => this.cancel(entry, new CancelledError(signal.reason));
      signal.addEventListener('abort', onAbort, { once: true });
      entry.unsubscribe = () => signal.removeEventListener('abort', onAbort);
    }
    const event = this.#loop.begin(EventKind.submit);
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
    this.#loop.dispatch(event, entry);
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
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await Promise.all(this.#served.map((served) => served?.backend.close()));
  }

  /** The reports of one model's backend, as events. */
  sinkOf(model: number): BackendSink {
    return {
      estimated: (estimate) => {
        this.#observeMemory();
        const event = this.#loop.begin(EventKind.estimated);
        event.model = model;
        event.bytes = estimate.ramBytes;
        this.#loop.dispatch(event);
      },
      ready: (info) => {
        this.infos[model] = info;
        this.modelErrors[model] = undefined;
        const event = this.#loop.begin(EventKind.ready);
        event.model = model;
        event.sequences = info.sequences;
        event.bytes = Math.max(0, this.state.models[model]!.lease.bytes - this.#served[model]!.mappedBytes);
        event.secondsPerPromptToken = 1 / (info.prefillTokensPerSecond ?? Number.NaN);
        event.secondsPerStep = (info.decodeStepMs ?? Number.NaN) / 1_000;
        this.#loop.dispatch(event);
      },
      ...taskReports(model, this.#loop, (task) => this.#entries[task]),
      down: (exitCode, exitSignal, error) => {
        const name = this.#options.config.models[model]!.name;
        for (const entry of this.#entries) if (entry?.model === model) entry.prepared = undefined;
        // An engine that could say what is wrong before it ever worked will say the same again.
        const isKnown = error !== undefined && !(error instanceof EngineDiedError);
        const isFatal = isKnown && !this.state.models[model]!.wasReady;
        this.#down(model, error ?? new EngineDiedError(name, exitCode, exitSignal), isFatal);
      },
    };
  }

  #sendTask(kind: EventKind, entry: TaskEntry): void {
    const event = this.#loop.begin(kind);
    event.task = entry.task;
    this.#loop.dispatch(event, entry);
  }

  #observeMemory(): void {
    const event = this.#loop.begin(EventKind.observed);
    event.pool = 0;
    event.bytes = this.#options.freeMemoryBytes() ?? Number.NaN;
    this.#loop.dispatch(event);
  }

  /** An event about a task may have waited for its turn: its task has an index by now, or is over. */
  #admits(event: SchedulerEvent, entry: TaskEntry | undefined): boolean {
    if (entry === undefined) return true;
    if (entry.isSettled) return false;
    if (event.kind !== EventKind.submit) event.task = entry.task;
    return true;
  }

  #turned(event: SchedulerEvent): void {
    if (event.kind === EventKind.ready) {
      for (const waiting of this.#entries) if (waiting?.model === event.model) this.#prepare(waiting);
    }
    if (MODEL_EVENTS.has(event.kind)) this.#options.onModelChange();
    this.#keepAlive();
  }

  #outputTokens(entry: TaskEntry): number {
    return entry.task < 0 ? 0 : this.state.tasks.outputTokens[entry.task]!;
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
        if (!this.#isClosed) this.#try(a, () => this.#served[a]!.backend.launch(this.sinkOf(a)));
        break;
      case CommandKind.load:
        this.#try(a, () => this.#served[a]!.backend.load());
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
        const event = this.#loop.begin(EventKind.sized);
        event.task = entry.task;
        event.promptTokens = promptTokens;
        this.#loop.dispatch(event);
      },
      (error: AgentyardError) => {
        // An engine that died is started again, and the prompt is counted then.
        if (entry.isSettled || error instanceof EngineDiedError) return;
        entry.error = error;
        const isRefusal = error.code === 'AY_PROMPT_TOO_LONG' || error.code === 'AY_INVALID_REQUEST';
        sendEnded(this.#loop, entry.task, isRefusal ? Outcome.refused : Outcome.failed, 0, 0);
      },
    );
  }

  #start(entry: TaskEntry, model: number, slot: number, rank: number): void {
    entry.startedMs = this.#loop.nowMs;
    const { prepared } = entry;
    entry.prepared = undefined;
    this.#served[model]!.backend.start({ task: entry.task, slot, rank, job: entry.job, prepared });
    entry.listener.started(this.#loop.nowMs - entry.submittedMs);
  }

  #settle(entry: TaskEntry, outcome: Outcome, reason: Reason): void {
    entry.isSettled = true;
    entry.unsubscribe?.();
    if (entry.prepared !== undefined) {
      this.#served[entry.model]!.backend.discard(entry.prepared);
      entry.prepared = undefined;
    }
    if (outcome === Outcome.completed) {
      const record = recordOf(entry, outcome, undefined, this.#loop.nowMs, this.#outputTokens(entry));
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
        waitMs: this.#loop.nowMs - entry.submittedMs,
        unreadMs: this.#options.config.unreadTimeoutMs,
        modelError: this.modelErrors[entry.model],
      });
    entry.listener.failed(error);
    this.#options.onSettled(recordOf(entry, outcome, error, this.#loop.nowMs, this.#outputTokens(entry)));
  }

  #refuse(entry: TaskEntry, error: AgentyardError, outcome: Outcome): void {
    entry.isSettled = true;
    entry.unsubscribe?.();
    entry.listener.failed(error);
    this.#options.onSettled(recordOf(entry, outcome, error, this.#loop.nowMs, this.#outputTokens(entry)));
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
    if (atMs === Number.POSITIVE_INFINITY || this.#isClosed) return;
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(atMs - this.nowMs)));
    this.#timer = setTimeout(() => {
      // A restart that is due leases memory in this very turn.
      if (this.state.models.some((model) => model.phase === 'waiting')) this.#observeMemory();
      this.#loop.dispatch(this.#loop.begin(EventKind.timer));
    }, delayMs);
    this.#keepAlive();
  }

  /** An idle yard keeps no process alive; one with work that waits for a timer (a restart, a time-out) does. */
  #keepAlive(): void {
    if (this.state.queue.size + this.state.running > 0 || this.#isAwaited) this.#timer?.ref();
    else this.#timer?.unref();
  }

  /** A backend that cannot even be asked is down. */
  #try(model: number, action: () => void): void {
    try {
      action();
    } catch (error) {
      const { name } = this.#options.config.models[model]!;
      this.#down(model, new EngineError(`The engine of model "${name}" could not be started.`, error), false);
    }
  }

  #down(model: number, error: AgentyardError, isFatal: boolean): void {
    this.modelErrors[model] = error;
    const event = this.#loop.begin(EventKind.down);
    event.model = model;
    event.fatal = isFatal ? 1 : 0;
    this.#loop.dispatch(event);
  }
}
