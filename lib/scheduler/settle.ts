/** Ending tasks: the one place where an outcome is given and the one place where a lease is returned. */
import { type CommandBuffer, CommandKind } from '../event/index.js';
import { NONE, type Outcome, Outcome as Outcomes, Reason, TaskState, transition } from '../task/index.js';
import type { SchedulerState } from './state.js';

/** Gives `task` its outcome. A task in a slot keeps its lease until {@link releaseLease}. */
export function settle(
  state: SchedulerState,
  task: number,
  outcome: Outcome,
  reason: Reason,
  commands: CommandBuffer,
): void {
  const { tasks } = state;
  if (tasks.leased[task] === 1) state.running--;
  else leaveQueue(state, task);
  if (tasks.deadlineAt[task] !== NONE) state.deadlines.remove(task);
  state.pausedSinceMs.delete(task);
  transition(tasks.states, task, TaskState.settled);
  state.outcomes[outcome]!++;
  commands.push(CommandKind.settled, task, outcome, reason);
  if (tasks.leased[task] === 0) free(state, task, commands);
}

/** Takes a waiting task out of the queue and out of the counts. */
export function leaveQueue(state: SchedulerState, task: number): void {
  const { tasks, queue } = state;
  const tenant = state.queueTenant(tasks.tenants[task]!);
  const wasQueued = tasks.orderAt[task] !== NONE;
  queue.remove(task, tenant);
  state.waitingByClass[tasks.classes[task]!]!--;
  if (wasQueued && !queue.hasQueued(tenant)) state.config.share.emptied(tenant);
}

/** Returns a task's lease and slot. `heldTokens` stay in the slot for the next turn of the session. */
export function releaseLease(state: SchedulerState, task: number, heldTokens: number, nowMs: number): void {
  const { tasks } = state;
  const model = state.models[tasks.models[task]!]!;
  const slot = tasks.slots[task]!;
  state.ledger.release(state.shapes.all[tasks.shapes[task]!]!);
  tasks.leased[task] = 0;
  tasks.slots[task] = NONE;
  model.slotTask[slot] = NONE;
  model.slotHeld[slot] = heldTokens;
  model.slotSession[slot] = heldTokens > 0 ? tasks.sessions[task]! : 0;
  model.slotUsedMs[slot] = nowMs;
  state.mayGrant = true;
}

/** The index of a settled task without a lease can be used again. */
export function free(state: SchedulerState, task: number, commands: CommandBuffer): void {
  transition(state.tasks.states, task, TaskState.free);
  state.tasks.release(task);
  commands.push(CommandKind.freed, task);
}

/** Settles a task in a slot and tells its backend to stop; the lease returns with the `ended` event. */
export function settleAndStop(
  state: SchedulerState,
  task: number,
  outcome: Outcome,
  reason: Reason,
  commands: CommandBuffer,
): void {
  settle(state, task, outcome, reason, commands);
  commands.push(CommandKind.stop, task, state.tasks.models[task]!);
}

/** Its caller does not want it any more. No effect on a settled task. */
export function cancel(state: SchedulerState, task: number, commands: CommandBuffer): void {
  switch (state.tasks.states[task]) {
    case TaskState.submitted:
    case TaskState.queued:
      settle(state, task, Outcomes.cancelled, Reason.reported, commands);
      return;
    case TaskState.granted:
    case TaskState.running:
    case TaskState.paused:
      settleAndStop(state, task, Outcomes.cancelled, Reason.reported, commands);
      return;
    default:
  }
}
