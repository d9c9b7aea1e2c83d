/** What time alone changes: deadlines, queue time-outs, unread streams. A timer is a command that comes back as an event. */
import { type CommandBuffer, CommandKind } from '../event/index.js';
import { NONE, Outcome, Reason, TaskState } from '../task/index.js';
import { settle, settleAndStop } from './settle.js';
import type { SchedulerState } from './state.js';

/** Ends every task whose time is up at `nowMs`. */
export function expireDue(state: SchedulerState, nowMs: number, commands: CommandBuffer): void {
  const { tasks, queue, config } = state;
  for (;;) {
    const task = state.deadlines.peek();
    if (task === NONE || tasks.deadlineKeysMs[task]! > nowMs) break;
    expire(state, task, Reason.deadlinePassed, commands);
  }
  for (let index = 0; index < queue.shapes.length; index++) {
    const waiting = queue.shapes[index]!;
    const { timeoutMs } = config.classes[state.shapes.all[index]!.classIndex]!;
    for (let task = waiting.first; task !== NONE; ) {
      const next = tasks.next[task]!;
      const isRetried = tasks.attempts[task]! > 0;
      if (waitsSinceMs(state, task) + timeoutMs <= nowMs) expire(state, task, Reason.queueTimeout, commands);
      else if (!isRetried) break;
      task = next;
    }
  }
  for (const [task, sinceMs] of state.pausedSinceMs) {
    if (sinceMs + config.unreadTimeoutMs <= nowMs) expire(state, task, Reason.unread, commands);
  }
}

/**
 * From when a task's time-out counts: its arrival, or its last grant when it came back. Behind the first task of a list that was
 * never granted nobody is due before it, so walks end there.
 */
export function waitsSinceMs(state: SchedulerState, task: number): number {
  return state.tasks.attempts[task]! > 0 ? state.tasks.grantsMs[task]! : state.tasks.arrivalsMs[task]!;
}

function expire(state: SchedulerState, task: number, reason: Reason, commands: CommandBuffer): void {
  const waits = state.tasks.states[task] === TaskState.submitted || state.tasks.states[task] === TaskState.queued;
  if (waits) settle(state, task, Outcome.expired, reason, commands);
  else settleAndStop(state, task, Outcome.expired, reason, commands);
}

/** Asks to be woken at the next instant that matters, when that is another one than before. */
export function askToWake(state: SchedulerState, commands: CommandBuffer): void {
  const wakeAtMs = nextInstantMs(state);
  if (wakeAtMs === state.wakeAtMs) return;
  state.wakeAtMs = wakeAtMs;
  commands.push(CommandKind.wakeAt, wakeAtMs);
}

function nextInstantMs(state: SchedulerState): number {
  const { tasks, queue, config } = state;
  let nextMs = Number.POSITIVE_INFINITY;
  const soonest = state.deadlines.peek();
  if (soonest !== NONE) nextMs = tasks.deadlineKeysMs[soonest]!;
  for (let index = 0; index < queue.shapes.length; index++) {
    const { timeoutMs } = config.classes[state.shapes.all[index]!.classIndex]!;
    for (let task = queue.shapes[index]!.first; task !== NONE; task = tasks.next[task]!) {
      nextMs = Math.min(nextMs, waitsSinceMs(state, task) + timeoutMs);
      if (tasks.attempts[task] === 0) break;
    }
  }
  for (const sinceMs of state.pausedSinceMs.values()) nextMs = Math.min(nextMs, sinceMs + config.unreadTimeoutMs);
  for (const model of state.models) if (model.phase === 'waiting') nextMs = Math.min(nextMs, model.restartAtMs);
  return nextMs;
}
