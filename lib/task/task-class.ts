/** The four classes of work and what a class means before any option changes it. */

/** Class names from most to least urgent; the index is what the core stores. */
export const TASK_CLASSES = ['interactive', 'standard', 'batch', 'background'] as const;

export type TaskClassName = (typeof TASK_CLASSES)[number];

export const CLASS_COUNT = TASK_CLASSES.length;

/** Index of a class name, or -1. */
export function taskClassIndex(name: string): number {
  return (TASK_CLASSES as readonly string[]).indexOf(name);
}

/** What may be set per class. Durations are milliseconds. */
export interface ClassSettings {
  /** Head start in half-lives of waiting (log2 of the urgency weight); higher is more urgent. */
  step: number;
  /** Most tasks of the class that may wait; one more is refused. Its own limit, so a flood of batch work refuses no chat. */
  queueLimit: number;
  /** Most work (tokens of model tasks, weights of functions) of the class that may wait; what would exceed it is refused. */
  workLimit: number;
  /** A task that waited this long is overdue: every fourth grant on its pools goes to the oldest of them. */
  boundMs: number;
  /** A task that waited this long without being started expires. */
  timeoutMs: number;
}

const NO_LIMIT = Number.POSITIVE_INFINITY;

/** Defaults, most urgent first. Three half-lives between neighbours: a fresh chat passes batch work of the last minute, not of the last hour. */
export const DEFAULT_CLASSES: readonly ClassSettings[] = [
  { step: 6, queueLimit: 1_000, workLimit: NO_LIMIT, boundMs: 2_000, timeoutMs: 60_000 },
  { step: 3, queueLimit: 1_000, workLimit: NO_LIMIT, boundMs: 10_000, timeoutMs: 300_000 },
  { step: 0, queueLimit: 10_000, workLimit: NO_LIMIT, boundMs: 600_000, timeoutMs: 3_600_000 },
  { step: -3, queueLimit: 10_000, workLimit: NO_LIMIT, boundMs: 3_600_000, timeoutMs: 86_400_000 },
];

/** Of a yard that serves no model: a million functions of a class may wait, for as long as it takes. */
export const FUNCTION_CLASSES: readonly ClassSettings[] = DEFAULT_CLASSES.map((settings) => ({
  ...settings,
  queueLimit: 1_000_000,
  timeoutMs: NO_LIMIT,
}));
