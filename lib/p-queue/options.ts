/**
 * What a queue and a task of it may be told: the options of p-queue 9, by name, meaning and default.
 *
 * Wrong values throw a plain `TypeError`, because that is what code written for p-queue catches.
 */

/** What a queue holds for a task: runs it. Resolves when the task has ended; never rejects, the caller of `add()` gets the error. */
export type RunFunction = () => Promise<unknown>;

/** Where waiting tasks are kept, when it is not the scheduler itself (`queueClass`). */
export interface Queue<Element, Options> {
  /** How many it holds. */
  readonly size: number;
  /** Those that match; only their number is used, by `sizeBy()`. */
  filter(options: Readonly<Partial<Options>>): Element[];
  /** Gives out the next one; undefined when there is none to give now. */
  dequeue(): Element | undefined;
  enqueue(run: Element, options?: Partial<Options>): void;
  setPriority(id: string, priority: number): void;
  /** Drops a task whose signal was aborted while it waited. Without this method it is skipped when it is given out. */
  remove?(id: string): void;
}

/** What the function of a task is called with. */
export interface TaskOptions {
  /** Removes the task from the queue, or rejects its promise while it runs. The function itself stops only if it listens, too. */
  readonly signal?: AbortSignal | undefined;
}

export interface QueueAddOptions extends TaskOptions {
  /** Higher starts earlier; first come, first served among equals. Default 0. */
  readonly priority?: number;
  /** Finds the task for `setPriority()`. Default: '1', '2', … over the tasks without one. */
  id?: string;
  /** Longest run in ms from its start, > 0. Default: the queue's `timeout`; an explicit undefined means no limit. */
  timeout?: number | undefined;
}

export interface Options<QueueType extends Queue<RunFunction, AddOptions>, AddOptions extends QueueAddOptions> {
  /** Most tasks that run at once, ≥ 1. Default Infinity. */
  readonly concurrency?: number;
  /** False: begin paused. Default true. */
  readonly autoStart?: boolean;
  /** Keeps the waiting tasks and decides who is next. Default: the scheduler's own strict priority order. */
  readonly queueClass?: new () => QueueType;
  /** Most starts per interval, ≥ 1. Default Infinity. */
  readonly intervalCap?: number;
  /** Length of an interval, ms, finite, ≥ 0. Default 0: no limit. */
  readonly interval?: number;
  /** Count what still runs at the end of an interval in the next one too. Default false; without effect with `strict`. */
  readonly carryoverIntervalCount?: boolean;
  /** @deprecated Renamed to `carryoverIntervalCount`. */
  readonly carryoverConcurrencyCount?: boolean;
  /** Keep to `intervalCap` in every stretch of `interval` ms, wherever it begins. Default false: count by interval. */
  readonly strict?: boolean;
  /** Default of each task's `timeout`. */
  timeout?: number | undefined;
}

/** The numbers of the options, checked. */
export interface Limits {
  readonly concurrency: number;
  readonly intervalCap: number;
  readonly interval: number;
  readonly isStrict: boolean;
  readonly carriesOver: boolean;
}

type LimitOptions = Omit<
  Options<Queue<RunFunction, QueueAddOptions>, QueueAddOptions>,
  'queueClass' | 'autoStart' | 'timeout'
>;

/** @throws TypeError for a value out of range; a key that is there with the value undefined is one too */
export function limitsOf(options: LimitOptions): Limits {
  const given = <T>(name: keyof LimitOptions, fallback: T): T =>
    name in options ? (options[name] as unknown as T) : fallback;
  const concurrency = given('concurrency', Number.POSITIVE_INFINITY);
  const intervalCap = given('intervalCap', Number.POSITIVE_INFINITY);
  const interval = given('interval', 0);
  requireConcurrency(concurrency);
  if (!isNumber(intervalCap) || !(intervalCap >= 1)) throw expected('intervalCap', 'a number ≥ 1', intervalCap);
  if (!isNumber(interval) || !(interval >= 0 && interval < Number.POSITIVE_INFINITY)) {
    throw expected('interval', 'a finite number of ms ≥ 0', interval);
  }
  const isStrict = options.strict === true;
  if (isStrict && interval === 0) throw new TypeError('`strict` needs an `interval` > 0: a limit per which time?');
  if (isStrict && intervalCap === Number.POSITIVE_INFINITY) {
    throw new TypeError('`strict` needs a finite `intervalCap`: how many per interval?');
  }
  return {
    concurrency,
    intervalCap,
    interval,
    isStrict,
    carriesOver: options.carryoverIntervalCount ?? options.carryoverConcurrencyCount ?? false,
  };
}

/** @throws TypeError */
export function requireConcurrency(value: unknown): asserts value is number {
  if (!isNumber(value) || !(value >= 1)) throw expected('concurrency', 'a number ≥ 1', value);
}

/** @throws TypeError unless it is undefined or a time-out */
export function requireTimeout(value: unknown): asserts value is number | undefined {
  if (value === undefined) return;
  if (!isNumber(value) || !(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw expected('timeout', 'a finite number of ms > 0', value);
  }
}

/** @throws TypeError */
export function requirePriority(value: unknown): asserts value is number {
  if (!Number.isFinite(value)) throw expected('priority', 'a finite number', value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function expected(name: string, what: string, got: unknown): TypeError {
  return new TypeError(`\`${name}\` is ${what}; got ${String(got)} (${typeof got}).`);
}
