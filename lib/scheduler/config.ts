/** What a scheduler is made from. Given once, never changed: a log replays against the same configuration. */
import type { Order, Share } from '../policy/index.js';
import type { ClassSettings } from '../task/index.js';

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
  overdueEvery: 4,
  maxPrioritySpread: 8,
  unreadTimeoutMs: 60_000,
  maxAttempts: 2,
  restartMsMin: 250,
  restartMsMax: 30_000,
} as const;
