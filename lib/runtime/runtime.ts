/**
 * The live driver of the scheduler: feeds it one event at a time, reads the clock once per turn, and carries its commands out.
 *
 * Turn: event → decide → commands, in order. What happens inside a turn (a backend that answers synchronously) waits for the
 * next; other people's code (functions, listeners, signals) runs after the last. It decides nothing: every choice is a command.
 */
import type { Clock } from '../base/clock.js';
import type { AgentyardError, CancelledError } from '../base/errors.js';
import { type CommandBuffer, CommandKind, EventKind, type EventLogRing, type SchedulerEvent } from '../event/index.js';
import { type SchedulerConfig, SchedulerState } from '../scheduler/index.js';
import { Outcome, Reason, rowOf, TaskState } from '../task/index.js';
import { errorOfReason, type ReasonFacts } from './reason-error.js';
import { SignalWatch } from './signal-watch.js';
import { waitingOf } from './stats.js';
import type { TaskEntry, TaskHooks } from './task-entry.js';
import { TenantNames } from './tenant-names.js';
import { type TurnHooks, TurnLoop, type TurnObserver } from './turn-loop.js';

export interface RuntimeOptions {
  config: SchedulerConfig;
  clock: Clock;
  /** Tenants told apart, ≥ 1. */
  maxTenants: number;
  /** Numbers that the ring of events keeps. Default: that of {@link EventLogRing}, half a megabyte. */
  logCapacity?: number;
}

/** Whoever carries out the commands about models. */
export interface ModelCommands {
  launch(model: number): void;
  load(model: number): void;
  refuseLoad(model: number, neededBytes: number, freeBytes: number, reservedBytes: number): void;
  /** Why the model failed or died last. */
  lastError(model: number): AgentyardError | undefined;
  /** Posts how much memory is free. */
  observeMemory(): void;
  /** After the commands of an event. `model` is garbage where the kind names none. */
  turned(kind: EventKind, model: number): void;
}

/** A task that a caller's signal may end. */
export interface AbortTarget {
  aborted(error: CancelledError): void;
}

/** Whoever starts functions, which are other people's code and so run outside a turn. */
export interface FunctionStarter {
  /** Is there a function to start now? */
  readonly isDue: boolean;
  /** Starts functions until none is due. Must not throw. */
  startDue(): void;
}

const TIMER_MS_MAX = 2 ** 31 - 1;

export class Runtime {
  readonly state: SchedulerState;
  readonly tenants: TenantNames;
  readonly signals = new SignalWatch<AbortTarget>((target, error) => target.aborted(error));
  /** Absent in a yard without models. */
  models: ModelCommands | undefined;
  /** The hooks of all tasks that are no {@link TaskEntry}. */
  functions: TaskHooks | undefined;
  starter: FunctionStarter | undefined;
  /** Called when nothing is left to do for a call from outside; set while somebody waits for the queue to be short or empty. */
  onRest: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #loop: TurnLoop<TaskHooks>;
  /** Tasks that are objects, by their index. */
  readonly #entries: (TaskEntry | undefined)[] = [];
  /** What waits for the end of the turn, in order. */
  #after: (() => void)[] = [];
  #isResting = false;
  #grew = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #isAwaited = false;
  #isClosed = false;

  constructor(options: RuntimeOptions) {
    this.#clock = options.clock;
    this.state = new SchedulerState(options.config);
    this.tenants = new TenantNames(options.maxTenants, (tenant) => this.#forget(tenant));
    const hooks: TurnHooks<TaskHooks> = {
      carryOut: (commands, event, submitter) => this.#carryOutAll(commands, event, submitter),
      admits: (event, submitter) => this.#admits(event, submitter),
      rested: () => this.rest(),
    };
    this.#loop = new TurnLoop(this.state, options.clock, hooks, options.logCapacity);
  }

  /** Does somebody wait for the models to become ready? Then a restart that is due keeps the process alive. */
  set isAwaited(isAwaited: boolean) {
    this.#isAwaited = isAwaited;
    this.#keepAlive();
  }

  get nowMs(): number {
    return this.#clock.nowMs();
  }

  /** The clock as read for the last turn. */
  get turnMs(): number {
    return this.#loop.nowMs;
  }

  /** The last events. */
  get log(): EventLogRing {
    return this.#loop.log;
  }

  /** Tells `observer` of every decision from now on. */
  observe(observer: TurnObserver): void {
    this.#loop.observer = observer;
  }

  /** Is the runtime inside a turn? Then what is asked of it now happens later. */
  get isBusy(): boolean {
    return this.#loop.isBusy;
  }

  /** Tasks whose outcome is open, in no particular order. O(capacity of the task table). */
  unsettled(): number[] {
    const { tasks } = this.state;
    const open: number[] = [];
    tasks.forEachLive((task) => {
      if (tasks.states[task] !== TaskState.settled) open.push(task);
    });
    return open;
  }

  /** The task of that index, when it is an object. */
  entryAt(task: number): TaskEntry | undefined {
    return this.#entries[rowOf(task)];
  }

  /** Tasks that wait, whatever for. */
  get waiting(): number {
    return waitingOf(this.state);
  }

  /** Is there a task whose outcome is open? */
  get isWorking(): boolean {
    return this.state.running + waitingOf(this.state) > 0;
  }

  /** A record to fill and {@link dispatch} at once. */
  begin(kind: EventKind): SchedulerEvent {
    return this.#loop.begin(kind);
  }

  /** @param submitter - of a submission; also of another event about a task that may not have an index yet */
  dispatch(event: SchedulerEvent, submitter?: TaskHooks): void {
    this.#loop.dispatch(event, submitter);
  }

  /** Ends an unsettled task whatever it is doing; its caller gets `error`. Not inside a turn. */
  cancel(task: number, error: AgentyardError): void {
    this.#hooksOf(task).fail(error, task);
    const event = this.#loop.begin(EventKind.cancel);
    event.task = task;
    this.#loop.dispatch(event);
  }

  /** {@link cancel} of every unsettled task. */
  cancelAll(error: AgentyardError): void {
    const { tasks } = this.state;
    for (const task of this.unsettled()) {
      // Another one's end may have been its end too.
      if (tasks.isLive(task) && tasks.states[task] !== TaskState.settled) this.cancel(task, error);
    }
  }

  /** Turns a task down that the scheduler is not even asked about. */
  refuse(submitter: TaskHooks, outcome: Outcome, error: AgentyardError): void {
    this.state.outcomes[outcome]!++;
    submitter.refused(outcome, error);
    this.rest();
  }

  /** Asks for more of a pool for a task that runs: all of it or nothing. Not inside a turn. */
  grow(task: number, pool: number, amount: number): boolean {
    const event = this.#loop.begin(EventKind.grow);
    event.task = task;
    event.pool = pool;
    event.amount = amount;
    this.#grew = false;
    this.#loop.dispatch(event);
    return this.#grew;
  }

  /** Has `action` called after the turn, which may be at once. It must not throw. */
  afterTurn(action: () => void): void {
    this.#after.push(action);
  }

  /** Does what waits for the end of the turn, unless there is a turn or this is under way: then that goes on to it. */
  rest(): void {
    if (this.#isResting || this.#loop.isBusy) return;
    this.#isResting = true;
    try {
      for (;;) {
        if (this.#after.length > 0) this.#runAfter();
        else if (this.starter?.isDue === true) this.starter.startDue();
        else break;
      }
    } finally {
      this.#isResting = false;
    }
    this.onRest?.();
  }

  errorOf(reason: Reason, facts: ReasonFacts): AgentyardError {
    const { unreadTimeoutMs, maxDepth } = this.state.config;
    return errorOfReason(reason, { unreadMs: unreadTimeoutMs, maxDepth, ...facts });
  }

  /** Ends the timer; the caller has ended all tasks. */
  close(): void {
    this.#isClosed = true;
    this.#clearTimer();
  }

  #runAfter(): void {
    const actions = this.#after;
    this.#after = [];
    for (const action of actions) action();
  }

  #forget(tenant: number): void {
    const event = this.#loop.begin(EventKind.forget);
    event.tenant = tenant;
    this.#loop.dispatch(event);
  }

  /** An event about a task has waited for its turn: its task has an index by now, or is over. */
  #admits(event: SchedulerEvent, submitter: TaskHooks | undefined): boolean {
    if (submitter === undefined || submitter === this.functions) return true;
    const entry = submitter as TaskEntry;
    if (entry.isSettled) return false;
    if (event.kind !== EventKind.submit) event.task = entry.task;
    return true;
  }

  #carryOutAll(commands: CommandBuffer, event: SchedulerEvent, submitter: TaskHooks | undefined): void {
    for (let index = 0; index < commands.length; index++) this.#carryOut(commands, index, event, submitter);
    this.models?.turned(event.kind, event.model);
    if (this.#timer !== undefined) this.#keepAlive();
  }

  #carryOut(commands: CommandBuffer, index: number, event: SchedulerEvent, submitter: TaskHooks | undefined): void {
    const a = commands.a(index);
    const kind = commands.kind(index);
    switch (kind) {
      case CommandKind.admitted:
        if (submitter !== this.functions) this.#enter(submitter as TaskEntry, a);
        submitter!.admitted(a);
        break;
      case CommandKind.refused:
        submitter!.refused(Outcome.refused, this.#refusal(a as Reason, commands, index, event.model));
        break;
      case CommandKind.start:
        this.#hooksOf(a).start(commands.c(index), commands.d(index), a);
        break;
      case CommandKind.stop:
        this.#hooksOf(a).stop(a);
        break;
      case CommandKind.hold:
        this.#hooksOf(a).hold(a);
        break;
      case CommandKind.proceed:
        this.#hooksOf(a).proceed(a);
        break;
      case CommandKind.settled:
        this.#hooksOf(a).settled(commands.b(index) as Outcome, commands.c(index) as Reason, a);
        break;
      case CommandKind.freed:
        this.#hooksOf(a).freed(a);
        if (rowOf(a) < this.#entries.length) this.#entries[rowOf(a)] = undefined;
        break;
      case CommandKind.requeued:
        this.#hooksOf(a).requeued(a);
        break;
      case CommandKind.grew:
        this.#grew = commands.b(index) === 1;
        break;
      case CommandKind.wakeAt:
        this.#wakeAt(a);
        break;
      case CommandKind.launch:
        this.models!.launch(a);
        break;
      case CommandKind.load:
        this.models!.load(a);
        break;
      case CommandKind.refuseLoad:
        this.models!.refuseLoad(a, commands.b(index), commands.c(index), commands.d(index));
        break;
      default:
        kind satisfies never;
    }
  }

  #hooksOf(task: number): TaskHooks {
    return this.#entries[rowOf(task)] ?? this.functions!;
  }

  #enter(entry: TaskEntry, task: number): void {
    // An integer also in the eyes of V8, which would otherwise keep it in a box of its own.
    entry.task = task | 0;
    this.#entries[rowOf(task)] = entry;
  }

  /** The error of a refused submission; `model` is -1 for a function. */
  #refusal(reason: Reason, commands: CommandBuffer, index: number, model: number): AgentyardError {
    const [amount, limit] = [commands.b(index), commands.c(index)];
    if (reason === Reason.tooLarge) {
      const { name } = this.state.ledger.pools[commands.d(index)]!;
      return this.errorOf(reason, { amount, limit, pool: name });
    }
    const modelError = model < 0 ? undefined : this.models?.lastError(model);
    return this.errorOf(reason, { amount, limit, retryAfterMs: commands.d(index), modelError });
  }

  /** The scheduler may be woken too early: a timer that fires before this instant is left as it is. */
  #wakeAt(atMs: number): void {
    if (this.#isClosed || (atMs >= this.#timerAtMs && this.#timer !== undefined)) return;
    this.#clearTimer();
    if (atMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(atMs - this.#loop.nowMs)));
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#timerFired(), delayMs);
    this.#keepAlive();
  }

  #timerFired(): void {
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    // A restart that is due leases memory in this very turn.
    if (this.state.models.some((model) => model.phase === 'waiting')) this.models?.observeMemory();
    this.#loop.dispatch(this.#loop.begin(EventKind.timer));
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }

  /** An idle yard keeps no process alive; one with work that waits for a timer (a restart, a time-out) does. */
  #keepAlive(): void {
    if (this.isWorking || this.#isAwaited) this.#timer?.ref();
    else this.#timer?.unref();
  }
}
