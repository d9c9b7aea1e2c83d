/** What a scheduler is made from. Given once, never changed: a log replays against the same configuration. */
import type { Order, Share } from '../policy/index.js';
import type { PoolUnit } from '../resource/index.js';
import type { ClassSettings } from '../task/index.js';

/** A resource of fixed size that functions ask for by name. */
export interface PoolConfig {
  readonly name: string;
  readonly unit: PoolUnit;
  /** ≥ 0; Infinity means no limit. */
  readonly capacity: number;
  /** By class index: what other classes may not take while the class uses less. */
  readonly kept: readonly number[];
}

/** So much may be started per window of time; what was taken comes back with time, not with the end of the task. */
export interface WindowConfig {
  readonly name: string;
  /** Amount per window, > 0. */
  readonly limit: number;
  /** Length of the window, ms, > 0. */
  readonly windowMs: number;
  /**
   * `fixed`: counts from zero again when a window is over; the first start after a pause begins a window. `sliding`: no window of this
   * length, wherever it begins, sees more than the limit.
   */
  readonly mode: 'fixed' | 'sliding';
  /** Fixed windows: what still runs when a window ends counts in the next one too. */
  readonly carriesOver: boolean;
}

export interface ModelConfig {
  readonly name: string;
  /** Slots per class index that other classes may not take while the class uses fewer. */
  readonly keptSlots: readonly number[];
  /** Host memory of the engine process before it loads anything, bytes. */
  readonly baseBytes: number;
}

export interface SchedulerConfig {
  readonly order: Order;
  readonly share: Share;
  /** By class index. */
  readonly classes: readonly ClassSettings[];
  readonly models: readonly ModelConfig[];
  /** Pools of functions. Ledger order: host memory, slots of the models, these, then the windows. */
  readonly pools: readonly PoolConfig[];
  readonly windows: readonly WindowConfig[];
  /** Most tasks of one group that run at once; Infinity turns groups off. */
  readonly groupLimit: number;
  /** A head that does not fit blocks everything behind it: for studies. Default false: reservation and backfill. */
  readonly headBlocks: boolean;
  /** A reservation without a start time (running work declares no bound) holds what is freed for at most so long, ms; then others go on for as long. */
  readonly drainMs: number;
  /** Most generations below a task without a parent. */
  readonly maxDepth: number;
  /** A submission earns so much of a retry, for all tasks together; and what they begin with, which is also the most that is saved up. */
  readonly retryBudgetRatio: number;
  readonly retryBudgetMin: number;
  /** Work of a started run goes before new runs until the run had so much of it, unless it declares a budget. */
  readonly runBudget: number;
  /** Demand shapes that have queues of their own; the rest shares one per class, searched to `searchDepth`. */
  readonly shapesMax: number;
  readonly searchDepth: number;
  /** A task that is over its own time-out gives its lease back at once, although its function may go on. */
  readonly leaseEndsAtTimeout: boolean;
  /** Host memory that engines lease from. */
  readonly memory: { readonly name: string; readonly capacityBytes: number; readonly marginBytes: number };
  /** While an overdue task fits, every n-th grant on its pools is for the oldest one. */
  readonly overdueEvery: number;
  /** `priority` counts only within ± this many half-lives. */
  readonly maxPrioritySpread: number;
  /** A paused stream that nobody reads for this long expires. */
  readonly unreadTimeoutMs: number;
  /** How often a task is granted at most: 1 plus the retries of one that gave no token before its engine died. */
  readonly maxAttempts: number;
  /** Pause before an engine is started again: first, and longest. It doubles in between and resets at the first good step. */
  readonly restartMsMin: number;
  readonly restartMsMax: number;
}

export const SCHEDULER_DEFAULTS = {
  pools: [],
  windows: [],
  groupLimit: Number.POSITIVE_INFINITY,
  headBlocks: false,
  drainMs: 10_000,
  maxDepth: 16,
  retryBudgetRatio: 0.2,
  retryBudgetMin: 100,
  runBudget: 1_000,
  shapesMax: 256,
  searchDepth: 32,
  leaseEndsAtTimeout: false,
  overdueEvery: 4,
  maxPrioritySpread: 8,
  unreadTimeoutMs: 60_000,
  maxAttempts: 2,
  restartMsMin: 250,
  restartMsMax: 30_000,
} as const;
