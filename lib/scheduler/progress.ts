/** What running tasks report: tokens, ends, and readers that cannot keep up. */
import { type CommandBuffer, CommandKind, type SchedulerEvent } from '../event/index.js';
import { type Outcome, Outcome as Outcomes, Reason, TaskState, transition } from '../task/index.js';
import { turnDown } from './admission.js';
import { free, releaseLease, settle } from './settle.js';
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
    if (tasks.states[task] === TaskState.granted) transition(tasks.states, task, TaskState.running);
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
export function ended(state: SchedulerState, event: SchedulerEvent, nowMs: number, commands: CommandBuffer): void {
  const { tasks } = state;
  const { task } = event;
  if (!tasks.isLive(task)) return;
  if (tasks.leased[task] === 0) {
    turnDown(state, event, commands);
    return;
  }
  const model = state.models[tasks.models[task]!]!;
  model.cachedTokens += event.cachedTokens;
  if (!Number.isNaN(state.lastEndMs)) {
    // Idle hours say nothing about how fast work ends.
    const gapMs = Math.min(nowMs - state.lastEndMs, END_GAP_MS_MAX);
    state.endGapMs += (gapMs - state.endGapMs) / 16;
  }
  state.lastEndMs = nowMs;
  if (tasks.states[task] !== TaskState.settled) {
    if (event.outcome === Outcomes.completed) model.predictor.completed(tasks.outputTokens[task]!);
    settle(state, task, event.outcome as Outcome, Reason.reported, commands);
  }
  releaseLease(state, task, event.heldTokens, nowMs);
  free(state, task, commands);
}

export function pause(state: SchedulerState, task: number, nowMs: number, commands: CommandBuffer): void {
  const { tasks } = state;
  if (!tasks.isLive(task) || tasks.states[task] !== TaskState.running) return;
  transition(tasks.states, task, TaskState.paused);
  state.pausedSinceMs.set(task, nowMs);
  commands.push(CommandKind.hold, task, tasks.models[task]!);
}

export function resume(state: SchedulerState, task: number, commands: CommandBuffer): void {
  const { tasks } = state;
  if (!tasks.isLive(task) || tasks.states[task] !== TaskState.paused) return;
  transition(tasks.states, task, TaskState.running);
  state.pausedSinceMs.delete(task);
  commands.push(CommandKind.proceed, task, tasks.models[task]!);
}
