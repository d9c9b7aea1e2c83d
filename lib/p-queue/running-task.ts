import type { QueuedTask } from './queued-task.js';

/** What a queue shows of a task that runs. */
export interface RunningTask {
  readonly id?: string;
  readonly priority: number;
  /** Wall clock at its start, ms. */
  readonly startTime: number;
  /** ms from its start; undefined for no limit. */
  readonly timeout?: number | undefined;
  /** ms until it times out, ≥ 0; undefined for no limit. */
  readonly timeoutRemaining?: number | undefined;
}

/** @param task - with a run */
export function runningTask({ id, priority, run, extras }: QueuedTask): RunningTask {
  const { startTime } = run!;
  const timeout = extras?.timeout;
  const timeoutRemaining = timeout === undefined ? undefined : Math.max(0, startTime + timeout - Date.now());
  return { id, priority: priority as number, startTime, timeout, timeoutRemaining };
}
