/** The public types of the yard for functions. */
import type { TaskClass } from '../../runtime/service.js';

/**
 * A piece of work: called once per attempt, in the async context (AsyncLocalStorage) of whoever added it.
 * Whatever it returns or throws, an error or not, is what the promise of `add` settles with.
 */
export type TaskFunction<T> = (context: TaskContext) => T | PromiseLike<T>;

/** What a function may know and ask of its task. Its members are getters and methods: do not copy it. */
export interface TaskContext {
  readonly id: string;
  /** 1 for the first start, and so on. */
  readonly attempt: number;
  /**
   * Aborted when the task is cancelled, runs into its time-out or deadline, or its parent ended; the reason is the error that its
   * caller got. Made when it is first read, so that functions without use for it do not pay for one.
   */
  readonly signal: AbortSignal;
  /** What is left of its deadline, ms, may be negative; undefined without one. Can be handed on as `deadlineMs`. */
  readonly deadlineMs: number | undefined;
  /**
   * Adds a child of this task: it has this task's tenant, and its class unless it says another; lives within its deadline and budget;
   * and is cancelled when this task ends without success. A task that awaits a child keeps what it holds meanwhile.
   */
  add<T>(fn: TaskFunction<T>, options?: Omit<AddOptions, 'parent' | 'tenant'>): Promise<T>;
  /**
   * Asks for `amount` more of a pool, at once or not at all; it returns with the rest when the task ends.
   * @returns false when it is not free now, or the task's outcome is out
   * @throws {@link InvalidOptionError} for an unknown pool or an amount that is not > 0
   */
  grow(pool: string, amount: number): boolean;
}

/** When and how often a function that throws is called again. */
export interface RetryOptions {
  /** How often it may be started in all, 1…255. */
  attempts: number;
  /** Pause before the second start, ms. Default 1,000. */
  minMs?: number | undefined;
  /** Longest pause, ms. Default 30,000. */
  maxMs?: number | undefined;
  /** From one pause to the next, ≥ 1. Default 2. */
  factor?: number | undefined;
  /** Is another attempt worth it? Asked with what was thrown and the attempt that threw it. Default: always. Must not throw. */
  when?: ((error: unknown, attempt: number) => boolean) | undefined;
}

export interface AddOptions {
  /** Name of the task for `cancel`, `setPriority`, `why` and `ctx.id`; unique among unsettled tasks. Default: made up. */
  id?: string | undefined;
  /** Whose work this is, for fair shares. Default "default". */
  tenant?: string | undefined;
  /** Default "standard". */
  class?: TaskClass | undefined;
  /** Finite number, higher is more urgent, default 0. With the order "aged" one step is one half-life of waiting. */
  priority?: number | undefined;
  /** Milliseconds from now until its result is worthless. */
  deadlineMs?: number | undefined;
  /** Longest run of one attempt, ms; then the promise rejects and `ctx.signal` is aborted. Default: the yard's `timeoutMs`. */
  timeoutMs?: number | undefined;
  /** What it takes of the yard's pools and windows while it runs, by name. Default: 1 of `slots`, 1 of `interval` where there is one. */
  demand?: Readonly<Record<string, number>> | undefined;
  /** Declared upper bound of its run, ms: lets it pass a reservation that begins later. */
  bound?: number | undefined;
  /** Work as one number, > 0, for fair shares, budgets and the order "seed". Default 1. */
  weight?: number | undefined;
  /** How long a run is expected to take, ms, > 0: short work goes first with the order "aged". Default: not known. */
  estimateMs?: number | undefined;
  /** Cancels the task wherever it is. */
  signal?: AbortSignal | undefined;
  /** How often it may be started in all, or more about it. Default 1: no retry. */
  retry?: number | RetryOptions | undefined;
  /**
   * Calls with one key are one task: while it is unsettled, and then for ten minutes for the last 1,000 keys whose function ran to its end,
   * they get the same promise. A task that was cancelled, refused, expired or timed out is forgotten at once.
   */
  idempotencyKey?: string | undefined;
  /** Id of an unsettled task whose child this is; see {@link TaskContext.add}. */
  parent?: string | undefined;
  /** Weight that all its descendants together may have, ≥ 0. Default: what its ancestors allow. */
  budget?: number | undefined;
  /** Tasks of one group run at most `groupConcurrency` at a time. */
  group?: string | undefined;
}

/** Options of a call that adds several tasks: what names one task is left out. */
export interface AddAllOptions extends Omit<AddOptions, 'id' | 'idempotencyKey'> {
  /** All start at the same instant, or none does: they wait until there is room for all of them. Not with `group`. Default false. */
  together?: boolean | undefined;
}

/** The results of a list of functions, in their order. */
export type ResultsOf<F extends readonly TaskFunction<unknown>[]> = {
  -readonly [K in keyof F]: Awaited<ReturnType<F[K]>>;
};

/** What events tell about a function's task. */
export interface TaskInfo {
  id: string;
  tenant: string;
  class: TaskClass;
}
