/**
 * The tasks that are functions, by their index in the core: three cells of one array, so that a waiting task is no object of ours.
 *
 * State of an index: free (no work) → waiting (work is the function) → started (work is a run) → settled (no resolver) → free. A retry
 * goes back to waiting. A task that is settled while its function runs keeps its run until that ends, or until it is freed.
 */
import type { AgentyardError } from '../../base/errors.js';
import { EventKind, type SchedulerEvent } from '../../event/index.js';
import type { Runtime, TaskHooks, TaskRecord } from '../../runtime/index.js';
import { isStarted } from '../../scheduler/index.js';
import { OUTCOME_NAMES, Outcome, Reason, rowOf } from '../../task/index.js';
import { FunctionContext, type TaskReference, type TaskServices } from './function-context.js';
import { FunctionRun } from './function-run.js';
import { Launcher } from './launcher.js';
import type { TaskSetting } from './task-setting.js';
import type { TaskFunction, TaskInfo } from './types.js';

/** Who is told of functions. A member that is absent costs nothing. Each is called outside a turn and must not throw. */
export interface FunctionObservers {
  added?: ((task: TaskInfo) => void) | undefined;
  active?: ((task: TaskInfo, attempt: number) => void) | undefined;
  completed?: ((result: unknown, task: TaskInfo) => void) | undefined;
  failed?: ((error: unknown, task: TaskInfo) => void) | undefined;
  settled?: ((record: TaskRecord) => void) | undefined;
}

/** What the tasks ask of whoever added them. Inside a turn, except the last. */
export interface FunctionOwner extends TaskServices {
  /** The task's outcome is out. `hasRun`: its function ran to its end, and that is the outcome. */
  settled(setting: TaskSetting, hasRun: boolean): void;
  /** Nothing of the task is left in the core. */
  released(setting: TaskSetting): void;
  /** How long to wait before the next attempt, ms; NaN for none. May put another error in place of the run's result. */
  retryInMs(setting: TaskSetting, run: FunctionRun): number;
}

type Resolve = (value: unknown) => void;
type Work = TaskFunction<unknown> | FunctionRun;

const CELLS = 3;
const RESOLVER = 1;
const SETTING = 2;

/**
 * Rejects a promise through the resolver of that promise, so that a waiting task needs no rejecter: a thenable that is no promise is
 * never "rejected without a handler" itself. Costs one microtask.
 */
class Rejection {
  readonly #error: unknown;

  constructor(error: unknown) {
    this.#error = error;
  }

  // biome-ignore lint/suspicious/noThenProperty: being a thenable is what it is for
  then(_resolve: unknown, reject: (error: unknown) => void): void {
    reject(this.#error);
  }
}

const IDLE_RUNS_MAX = 1_024;
const ID_RADIX = 36;
/** Objects of this class so far. */
let made = 0;

export class FunctionTasks implements TaskHooks {
  readonly #runtime: Runtime;
  readonly #owner: FunctionOwner;
  readonly #observers: FunctionObservers;
  readonly #launcher: Launcher;
  /** Of each task its work, its resolver and its setting, side by side: they are read together, at random places. */
  readonly #cells: (Work | Resolve | TaskSetting | undefined)[] = [];
  /** Open tasks whose callers named them. */
  readonly #named = new Map<string, number>();
  /** Of this yard alone, also among those that were made in the same millisecond. */
  readonly #idPrefix = `fn${Date.now().toString(ID_RADIX)}-${(made++).toString(ID_RADIX)}-`;
  readonly #idleRuns: FunctionRun[] = [];
  readonly #onEnd = (run: FunctionRun, hasThrown: boolean) => this.#ended(run, hasThrown);
  /** The submission that is under way. */
  #newFn: TaskFunction<unknown> | undefined;
  #newResolver: Resolve | undefined;
  #newSetting: TaskSetting | undefined;

  constructor(runtime: Runtime, owner: FunctionOwner, observers: FunctionObservers) {
    this.#runtime = runtime;
    this.#owner = owner;
    this.#observers = observers;
    this.#launcher = new Launcher(runtime, (task) => this.#begin(task));
    runtime.functions = this;
  }

  /** Not inside a turn. */
  submit(event: SchedulerEvent, fn: TaskFunction<unknown>, resolver: Resolve, setting: TaskSetting): void {
    this.#propose(fn, resolver, setting);
    this.#runtime.dispatch(event, this);
  }

  /** Turns a function down that the scheduler is not even asked about. */
  refuse(resolver: Resolve, setting: TaskSetting, outcome: Outcome, error: AgentyardError): void {
    this.#propose(undefined, resolver, setting);
    this.#runtime.refuse(this, outcome, error);
  }

  /** Is the index a function's whose outcome is open? */
  isOpen(task: number): boolean {
    return this.#cells[rowOf(task) * CELLS + RESOLVER] !== undefined;
  }

  /** The open task of that id; undefined when there is none. */
  find(id: string): number | undefined {
    const named = this.#named.get(id);
    if (named !== undefined || !id.startsWith(this.#idPrefix)) return named;
    const [serial, task] = id.slice(this.#idPrefix.length).split('-');
    const reference = { task: Number.parseInt(task ?? '', ID_RADIX), serial: Number.parseInt(serial!, ID_RADIX) };
    return this.isCurrent(reference) ? reference.task : undefined;
  }

  madeUpId({ task, serial }: TaskReference): string {
    return `${this.#idPrefix}${serial.toString(ID_RADIX)}-${task.toString(ID_RADIX)}`;
  }

  /** Is it still the same task, and is its outcome open? */
  isCurrent({ task, serial }: TaskReference): boolean {
    return this.isOpen(task) && this.#runtime.state.tasks.sequences[task] === serial;
  }

  /** Of an index that is a function's. */
  settingOf(task: number): TaskSetting {
    return this.#cells[rowOf(task) * CELLS + SETTING] as TaskSetting;
  }

  /** Is the index a function's that was not granted, or waits for its next attempt? */
  isWaiting(task: number): boolean {
    return this.isOpen(task) && !isStarted(this.#runtime.state, task);
  }

  infoOf(task: number): TaskInfo {
    const setting = this.settingOf(task);
    const id = setting.id ?? this.madeUpId({ task, serial: this.#runtime.state.tasks.sequences[task]! });
    return { id, tenant: setting.tenantName, class: setting.className };
  }

  admitted(task: number): void {
    const setting = this.#newSetting!;
    const cells = this.#cells;
    const at = rowOf(task) * CELLS;
    // Rows between are those of tasks that are no functions. An array with gaps would become a hash table.
    while (cells.length < at) cells.push(undefined);
    cells[at] = this.#newFn;
    cells[at + RESOLVER] = this.#newResolver;
    cells[at + SETTING] = setting;
    if (setting.signal !== undefined) setting.signal.task = task;
    if (setting.id !== undefined) this.#named.set(setting.id, task);
    this.#tellAdded(task);
  }

  refused(outcome: Outcome, error: AgentyardError): void {
    const setting = this.#newSetting!;
    this.#newResolver!(new Rejection(error));
    this.#owner.settled(setting, false);
    this.#owner.released(setting);
    const info: TaskInfo = { id: setting.id ?? '', tenant: setting.tenantName, class: setting.className };
    this.#tellFailure(info, outcome, error, 0, 0);
  }

  start(_slot: number, _rank: number, task: number): void {
    this.#launcher.push(task);
  }

  stop(task: number): void {
    // One that was called was told when it was settled, and ends by itself.
    if (typeof this.#workOf(task) !== 'function' || this.#runtime.state.config.leaseEndsAtTimeout) return;
    // It has its lease and was not called: there is nothing to wait for.
    this.#runtime.afterTurn(() => this.#sendEnded(task, Outcome.cancelled, Number.NaN));
  }

  /** Only readers of a stream are slow. */
  hold(): void {}

  /** Its lease was taken again. */
  proceed(task: number): void {
    const work = this.#workOf(task);
    if (typeof work === 'object') work.context?.proceed();
  }

  requeued(task: number): void {
    this.#cells[rowOf(task) * CELLS] = (this.#workOf(task) as FunctionRun).fn;
  }

  settled(outcome: Outcome, reason: Reason, task: number): void {
    const at = rowOf(task) * CELLS;
    const work = this.#cells[at] as Work;
    const run = typeof work === 'function' ? undefined : work;
    const resolve = this.#cells[at + RESOLVER] as Resolve;
    const setting = this.#cells[at + SETTING] as TaskSetting;
    this.#cells[at + RESOLVER] = undefined;
    if (setting.id !== undefined) this.#named.delete(setting.id);
    if (outcome === Outcome.completed) {
      resolve(run!.result);
      this.#owner.settled(setting, true);
      this.#tellSuccess(task, run!);
      return;
    }
    const hasThrown = reason === Reason.reported && outcome === Outcome.failed;
    const error: unknown = hasThrown
      ? run!.result
      : reason === Reason.reported
        ? setting.error
        : this.#errorOf(task, reason);
    resolve(new Rejection(error));
    const context = hasThrown ? undefined : run?.context;
    if (context !== undefined) this.#runtime.afterTurn(() => context.abort(error));
    this.#owner.settled(setting, hasThrown);
    if (this.#observers.failed === undefined && this.#observers.settled === undefined) return;
    const { waitMs, totalMs } = this.#timesOf(task, run);
    this.#tellFailure(this.infoOf(task), outcome, error, waitMs, totalMs);
  }

  freed(task: number): void {
    const at = rowOf(task) * CELLS;
    const work = this.#cells[at] as Work | undefined;
    if (typeof work === 'object') work.isFreed = true;
    const setting = this.#cells[at + SETTING] as TaskSetting;
    this.#cells[at] = undefined;
    this.#cells[at + SETTING] = undefined;
    this.#owner.released(setting);
  }

  fail(error: AgentyardError, task: number): void {
    this.#cells[rowOf(task) * CELLS + SETTING] = this.settingOf(task).failing(error);
  }

  #workOf(task: number): Work | undefined {
    return this.#cells[rowOf(task) * CELLS] as Work | undefined;
  }

  #propose(fn: TaskFunction<unknown> | undefined, resolver: Resolve, setting: TaskSetting): void {
    this.#newFn = fn;
    this.#newResolver = resolver;
    this.#newSetting = setting;
  }

  #begin(task: number): void {
    const { tasks } = this.#runtime.state;
    const fn = this.#workOf(task);
    // Cancelled between its grant and its turn here, or begun already: the index is listed twice when it was another's before.
    if (typeof fn !== 'function' || !this.isOpen(task) || tasks.leased[task] === 0) return;
    const setting = this.settingOf(task);
    const attempt = tasks.attempts[task]!;
    const serial = tasks.sequences[task]!;
    const { active } = this.#observers;
    if (active !== undefined) {
      active(this.infoOf(task), attempt);
      // A listener may have cancelled it, and its index may be another's already.
      if (!this.isCurrent({ task, serial }) || this.#workOf(task) !== fn || tasks.leased[task] === 0) return;
    }
    const run = this.#idleRuns.pop() ?? new FunctionRun(this.#onEnd);
    this.#cells[rowOf(task) * CELLS] = run;
    const context = new FunctionContext(this.#owner, setting, task, serial, attempt);
    run.begin(task, fn, context, this.#runtime.turnMs);
  }

  #ended(run: FunctionRun, hasThrown: boolean): void {
    // Its lease may have ended before it did: then nobody waits for it.
    const { task } = run;
    let retryInMs = Number.NaN;
    if (hasThrown && !run.isFreed && this.isOpen(task)) {
      const pauseMs = this.#owner.retryInMs(this.settingOf(task), run);
      // The caller was asked, and may have cancelled the task.
      if (!run.isFreed && this.isOpen(task)) retryInMs = pauseMs;
    }
    if (!run.isFreed) this.#sendEnded(task, hasThrown ? Outcome.failed : Outcome.completed, retryInMs);
    run.clear();
    if (this.#idleRuns.length < IDLE_RUNS_MAX) this.#idleRuns.push(run);
  }

  #sendEnded(task: number, outcome: Outcome, retryInMs: number): void {
    const event = this.#runtime.begin(EventKind.ended);
    event.task = task;
    event.outcome = outcome;
    event.heldTokens = 0;
    event.cachedTokens = 0;
    event.retryInMs = retryInMs;
    this.#runtime.dispatch(event);
  }

  #errorOf(task: number, reason: Reason): AgentyardError {
    const { tasks } = this.#runtime.state;
    return this.#runtime.errorOf(reason, {
      waitMs: this.#runtime.turnMs - tasks.arrivalsMs[task]!,
      timeoutMs: tasks.timeoutsMs[task]!,
    });
  }

  #tellAdded(task: number): void {
    const { added } = this.#observers;
    if (added === undefined) return;
    const info = this.infoOf(task);
    this.#runtime.afterTurn(() => added(info));
  }

  #tellSuccess(task: number, run: FunctionRun): void {
    const { completed, settled } = this.#observers;
    if (completed === undefined && settled === undefined) return;
    const { result } = run;
    const info = this.infoOf(task);
    const { waitMs, totalMs } = this.#timesOf(task, run);
    this.#runtime.afterTurn(() => {
      completed?.(result, info);
      settled?.(recordOf(info, Outcome.completed, undefined, waitMs, totalMs));
    });
  }

  #tellFailure(info: TaskInfo, outcome: Outcome, error: unknown, waitMs: number, totalMs: number): void {
    const { failed, settled } = this.#observers;
    if (failed === undefined && settled === undefined) return;
    this.#runtime.afterTurn(() => {
      failed?.(error, info);
      settled?.(recordOf(info, outcome, error, waitMs, totalMs));
    });
  }

  #timesOf(task: number, run: FunctionRun | undefined): { waitMs: number; totalMs: number } {
    const submittedMs = this.#runtime.state.tasks.arrivalsMs[task]!;
    const nowMs = this.#runtime.turnMs;
    return { waitMs: (run?.startedMs ?? nowMs) - submittedMs, totalMs: nowMs - submittedMs };
  }
}

function recordOf(info: TaskInfo, outcome: Outcome, error: unknown, waitMs: number, totalMs: number): TaskRecord {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return {
    ...info,
    model: undefined,
    outcome: OUTCOME_NAMES[outcome],
    errorCode: typeof code === 'string' ? code : undefined,
    finishReason: undefined,
    waitMs,
    firstTokenMs: undefined,
    totalMs,
    promptTokens: 0,
    cachedTokens: 0,
    outputTokens: 0,
  };
}
