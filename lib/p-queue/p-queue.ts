/**
 * The class of p-queue 9 on top of the scheduler: same options, methods, properties, events and errors. What is better and what
 * differs is in docs/from-p-queue.md.
 *
 * Every change is one turn of the scheduler (turnstile.ts); functions and listeners run between turns, so they may call anything.
 * Functions start inside the call that lets them: `add()`, `start()`, the setter of `concurrency`.
 * Invariants: 1. `#waiting` and `#pending` count the tasks of these phases. 2. With a `queueClass` the scheduler holds no waiting task
 * that has not been given out.
 */
import { EventEmitter } from 'eventemitter3';
import { Outcome } from '../task/index.js';
import { CustomLine } from './custom-line.js';
import { type EventName, nextTime, report, tell, tellEnd } from './events.js';
import {
  limitsOf,
  type Options,
  type Queue,
  type QueueAddOptions,
  type RunFunction,
  requireConcurrency,
  requirePriority,
  requireTimeout,
} from './options.js';
import { noSuchTask, PriorityQueue } from './priority-queue.js';
import { Extras, Phase, QueuedTask, type TaskFunction } from './queued-task.js';
import { RateLimit } from './rate-limit.js';
import { Runs } from './run.js';
import { type RunningTask, runningTask } from './running-task.js';
import { Signals } from './signals.js';
import { TimeoutError } from './timeout-error.js';
import { Turnstile } from './turnstile.js';

/** Takes the resolvers of the promise that is being made: one closure for all of them. */
let newResolve: (value: unknown) => void;
let newReject: (error: unknown) => void;
const takeResolvers = (resolve: (value: never) => void, reject: (error: unknown) => void) => {
  newResolve = resolve as (value: unknown) => void;
  newReject = reject;
};

const NO_OPTIONS = {};

/**
 * Runs functions with a limit on how many run at once and start per interval, most urgent first.
 *
 * ```ts
 * const queue = new PQueue({ concurrency: 2 });
 * const page = await queue.add(() => fetch(url), { priority: 1, timeout: 5_000 });
 * ```
 */
export class PQueue<
  QueueType extends Queue<RunFunction, AddOptions> = PriorityQueue,
  AddOptions extends QueueAddOptions = QueueAddOptions,
> extends EventEmitter<EventName> {
  /** Time-out of tasks that are added from now on without one of their own: ms from their start. */
  timeout?: number | undefined;

  readonly #turnstile: Turnstile;
  readonly #line: CustomLine<QueueType, AddOptions> | undefined;
  readonly #rateLimit: RateLimit;
  readonly #signals = new Signals({
    waitingAborted: (task) => this.#aborted(task),
    runningAborted: (task, reason) => this.#failed(task, reason),
  });
  readonly #runs = new Runs<QueuedTask>({
    completed: (task, value) => this.#completed(task, value),
    failed: (task, error) => this.#failed(task, error),
  });
  /** Tasks by phase; a `queueClass` may count otherwise. */
  #waiting = 0;
  #pending = 0;
  #concurrency: number;
  #isPaused: boolean;
  #lastNumber = 0;

  /** @throws TypeError for an option out of range */
  constructor(options?: Options<QueueType, AddOptions>) {
    super();
    const given = options ?? {};
    const limits = limitsOf(given);
    requireTimeout(given.timeout);
    this.timeout = given.timeout;
    this.#concurrency = limits.concurrency;
    this.#isPaused = given.autoStart === false;
    this.#turnstile = new Turnstile(limits, () => this.#timeHasCome());
    this.#rateLimit = new RateLimit(this.#turnstile, {
      isWaiting: () => this.size > 0,
      changed: (isOn) => tell(this, isOn ? 'rateLimit' : 'rateLimitCleared'),
      rolled: () => {
        if (this.#line !== undefined || this.#callGranted()) this.#startAll();
      },
    });
    const queueClass = 'queueClass' in given ? given.queueClass : PriorityQueue;
    if (typeof queueClass !== 'function') throw new TypeError(`\`queueClass\` is a class; got ${String(queueClass)}.`);
    if ((queueClass as unknown) !== PriorityQueue) {
      this.#line = new CustomLine<QueueType, AddOptions>(queueClass as new () => QueueType, (task) =>
        this.#begin(task),
      );
    }
    if (this.#isPaused) this.#turnstile.shut();
  }

  /**
   * Adds a task. Its function starts now if there is room, else when its turn has come.
   * @returns settles with what the function returns or throws; rejects with {@link TimeoutError}, or with the reason of an aborted
   * `signal`; never settles when the waiting task is cleared
   */
  add<T>(function_: TaskFunction<T>, options?: Partial<AddOptions>): Promise<T> {
    const promise = new Promise<T>(takeResolvers);
    const reject = newReject;
    try {
      this.#add(function_, options ?? NO_OPTIONS, newResolve);
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  /** `add()` for each. @returns all results in order; rejects with the first error, which stops none of the others */
  async addAll<T>(functions: readonly TaskFunction<T>[], options?: Partial<AddOptions>): Promise<T[]> {
    return await Promise.all(functions.map((function_) => this.add(function_, options)));
  }

  /** Goes on after `pause()` or `autoStart: false`. */
  start(): this {
    if (!this.#isPaused) return this;
    this.#isPaused = false;
    this.#turnstile.resize(1);
    this.#turnstile.open();
    this.#startAll();
    return this;
  }

  /** Starts nothing until `start()`; what runs goes on. */
  pause(): void {
    this.#isPaused = true;
    this.#turnstile.shut();
  }

  /** Forgets every waiting task; their promises never settle. What runs goes on. */
  clear(): void {
    this.#line?.clear();
    for (const task of this.#waitingTasks()) {
      // Withdrawing one may have ended others: those whose time-out was due.
      if (task.phase !== Phase.waiting) continue;
      this.#over(task);
      if (task.task >= 0) this.#turnstile.withdraw(task);
    }
    this.#rateLimit.check();
    this.#tellEmpty();
    tell(this, 'next');
  }

  /** Resolves when nothing waits. */
  async onEmpty(): Promise<void> {
    if (this.size > 0) await nextTime(this, 'empty');
  }

  /** Resolves when fewer than `limit` tasks wait; running ones do not count. */
  async onSizeLessThan(limit: number): Promise<void> {
    if (!(this.size < limit)) await nextTime(this, 'next', () => this.size < limit);
  }

  /** Resolves when nothing waits and nothing runs. */
  async onIdle(): Promise<void> {
    if (this.size > 0 || this.#pending > 0) await nextTime(this, 'idle');
  }

  /** Resolves when nothing runs; tasks may wait. */
  async onPendingZero(): Promise<void> {
    if (this.#pending > 0) await nextTime(this, 'pendingZero');
  }

  /** Resolves when tasks wait for the next interval. */
  async onRateLimit(): Promise<void> {
    if (!this.isRateLimited) await nextTime(this, 'rateLimit');
  }

  /** Resolves when no task waits for the next interval. */
  async onRateLimitCleared(): Promise<void> {
    if (this.isRateLimited) await nextTime(this, 'rateLimitCleared');
  }

  /** Rejects with the first error of a task from now on. The promise of that task rejects, too. */
  onError(): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.once('error', reject);
    });
  }

  /**
   * Gives a waiting task another priority, behind its new equals. With the same id twice, one of them.
   * @throws TypeError for a priority that is not finite, ReferenceError when no waiting task has that id
   */
  setPriority(id: string, priority: number): void {
    requirePriority(priority);
    if (this.#line !== undefined) {
      this.#line.setPriority(id, priority);
      return;
    }
    const task = this.#waitingTasks().find((candidate) => candidate.id === id);
    if (task === undefined) throw noSuchTask(id);
    task.priority = priority;
    // Comes again: who was there first among equals is first.
    this.#turnstile.withdraw(task);
    this.#turnstile.submit(task);
    this.#callAllGranted();
  }

  /** Tasks that wait. */
  get size(): number {
    return this.#line === undefined ? this.#waiting : this.#line.size;
  }

  /** Waiting tasks of exactly `options.priority`; with a `queueClass`, those that its `filter` finds. */
  sizeBy(options: Readonly<Partial<AddOptions>>): number {
    if (this.#line !== undefined) return this.#line.filter(options);
    return this.#waitingTasks().filter(({ priority }) => priority === options.priority).length;
  }

  /** Tasks that run. */
  get pending(): number {
    return this.#pending;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Is the cap of the interval used up while tasks wait? */
  get isRateLimited(): boolean {
    return this.#rateLimit.isOn;
  }

  /** Do tasks wait for a slot or for the next interval? */
  get isSaturated(): boolean {
    return this.size > 0 && (this.#pending >= this.#concurrency || this.#rateLimit.isOn);
  }

  /** What runs, in the order of its start. */
  get runningTasks(): readonly RunningTask[] {
    const running = this.#turnstile.tasks().filter(({ phase }) => phase === Phase.running);
    return running.sort((a, b) => a.run!.order - b.run!.order).map(runningTask);
  }

  /** Most tasks that run at once. A new value holds at once; what runs goes on. */
  get concurrency(): number {
    return this.#concurrency;
  }

  /** @throws TypeError unless it is a number ≥ 1 */
  set concurrency(concurrency: number) {
    requireConcurrency(concurrency);
    this.#concurrency = concurrency;
    this.#startAll();
  }

  /** @throws TypeError; then the task is not added */
  #add(fn: TaskFunction<unknown>, options: Partial<AddOptions>, resolve: (value: unknown) => void): void {
    const { id, signal } = options;
    const timeout = 'timeout' in options ? options.timeout : this.timeout;
    requireTimeout(timeout);
    const isPlain = id === undefined && timeout === undefined && !signal && this.#line === undefined;
    const extras = isPlain ? undefined : new Extras(id, signal ?? undefined, timeout);
    const number = id === undefined ? ++this.#lastNumber : 0;
    const task = new QueuedTask(this.#turnstile, number, fn, options.priority ?? 0, extras, resolve);
    if (signal?.aborted === true) {
      task.reject(signal.reason);
      this.#startNext();
      tell(this, 'next');
      return;
    }
    if (signal) this.#signals.watch(task, extras!, signal);
    if (this.#line === undefined) {
      this.#waiting++;
      this.#turnstile.submit(task);
      tell(this, 'add');
      this.#callAllGranted();
    } else {
      this.#line.enqueue(task, { ...options, id: task.id, ...(timeout !== undefined && { timeout }) });
      this.#waiting++;
      tell(this, 'add');
      this.#startNext();
    }
    this.#rateLimit.note();
  }

  /** Starts what may start, one by one: each function may pause the queue, or change who is next. */
  #startAll(): void {
    do this.#turnstile.resize(Math.min(this.#concurrency, this.#pending + 1));
    while (this.#startNext());
    this.#turnstile.resize(this.#concurrency);
  }

  /** Calls the one that has a slot, if there is one; says so when nothing waits. */
  #startNext(): boolean {
    if (this.#callGranted()) return true;
    if (this.size === 0) {
      this.#tellEmpty();
      return false;
    }
    return this.#line !== undefined && this.#startFrom(this.#line);
  }

  /** Starts what a `queueClass` gives out, if there is room for it. */
  #startFrom(line: CustomLine<QueueType, AddOptions>): boolean {
    if (this.#isPaused || this.#pending >= this.#concurrency || this.#turnstile.isUsedUp) return false;
    const run = line.dequeue();
    if (run === undefined) {
      // All that it held was aborted.
      if (this.size === 0) this.#tellEmpty();
      return false;
    }
    this.#run(run);
    tell(this, 'active');
    return true;
  }

  /** What a `queueClass` gave out. It may do something of its own around the task. */
  #run(run: RunFunction): void {
    try {
      void run();
    } catch (error) {
      report(error);
    }
  }

  /** A task that a `queueClass` has given out; there is a slot unless that object took its time. */
  #begin(task: QueuedTask): void {
    this.#turnstile.submit(task);
    this.#callAllGranted();
  }

  /** Nearly always one at most: two when time has made room besides. */
  #callAllGranted(): void {
    while (this.#callGranted());
  }

  /** Calls the function of the task that the scheduler granted, if there is one. */
  #callGranted(): boolean {
    if (this.#isPaused) return false;
    let task = this.#turnstile.fetchGranted();
    while (task !== undefined && task.phase !== Phase.waiting) task = this.#turnstile.fetchGranted();
    if (task === undefined) return false;
    this.#call(task);
    if (this.#line === undefined) tell(this, 'active');
    return true;
  }

  #call(task: QueuedTask): void {
    this.#waiting--;
    this.#pending++;
    this.#line?.waiting.delete(task);
    task.phase = Phase.running;
    const { extras } = task;
    if (extras !== undefined) this.#signals.stop(task, extras);
    const run = this.#runs.take();
    run.begin(task, Date.now());
    task.run = run;
    try {
      const result = task.runInAsyncScope(task.fn, undefined, { signal: extras?.signal });
      if (extras?.signal !== undefined) this.#signals.listen(task, extras, extras.signal);
      run.follow(result);
    } catch (error) {
      tellEnd(this, 'error', error);
      run.hasToldError = true;
      run.followError(error);
    }
  }

  #completed(task: QueuedTask, value: unknown): void {
    tellEnd(this, 'completed', value);
    task.resolve(value);
    this.#leave(task, Outcome.completed);
  }

  #failed(task: QueuedTask, error: unknown): void {
    if (task.phase !== Phase.running) return;
    if (!task.run!.hasToldError) tellEnd(this, 'error', error);
    task.reject(error);
    this.#leave(task, Outcome.failed);
  }

  /** A running task is over: its slot is another's. */
  #leave(task: QueuedTask, outcome: Outcome): void {
    this.#over(task);
    if (this.#pending === 0) tell(this, 'pendingZero');
    // No index: it ran into its time-out, and its slot is free already.
    if (task.task >= 0) this.#turnstile.ended(task, outcome);
    if (this.#startNext()) this.#callAllGranted();
    tell(this, 'next');
    this.#rateLimit.note();
  }

  #over(task: QueuedTask): void {
    if (task.phase === Phase.running) this.#pending--;
    else this.#waiting--;
    this.#line?.waiting.delete(task);
    task.phase = Phase.over;
    task.run?.leave();
    task.run = undefined;
    const { extras } = task;
    if (extras === undefined) return;
    this.#signals.stop(task, extras);
    extras.onOver?.();
  }

  /** A waiting task is not wanted any more. */
  #aborted(task: QueuedTask): void {
    // It ended while others of the same signal were told.
    if (task.phase === Phase.over) return;
    this.#line?.remove(task);
    this.#over(task);
    if (task.task >= 0) this.#turnstile.withdraw(task);
    task.reject(task.extras!.signal!.reason);
    if (this.#startNext()) this.#callAllGranted();
    tell(this, 'next');
    this.#rateLimit.note();
  }

  /** A time-out or an interval is over. */
  #timeHasCome(): void {
    for (const task of this.#turnstile.fetchTimedOut()) {
      const timeout = task.extras?.timeout;
      this.#failed(
        task,
        new TimeoutError(
          `Task "${task.id}" ran longer than its time-out of ${timeout} ms (running: ${this.#pending}, waiting: ${this.size}).`,
        ),
      );
    }
    if (this.#callGranted()) this.#startAll();
    this.#rateLimit.check();
  }

  /** In no particular order. */
  #waitingTasks(): QueuedTask[] {
    if (this.#line !== undefined) return [...this.#line.waiting];
    return this.#turnstile.tasks().filter(({ phase }) => phase === Phase.waiting);
  }

  #tellEmpty(): void {
    tell(this, 'empty');
    if (this.#pending === 0) tell(this, 'idle');
  }
}
