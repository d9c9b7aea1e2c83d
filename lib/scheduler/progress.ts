/** What running tasks report: tokens, ends, wishes for more, and readers that cannot keep up. */
import { type CommandBuffer, CommandKind, type SchedulerEvent } from '../event/index.js';
import { makeDemand, sumOfDemands } from '../resource/index.js';
import { NONE, type Outcome, Outcome as Outcomes, Reason, TaskState } from '../task/index.js';
import { turnDown } from './admission.js';
import { mayRetry, retry } from './retry.js';
import { free, isStarted, releaseLease, settle } from './settle.js';
import type { SchedulerState } from './state.js';

const END_GAP_MS_MAX = 60_000;

/** One engine step: everybody's tokens are charged to their tenants. */
export function progress(state: SchedulerState, event: SchedulerEvent): void {
  const { tasks, config } = state;
  const model = state.models[event.model]!;
  model.deaths = 0;
  for (let i = 0; i < event.count; i++) {
    const task = event.tasks[i]!;
    if (!tasks.isLive(task) || tasks.leased[task] !== 1) continue;
    if (tasks.states[task] === TaskState.granted) tasks.move(task, TaskState.running);
    const generated = event.generated[i]!;
    model.promptTokens += event.prefilled[i]!;
    if (generated === 0) continue;
    tasks.outputTokens[task]! += generated;
    model.outputTokens += generated;
    const tenant = state.queueTenant(tasks.tenants[task]!);
    if (config.share.used(tenant, generated)) state.queue.reshare(tenant, config.share.key(tenant));
  }
}

/** A task ended where it ran, or was turned down before it ran. */
export function ended(state: SchedulerState, event: SchedulerEvent, commands: CommandBuffer): void {
  const { tasks, nowMs } = state;
  const { task } = event;
  if (!isStarted(state, task)) {
    turnDown(state, event, commands);
    return;
  }
  if (!Number.isNaN(state.lastEndMs)) {
    // Idle hours say nothing about how fast work ends.
    const gapMs = Math.min(nowMs - state.lastEndMs, END_GAP_MS_MAX);
    state.endGapMs += (gapMs - state.endGapMs) / 16;
  }
  state.lastEndMs = nowMs;
  const boundMs = tasks.boundsMs[task]!;
  if (boundMs > 0 && nowMs > tasks.grantsMs[task]! + boundMs) state.boundOverruns++;
  const model = tasks.models[task] === NONE ? undefined : state.models[tasks.models[task]!]!;
  if (model !== undefined) model.cachedTokens += event.cachedTokens;
  if (tasks.states[task] !== TaskState.settled) {
    if (event.outcome === Outcomes.failed && mayRetry(state, task, event.retryInMs)) {
      retry(state, task, event.retryInMs, commands);
      return;
    }
    if (event.outcome === Outcomes.completed) model?.predictor.completed(tasks.outputTokens[task]!);
    settle(state, task, event.outcome as Outcome, Reason.reported, commands);
  }
  if (tasks.leased[task] === 1) releaseLease(state, task, event.heldTokens);
  free(state, task, commands);
}

export function pause(state: SchedulerState, task: number, commands: CommandBuffer): void {
  const { tasks } = state;
  if (tasks.states[task] !== TaskState.running) return;
  tasks.move(task, TaskState.paused);
  state.pausedSinceMs.set(task, state.nowMs);
  state.noteInstant(state.nowMs + state.config.unreadTimeoutMs);
  commands.push(CommandKind.hold, task, tasks.models[task]!);
}

export function resume(state: SchedulerState, task: number, commands: CommandBuffer): void {
  const { tasks } = state;
  if (tasks.states[task] !== TaskState.paused) return;
  tasks.move(task, TaskState.running);
  state.pausedSinceMs.delete(task);
  commands.push(CommandKind.proceed, task, tasks.models[task]!);
}

/**
 * A running task wants more of a pool. It gets it at once or not at all: whoever waits for more while holding something can wait in a
 * circle with another that does the same. What others have reserved it does not get.
 */
export function grow(state: SchedulerState, event: SchedulerEvent, commands: CommandBuffer): void {
  const { tasks, nowMs } = state;
  const { task, amount } = event;
  const pool = state.ledger.pools[event.pool];
  const classIndex = tasks.classes[task]!;
  const runs = tasks.isLive(task) && tasks.leased[task] === 1 && tasks.states[task] !== TaskState.settled;
  const fits =
    runs && pool !== undefined && amount > 0 && pool.reservedFor === NONE && pool.freeFor(classIndex) >= amount;
  if (fits) {
    const more = makeDemand([event.pool], [amount]);
    state.ledger.take(more, classIndex, nowMs);
    state.noteInstant(pool.nextRollMs());
    const before = state.grown.get(task);
    // What it took of one pool is given back at once, and counts as one hold on it.
    if (before?.pools.includes(event.pool) === true) pool.holders--;
    state.grown.set(task, before === undefined ? more : sumOfDemands([before, more]));
  }
  commands.push(CommandKind.grew, task, fits ? 1 : 0);
}
