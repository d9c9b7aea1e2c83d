/**
 * Plain functions on the scheduler's path: what a caller says about a function becomes a task, or an error that says what is wrong.
 * Decides nothing about order, room or retries.
 */
import { CancelledError, ClosedError, InvalidOptionError, ParentEndedError, stackless } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { EventKind } from '../../event/index.js';
import { abortedError, DEFAULT_TENANT, type Runtime } from '../../runtime/index.js';
import { NONE, Outcome, taskClassIndex } from '../../task/index.js';
import { checkAddOptions, checkShared, TIME_MS_MAX } from './add-options.js';
import { CallerContexts } from './caller-contexts.js';
import { checkGrowth, type DemandPool, Demands } from './demands.js';
import type { TaskReference } from './function-context.js';
import type { FunctionRun } from './function-run.js';
import { type FunctionObservers, type FunctionOwner, FunctionTasks } from './function-tasks.js';
import { GroupNames } from './group-names.js';
import { Idempotency } from './idempotency.js';
import { retryPauseMs } from './retry-pause.js';
import { DEFAULT_CLASS, TaskSetting, TaskSignal } from './task-setting.js';
import type { AddAllOptions, AddOptions, ResultsOf, TaskFunction, TaskInfo } from './types.js';

export interface FunctionsOptions {
  runtime: Runtime;
  /** Pools and windows that functions may ask for, ascending by ledger index. */
  pools: readonly DemandPool[];
  /** Time-out of a task that names none, ms; 0 for none. */
  timeoutMs: number;
  observers: FunctionObservers;
  /** Of the jitter of retries. Default: drawn from the clock. */
  seed?: number;
}

/** What a submission carries beside the caller's options. */
interface Kinship {
  /** Task index of the parent; -1 for none. */
  readonly parent: number;
  /** Number of the gang; 0 for none. */
  readonly gang: number;
  readonly gangSize: number;
}

const ALONE: Kinship = { parent: NONE, gang: 0, gangSize: 0 };
const NO_OPTIONS: AddOptions = {};

/** Takes the resolver of the promise that is being made: one closure for all of them. */
let newResolver: (value: unknown) => void;
const takeResolver = (resolve: (value: unknown) => void) => {
  newResolver = resolve;
};

export class Functions implements FunctionOwner {
  /** Takes no new work. */
  isClosed = false;
  readonly #runtime: Runtime;
  readonly #timeoutMs: number;
  readonly #tasks: FunctionTasks;
  readonly #contexts = new CallerContexts();
  readonly #demands: Demands;
  readonly #groups = new GroupNames();
  readonly #random: Random;
  #sharedSetting: TaskSetting | undefined;
  #idempotency: Idempotency | undefined;
  #gangs = 0;

  constructor(options: FunctionsOptions) {
    const { runtime } = options;
    this.#runtime = runtime;
    this.#timeoutMs = wholeMs(options.timeoutMs);
    this.#random = new Random(options.seed ?? Date.now());
    this.#tasks = new FunctionTasks(runtime, this, options.observers);
    this.#demands = new Demands(runtime, options.pools, runtime.state.models.length);
  }

  get nowMs(): number {
    return this.#runtime.nowMs;
  }

  add<T>(fn: TaskFunction<T>, options?: AddOptions): Promise<T> {
    const refusal = this.#check(fn, options);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#add(fn, options, ALONE) as Promise<T>;
  }

  addAll<const F extends readonly TaskFunction<unknown>[]>(fns: F, options: AddAllOptions = {}): Promise<ResultsOf<F>> {
    if (!Array.isArray(fns)) {
      const message = `Several tasks are an array of functions; got ${kindOf(fns)}.`;
      return Promise.reject(new InvalidOptionError('fns', message));
    }
    if (typeof options !== 'object' || options === null) return Promise.reject(noOptions(options));
    const { together = false, ...shared } = options;
    for (const fn of fns) {
      const refusal = this.#check(fn, shared) ?? checkShared(shared, together);
      if (refusal !== undefined) return Promise.reject(refusal);
    }
    const isGang = together && fns.length > 1;
    const kinship = isGang ? { parent: NONE, gang: ++this.#gangs, gangSize: fns.length } : ALONE;
    return Promise.all(fns.map((fn) => this.#add(fn, shared, kinship))) as unknown as Promise<ResultsOf<F>>;
  }

  addChild<T>(parent: TaskReference, fn: TaskFunction<T>, options: AddOptions | undefined): Promise<T> {
    const refusal = this.#check(fn, options);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (!this.#tasks.isCurrent(parent)) return Promise.reject(stackless(() => new ParentEndedError()));
    return this.#add(fn, options ?? NO_OPTIONS, { ...ALONE, parent: parent.task }) as Promise<T>;
  }

  /** Index of the open task of that id. */
  find(id: string): number | undefined {
    return this.#tasks.find(id);
  }

  /** Of an index that is a function's. */
  infoOf(task: number): TaskInfo {
    return this.#tasks.infoOf(task);
  }

  /** Cancels every function that waits. */
  clear(): void {
    const error = stackless(() => new CancelledError());
    // One that is cancelled may take others with it.
    for (const task of this.#runtime.unsettled()) if (this.#tasks.isWaiting(task)) this.#runtime.cancel(task, error);
  }

  grow(reference: TaskReference, pool: string, amount: number): boolean {
    const index = this.#demands.poolIndex(pool);
    checkGrowth(amount);
    return this.#tasks.isCurrent(reference) && this.#runtime.grow(reference.task, index, amount);
  }

  giveBack(reference: TaskReference): void {
    this.#send(EventKind.giveBack, reference);
  }

  takeAgain(reference: TaskReference): void {
    this.#send(EventKind.takeAgain, reference);
  }

  /** Is it still the same task, and is its outcome open? */
  isCurrent(reference: TaskReference): boolean {
    return this.#tasks.isCurrent(reference);
  }

  madeUpId(reference: TaskReference): string {
    return this.#tasks.madeUpId(reference);
  }

  settled(setting: TaskSetting, hasRun: boolean): void {
    if (setting.isShared) return;
    const { signal, idempotencyKey } = setting;
    if (signal?.tasks !== undefined) this.#runtime.signals.forget(signal.tasks, signal);
    if (idempotencyKey !== undefined) this.#idempotency!.end(idempotencyKey, hasRun);
  }

  released(setting: TaskSetting): void {
    if (setting.isShared) return;
    this.#runtime.tenants.release(setting.tenant);
    if (setting.demand !== undefined) this.#demands.release(setting.demand);
    if (setting.group !== 0) this.#groups.release(setting.group);
  }

  retryInMs(setting: TaskSetting, run: FunctionRun): number {
    const { retry } = setting;
    const { attempt } = run.context!;
    if (retry === undefined || attempt >= retry.attempts) return Number.NaN;
    try {
      if (retry.when !== undefined && !retry.when(run.result, attempt)) return Number.NaN;
    } catch (error) {
      // The caller learns of its own bug.
      run.result = error;
      return Number.NaN;
    }
    return retryPauseMs(retry, attempt, this.#random);
  }

  #send(kind: EventKind, reference: TaskReference): void {
    if (!this.#tasks.isCurrent(reference)) return;
    const event = this.#runtime.begin(kind);
    event.task = reference.task;
    this.#runtime.dispatch(event);
  }

  #check(fn: unknown, options: AddOptions | undefined): Error | undefined {
    if (this.isClosed) return new ClosedError();
    if (typeof fn !== 'function') {
      return new InvalidOptionError('fn', `A task is a function; got ${kindOf(fn)}.`);
    }
    if (options === undefined) return undefined;
    if (typeof options !== 'object' || options === null) return noOptions(options);
    try {
      checkAddOptions(options);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  /** @param options - checked */
  #add(fn: TaskFunction<unknown>, options: AddOptions | undefined, kinship: Kinship): Promise<unknown> {
    const key = options?.idempotencyKey;
    if (key !== undefined) {
      this.#idempotency ??= new Idempotency(() => this.#runtime.nowMs);
      const known = this.#idempotency.find(key);
      if (known !== undefined) return known;
    }
    let parent = kinship.parent;
    let setting: TaskSetting;
    if (options === undefined) {
      setting = this.#shared();
    } else {
      try {
        if (options.parent !== undefined) parent = this.#parentOf(options.parent);
        setting = this.#settingOf(options, parent);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const promise = new Promise<unknown>(takeResolver);
    if (key !== undefined) this.#idempotency!.begin(key, promise);
    const resolver = newResolver;
    const kin = parent === kinship.parent ? kinship : { ...kinship, parent };
    // Inside a turn only if a backend adds a function: then it is a call from outside like any other.
    if (this.#runtime.isBusy) this.#runtime.afterTurn(() => this.#submit(fn, options, kin, resolver, setting));
    else this.#submit(fn, options, kin, resolver, setting);
    return promise;
  }

  #submit(
    fn: TaskFunction<unknown>,
    options: AddOptions | undefined,
    { parent, gang, gangSize }: Kinship,
    resolver: (value: unknown) => void,
    setting: TaskSetting,
  ): void {
    const { signal } = setting;
    if (signal !== undefined) {
      try {
        if (signal.signal.aborted) {
          this.#tasks.refuse(resolver, setting, Outcome.cancelled, abortedError(signal.signal));
          return;
        }
        signal.tasks = this.#runtime.signals.watch(signal.signal, signal);
      } catch (cause) {
        const error = new InvalidOptionError('signal', 'Option "signal" cannot be listened to.');
        error.cause = cause;
        this.#tasks.refuse(resolver, setting, Outcome.refused, error);
        return;
      }
    }
    // Checked at the door already, but the caller's own code (a signal, an option's getter) may have run since.
    if (this.isClosed) {
      this.#tasks.refuse(resolver, setting, Outcome.refused, new ClosedError());
      return;
    }
    const event = this.#runtime.begin(EventKind.submit);
    event.model = NONE;
    event.tenant = setting.tenant;
    event.classIndex = setting.className === DEFAULT_CLASS ? STANDARD : taskClassIndex(setting.className);
    event.session = 0;
    event.promptTokens = 0;
    event.outputLimit = 0;
    event.deadlineMs = setting.deadlineMs;
    event.demand = setting.demand ?? this.#demands.standard;
    event.parent = parent;
    event.group = setting.group;
    event.gang = gang;
    event.gangSize = gangSize;
    event.maxAttempts = setting.retry?.attempts ?? 1;
    if (options === undefined) {
      event.priority = 0;
      event.serviceSeconds = Number.NaN;
      event.size = 1;
      event.boundMs = 0;
      event.timeoutMs = this.#timeoutMs;
      event.budget = Number.POSITIVE_INFINITY;
    } else {
      event.priority = options.priority ?? 0;
      event.serviceSeconds = options.estimateMs === undefined ? Number.NaN : options.estimateMs / 1_000;
      event.size = options.weight ?? 1;
      event.boundMs = wholeMs(options.bound ?? 0);
      event.timeoutMs = options.timeoutMs === undefined ? this.#timeoutMs : wholeMs(options.timeoutMs);
      event.budget = options.budget ?? Number.POSITIVE_INFINITY;
    }
    this.#tasks.submit(event, fn, resolver, setting);
  }

  #parentOf(id: string): number {
    const task = this.#tasks.find(id);
    if (task !== undefined) return task;
    throw new InvalidOptionError('parent', `There is no unsettled task "${id}" to be the parent.`);
  }

  #shared(): TaskSetting {
    const context = this.#contexts.current();
    if (this.#sharedSetting?.context !== context) this.#sharedSetting = new TaskSetting(context, true);
    return this.#sharedSetting;
  }

  /** Whatever can be wrong is found before anything is retained. */
  #settingOf(options: AddOptions, parentTask: number): TaskSetting {
    if (parentTask === NONE && !needsSetting(options)) return this.#shared();
    const { id, demand, tenant, group, retry, deadlineMs, signal } = options;
    if (id !== undefined && this.#tasks.find(id) !== undefined) {
      throw new InvalidOptionError('id', `There is an unsettled task "${id}" already.`);
    }
    const parent = parentTask === NONE ? undefined : this.#tasks.settingOf(parentTask);
    const setting = new TaskSetting(this.#contexts.current(), false);
    if (demand !== undefined) setting.demand = this.#demands.retain(demand);
    setting.id = id;
    setting.tenantName = parent?.tenantName ?? tenant ?? DEFAULT_TENANT;
    setting.tenant = this.#runtime.tenants.retain(setting.tenantName);
    setting.className = options.class ?? parent?.className ?? DEFAULT_CLASS;
    if (group !== undefined) setting.group = this.#groups.retain(group);
    // As the core has it: a child has no more time than its parent.
    const ownMs = deadlineMs === undefined ? Number.POSITIVE_INFINITY : this.#runtime.nowMs + deadlineMs;
    setting.deadlineMs = Math.min(ownMs, parent?.deadlineMs ?? Number.POSITIVE_INFINITY);
    setting.retry = typeof retry === 'number' ? { attempts: retry } : retry;
    setting.idempotencyKey = options.idempotencyKey;
    if (signal !== undefined) setting.signal = new TaskSignal(signal, this.#cancel);
    return setting;
  }

  readonly #cancel: TaskSignal['cancel'] = (signal, error) => {
    const { task } = signal;
    // Its index may be another's by now.
    const isOurs = this.#tasks.isOpen(task) && this.#tasks.settingOf(task).signal === signal;
    if (isOurs) this.#runtime.cancel(task, error);
  };
}

const STANDARD = taskClassIndex(DEFAULT_CLASS);

/** Do the options say more than what goes into the event alone? */
function needsSetting(options: AddOptions): boolean {
  return (
    options.id !== undefined ||
    options.tenant !== undefined ||
    options.class !== undefined ||
    options.demand !== undefined ||
    options.group !== undefined ||
    options.deadlineMs !== undefined ||
    options.retry !== undefined ||
    options.signal !== undefined ||
    options.idempotencyKey !== undefined
  );
}

function noOptions(given: unknown): InvalidOptionError {
  return new InvalidOptionError('options', `The options of a task are an object; got ${kindOf(given)}.`);
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

function wholeMs(ms: number): number {
  return ms === 0 ? 0 : Math.min(TIME_MS_MAX, Math.ceil(ms));
}
