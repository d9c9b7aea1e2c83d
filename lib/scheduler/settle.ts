/** Ending tasks: the one place where an outcome is given and the one place where a lease is returned. */
import { type CommandBuffer, CommandKind } from '../event/index.js';
import { Aside, Hold, NONE, type Outcome, Outcome as Outcomes, Reason, TaskState } from '../task/index.js';
import { makeUngrantable, settleGroup, waitingWork } from './enqueue.js';
import type { Gang } from './gangs.js';
import type { SchedulerState } from './state.js';

/** Gives `task` its outcome. A task with a lease keeps it until {@link releaseLease}; one that was started is freed by whoever calls this. */
export function settle(
  state: SchedulerState,
  task: number,
  outcome: Outcome,
  reason: Reason,
  commands: CommandBuffer,
): void {
  const { tasks } = state;
  const hasStarted = isStarted(state, task);
  const gang = hasStarted ? undefined : state.gangs.of(task);
  if (hasStarted) state.running--;
  if (tasks.leased[task] === 0 && tasks.states[task] !== TaskState.awaiting) leaveQueue(state, task);
  creditRun(state, task);
  state.setInstant(task, Number.POSITIVE_INFINITY);
  state.pausedSinceMs.delete(task);
  tasks.move(task, TaskState.settled);
  state.outcomes[outcome]!++;
  commands.push(CommandKind.settled, task, outcome, reason);
  state.families.settled(task);
  if (outcome !== Outcomes.completed) endChildren(state, task, commands);
  if (!hasStarted) free(state, task, commands);
  if (gang !== undefined) breakGang(state, gang, commands);
}

/** Does its backend or function work on it, whether it holds its lease or has given it back for a while? */
export function isStarted({ tasks }: SchedulerState, task: number): boolean {
  return tasks.leased[task] === 1 || tasks.asides[task] === Aside.away;
}

/** Of a model's work the runs above it bear what it took, and not what it might have taken. */
function creditRun(state: SchedulerState, task: number): void {
  const { tasks } = state;
  if (tasks.models[task] === NONE) return;
  const kin = state.families.of(task);
  if (kin?.parent === undefined) return;
  const took = tasks.attempts[task] === 0 ? 0 : Math.max(0, tasks.promptTokens[task]!) + tasks.outputTokens[task]!;
  state.families.charge(kin, took - kin.charged);
}

/** Takes a waiting task out of the queue, out of its group's count and out of the counts. */
export function leaveQueue(state: SchedulerState, task: number): void {
  const { tasks } = state;
  const group = state.groups.of(task);
  const wasQueued = tasks.states[task] === TaskState.queued;
  if (wasQueued) {
    makeUngrantable(state, task);
    // It may have stood before one that can start.
    state.mayGrant = true;
  } else if (tasks.holds[task] === Hold.group) group!.held.remove(task);
  stopWaiting(state, task);
  if (group !== undefined && wasQueued) {
    group.queued.delete(task);
    group.inside--;
    settleGroup(state, group);
  }
}

/** Takes a task, which is in no order heap, out of its arrival list and out of the counts. */
export function stopWaiting(state: SchedulerState, task: number): void {
  const { tasks } = state;
  const classIndex = tasks.classes[task]!;
  state.queue.delist(task);
  if (tasks.asides[task] === Aside.away) return;
  const waiting = --state.waitingByClass[classIndex]!;
  // Sums of fractions do not come back to nought by themselves.
  state.waitingWorkByClass[classIndex] =
    waiting === 0 ? 0 : state.waitingWorkByClass[classIndex]! - waitingWork(state, task);
}

/** Returns a task's lease and slot. `heldTokens` stay in the slot for the next turn of the session. */
export function releaseLease(state: SchedulerState, task: number, heldTokens: number): void {
  const { tasks, ledger } = state;
  const classIndex = tasks.classes[task]!;
  ledger.release(state.leaseOf(task), classIndex);
  const grown = state.grown.get(task);
  if (grown !== undefined) {
    ledger.release(grown, classIndex);
    state.grown.delete(task);
  }
  state.leases.remove(task);
  tasks.leased[task] = 0;
  if (tasks.models[task] !== NONE) {
    const model = state.models[tasks.models[task]!]!;
    const slot = tasks.slots[task]!;
    tasks.slots[task] = NONE;
    model.slotTask[slot] = NONE;
    model.slotHeld[slot] = heldTokens;
    model.slotSession[slot] = heldTokens > 0 ? tasks.sessions[task]! : 0;
    model.slotUsedMs[slot] = state.nowMs;
  }
  const group = state.groups.of(task);
  if (group !== undefined) {
    group.inside--;
    settleGroup(state, group);
  }
  state.mayGrant = true;
}

/** The index of a settled task without a lease can be used again. */
export function free(state: SchedulerState, task: number, commands: CommandBuffer): void {
  const { tasks } = state;
  state.families.forget(task);
  state.groups.leave(task);
  state.demands[tasks.demands[task]!]!.uses--;
  tasks.move(task, TaskState.free);
  tasks.release(task);
  commands.push(CommandKind.freed, task);
}

/**
 * Settles a task that was started and tells its backend to stop. The lease returns with the `ended` event: what runs holds what it holds
 * until it has really ended. Except where the configuration says otherwise: then there will be no such event.
 */
export function settleAndStop(
  state: SchedulerState,
  task: number,
  outcome: Outcome,
  reason: Reason,
  commands: CommandBuffer,
): void {
  settle(state, task, outcome, reason, commands);
  const model = state.tasks.models[task]!;
  commands.push(CommandKind.stop, task, model);
  if (model !== NONE || !state.config.leaseEndsAtTimeout) return;
  if (state.tasks.leased[task] === 1) releaseLease(state, task, 0);
  free(state, task, commands);
}

/** Settles an open task, wherever it is. */
export function end(
  state: SchedulerState,
  task: number,
  outcome: Outcome,
  reason: Reason,
  commands: CommandBuffer,
): void {
  if (isStarted(state, task)) settleAndStop(state, task, outcome, reason, commands);
  else settle(state, task, outcome, reason, commands);
}

/** Ends a task wherever it is. No effect on a settled one. */
export function cancel(state: SchedulerState, task: number, reason: Reason, commands: CommandBuffer): void {
  switch (state.tasks.states[task]) {
    case TaskState.submitted:
    case TaskState.queued:
    case TaskState.granted:
    case TaskState.running:
    case TaskState.paused:
    case TaskState.awaiting:
      end(state, task, Outcomes.cancelled, reason, commands);
      return;
    default:
  }
}

/**
 * A gang that has not started loses a member: the others cannot start together any more.
 * @param missing - members that are still to be submitted, to be refused when they come
 */
export function breakGang(
  state: SchedulerState,
  gang: Gang,
  commands: CommandBuffer,
  missing = gang.size - gang.members.length,
): void {
  const { tasks, gangs } = state;
  const members = gang.members.filter((member) => gangs.of(member) === gang);
  gangs.expectBroken(gang.number, missing);
  gangs.dissolve(gang);
  for (const member of members) {
    const waits = tasks.states[member] === TaskState.submitted || tasks.states[member] === TaskState.queued;
    if (waits) settle(state, member, Outcomes.cancelled, Reason.gangBroken, commands);
  }
}

/** The work that a task without success had begun through others is not wanted any more. */
function endChildren(state: SchedulerState, task: number, commands: CommandBuffer): void {
  const kin = state.families.of(task);
  if (kin === undefined) return;
  for (const child of [...kin.children]) cancel(state, child, Reason.parentEnded, commands);
}
