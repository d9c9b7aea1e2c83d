/**
 * Who runs next: the precedence of the product, in one place. The earlier rule wins.
 *
 * 1. The ledger: what does not fit is not looked at.
 * 2. Slots kept for a class: part of what fits.
 * 3. Overdue tasks: while one fits, every n-th grant on its pools goes to the oldest.
 * 4. The share: the tenant with the smallest key among those with a task that fits.
 * 5. The order: inside the tenant, the head with the largest score.
 *
 * Work conservation: `grantAll` returns only when no waiting task fits.
 * Cost: O(shapes) to choose, O(log n) to grant.
 */
import { invariant } from '../base/errors.js';
import { type CommandBuffer, CommandKind } from '../event/index.js';
import type { DemandShape } from '../resource/index.js';
import { NONE, TaskState, transition } from '../task/index.js';
import { leaveQueue } from './settle.js';
import { Rule, type SchedulerState } from './state.js';

/** Grants until nothing that waits fits. */
export function grantAll(state: SchedulerState, nowMs: number, commands: CommandBuffer): void {
  if (!state.mayGrant) return;
  state.mayGrant = false;
  while (grantNext(state, nowMs, commands));
}

function grantNext(state: SchedulerState, nowMs: number, commands: CommandBuffer): boolean {
  const overdue = oldestOverdue(state, nowMs);
  if (overdue !== NONE) {
    grant(state, overdue, Rule.overdue, nowMs, commands);
    return true;
  }

  // The tenant to serve: over admissible shapes, the flow with the smallest share key.
  let tenant = NONE;
  let leastKey = Number.POSITIVE_INFINITY;
  let tenants = 0;
  const { shapes } = state.queue;
  for (let index = 0; index < shapes.length; index++) {
    const flow = shapes[index]!.flows.peek();
    if (flow === undefined || !state.ledger.fits(state.shapes.all[index]!)) continue;
    if (flow.tenant !== tenant || shapes[index]!.flows.size > 1) tenants++;
    if (tenant === NONE || flow.shareKey < leastKey || (flow.shareKey === leastKey && flow.tenant < tenant)) {
      tenant = flow.tenant;
      leastKey = flow.shareKey;
    }
  }
  if (tenant === NONE) return false;

  const task = bestOfTenant(state, tenant, nowMs);
  grant(state, task, tenants > 1 ? Rule.share : Rule.order, nowMs, commands);
  return true;
}

/** The oldest task past its class's bound that fits and whose turn it is, or NONE. */
function oldestOverdue(state: SchedulerState, nowMs: number): number {
  const { tasks, queue, config } = state;
  let oldest = NONE;
  for (let index = 0; index < queue.shapes.length; index++) {
    const waiting = queue.shapes[index]!;
    if (waiting.queued === 0) continue;
    const shape = state.shapes.all[index]!;
    const boundMs = config.classes[shape.classIndex]!.boundMs;
    let task = waiting.first;
    // Tasks whose size is still unknown stand in the list but cannot be granted.
    while (task !== NONE && tasks.states[task] !== TaskState.queued) task = tasks.next[task]!;
    if (task === NONE || nowMs - tasks.arrivalsMs[task]! < boundMs) continue;
    if (oldest !== NONE && tasks.sequences[task]! > tasks.sequences[oldest]!) continue;
    if (isOverdueTurn(state, shape) && state.ledger.fits(shape)) oldest = task;
  }
  return oldest;
}

function isOverdueTurn(state: SchedulerState, shape: DemandShape): boolean {
  for (const pool of shape.pools) {
    if (state.ledger.pools[pool]!.grantsSinceOverdue + 1 < state.config.overdueEvery) return false;
  }
  return true;
}

function bestOfTenant(state: SchedulerState, tenant: number, nowMs: number): number {
  const { tasks, queue, config } = state;
  let best = NONE;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < queue.shapes.length; index++) {
    const flow = queue.flowOf(tenant, index);
    if (flow === undefined || !state.ledger.fits(state.shapes.all[index]!)) continue;
    for (const lane of flow.lanes) {
      const task = lane.peek();
      if (task === NONE) continue;
      const score = config.order.score?.(tasks, task, nowMs) ?? tasks.keys[task]!;
      const earlier = best === NONE || tasks.sequences[task]! < tasks.sequences[best]!;
      if (score > bestScore || (score === bestScore && earlier)) {
        best = task;
        bestScore = score;
      }
    }
  }
  invariant(best !== NONE, 'a tenant with a flow that fits has a task to grant');
  return best;
}

function grant(state: SchedulerState, task: number, rule: Rule, nowMs: number, commands: CommandBuffer): void {
  const { tasks, ledger, config } = state;
  const shape = state.shapes.all[tasks.shapes[task]!]!;
  const model = state.models[tasks.models[task]!]!;
  const decidedBy = ledger.fitsByKeeping(shape) ? Rule.kept : rule;
  leaveQueue(state, task);
  ledger.take(shape);
  tasks.leased[task] = 1;
  tasks.attempts[task]!++;
  tasks.grantsMs[task] = nowMs;
  transition(tasks.states, task, TaskState.granted);
  state.running++;
  state.grantsByRule[decidedBy]!++;
  for (const index of shape.pools) {
    const pool = ledger.pools[index]!;
    pool.grantsSinceOverdue = rule === Rule.overdue ? 0 : pool.grantsSinceOverdue + 1;
  }
  if (tasks.deadlineAt[task] !== NONE) {
    // Started in time: from now on only the deadline itself ends it.
    tasks.deadlineKeysMs[task] = tasks.deadlinesMs[task]!;
    state.deadlines.update(task);
  }

  const slot = model.chooseSlot(tasks.sessions[task]!);
  invariant(slot !== NONE, `model ${model.name} has a slot lease but no free slot`);
  model.slotTask[slot] = task;
  tasks.slots[task] = slot;
  const tenant = state.queueTenant(tasks.tenants[task]!);
  // A task that is tried again has paid for its prompt: its engine's death is not its tenant's doing.
  if (tasks.attempts[task] === 1 && config.share.granted(tenant, Math.max(0, tasks.promptTokens[task]!))) {
    state.queue.reshare(tenant, config.share.key(tenant));
  }
  commands.push(CommandKind.start, task, model.index, slot, state.urgency(task));
}
