/**
 * What time alone changes: deadlines, time-outs, back-offs, rate windows, drains. A timer is a command that comes back as an event.
 *
 * `state.nextMs` is a lower bound of the next such instant: whoever sets an instant lowers it, and only when it is reached everything
 * is looked at, and the bound found anew. So an event costs nothing here, and a driver re-arms its timer rarely. It may be woken for
 * nothing.
 */
import { type CommandBuffer, CommandKind } from '../event/index.js';
import { Aside, Hold, NONE, Outcome, Reason, TaskState } from '../task/index.js';
import { enterQueue } from './enqueue.js';
import { lapseReservations } from './reservation.js';
import { end, isStarted } from './settle.js';
import type { SchedulerState } from './state.js';

/** Carries out everything whose time has come. */
export function expireDue(state: SchedulerState, commands: CommandBuffer): void {
  if (state.nowMs < state.nextMs) return;
  state.nextMs = Number.POSITIVE_INFINITY;
  rollWindows(state);
  reachInstants(state, commands);
  endLongWaits(state, commands);
  endUnread(state, commands);
  for (const model of state.models) if (model.phase === 'waiting') state.noteInstant(model.restartAtMs);
  if (state.reservations.length > 0) lapseReservations(state);
}

/** Asks to be woken at the next instant that matters, when that is sooner than before. */
export function askToWake(state: SchedulerState, commands: CommandBuffer): void {
  if (state.nextMs >= state.wakeAtMs) return;
  state.wakeAtMs = state.nextMs;
  commands.push(CommandKind.wakeAt, state.wakeAtMs);
}

/**
 * From when a task's time-out counts: its arrival, or when it came back. Behind the first task of a list that was
 * never granted nobody is due before it, so walks end there.
 */
export function waitsSinceMs(state: SchedulerState, task: number): number {
  return state.tasks.attempts[task]! > 0 ? state.tasks.grantsMs[task]! : state.tasks.arrivalsMs[task]!;
}

function rollWindows(state: SchedulerState): void {
  for (const window of state.windows) {
    if (window.nextRollMs() <= state.nowMs) {
      window.roll(state.nowMs);
      state.mayGrant = true;
    }
    state.noteInstant(window.nextRollMs());
  }
}

function reachInstants(state: SchedulerState, commands: CommandBuffer): void {
  const { tasks, instants, nowMs } = state;
  for (;;) {
    const task = instants.peek();
    if (task === NONE) return;
    const atMs = instants.keyOf(task);
    if (atMs > nowMs) {
      state.noteInstant(atMs);
      return;
    }
    const backsOff = tasks.states[task] === TaskState.submitted && tasks.holds[task] === Hold.backOff;
    const isOver = tasks.deadlinesMs[task]! <= nowMs || tasks.attempts[task] === 0;
    if (backsOff && !isOver && tasks.keys[task]! <= nowMs) enterQueue(state, task);
    else if (isStarted(state, task) && tasks.deadlinesMs[task]! > nowMs)
      end(state, task, Outcome.failed, Reason.timedOut, commands);
    else end(state, task, Outcome.expired, Reason.deadlinePassed, commands);
  }
}

function endLongWaits(state: SchedulerState, commands: CommandBuffer): void {
  const { tasks, queue, config, nowMs } = state;
  for (let index = 0; index < queue.shapes.length; index++) {
    const waiting = queue.shapes[index]!;
    if (waiting.first === NONE) continue;
    const { timeoutMs } = config.classes[state.shapes.all[index]!.classIndex]!;
    let task = waiting.first;
    while (task !== NONE) {
      if (tasks.asides[task] === Aside.away) {
        task = tasks.next[task]!;
        continue;
      }
      const dueMs = waitsSinceMs(state, task) + timeoutMs;
      const wasGranted = tasks.attempts[task]! > 0;
      if (dueMs > nowMs) {
        state.noteInstant(dueMs);
        if (!wasGranted) break;
        task = tasks.next[task]!;
        continue;
      }
      // Ending one may end others with it: its children, its gang.
      end(state, task, Outcome.expired, Reason.queueTimeout, commands);
      task = waiting.first;
    }
  }
}

function endUnread(state: SchedulerState, commands: CommandBuffer): void {
  for (const [task, sinceMs] of state.pausedSinceMs) {
    const dueMs = sinceMs + state.config.unreadTimeoutMs;
    if (dueMs <= state.nowMs) end(state, task, Outcome.expired, Reason.unread, commands);
    else state.noteInstant(dueMs);
  }
}
