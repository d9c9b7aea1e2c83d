/**
 * Another attempt for a task that failed. It keeps its priority and its place, waits for as long as its backend or caller asks, and is
 * not charged again.
 *
 * Retries have a budget for all tasks together (each submission earns `retryBudgetRatio` of one), so that an outage is not answered by
 * twice the load. Source: the retry budget of Google's SRE book, "Handling Overload".
 */
import { type CommandBuffer, CommandKind } from '../event/index.js';
import { Aside, Hold, TaskState } from '../task/index.js';
import { place, startByMs, waitingWork } from './enqueue.js';
import { leaveQueue, releaseLease } from './settle.js';
import type { SchedulerState } from './state.js';

/** @param retryInMs - the pause before the next attempt; NaN when none is wanted */
export function mayRetry(state: SchedulerState, task: number, retryInMs: number): boolean {
  const { tasks } = state;
  return (
    retryInMs >= 0 &&
    tasks.attempts[task]! < tasks.maxAttempts[task]! &&
    state.retryBudget >= 1 &&
    retryInMs < state.config.classes[tasks.classes[task]!]!.timeoutMs &&
    state.nowMs + retryInMs < startByMs(state, task)
  );
}

export function retry(state: SchedulerState, task: number, retryInMs: number, commands: CommandBuffer): void {
  const { tasks } = state;
  state.retryBudget--;
  state.running--;
  if (tasks.leased[task] === 1) releaseLease(state, task, 0);
  else if (tasks.states[task] === TaskState.queued) leaveQueue(state, task);
  // Another attempt is another start, windows included.
  tasks.asides[task] = Aside.no;
  tasks.move(task, TaskState.submitted);
  tasks.holds[task] = Hold.backOff;
  // The column is free: the order's key is set when the task is queued again.
  tasks.keys[task] = state.nowMs + retryInMs;
  state.setInstant(task, Math.min(tasks.keys[task]!, startByMs(state, task)));
  waitAgain(state, task);
  commands.push(CommandKind.requeued, task, retryInMs);
}

/** Puts a task that ran back into its arrival list and the counts. */
export function waitAgain(state: SchedulerState, task: number): void {
  const { tasks } = state;
  const classIndex = tasks.classes[task]!;
  // It waits from now on: how long it ran is no part of that.
  tasks.grantsMs[task] = state.nowMs;
  state.waitingByClass[classIndex]!++;
  state.waitingWorkByClass[classIndex]! += waitingWork(state, task);
  place(state, task);
  state.queue.enlist(task);
  state.noteInstant(tasks.grantsMs[task]! + state.config.classes[classIndex]!.timeoutMs);
}
