/** May a task enter, and where does it wait? */
import { type CommandBuffer, CommandKind, type SchedulerEvent } from '../event/index.js';
import { clampServiceSeconds } from '../predictor/index.js';
import { Outcome, Reason, TaskState, transition } from '../task/index.js';
import { settle } from './settle.js';
import type { SchedulerState } from './state.js';

/** The column holds 32-bit integers; no context is as long. */
const OUTPUT_LIMIT_MAX = 2 ** 31 - 1;
const RETRY_AFTER_MS_MIN = 1_000;
const RETRY_AFTER_MS_MAX = 60_000;

/** Answers with exactly one `admitted` or `refused`. */
export function submit(state: SchedulerState, event: SchedulerEvent, nowMs: number, commands: CommandBuffer): void {
  const { config, tasks } = state;
  const model = state.models[event.model]!;
  const settings = config.classes[event.classIndex]!;
  const waiting = state.waitingByClass[event.classIndex]!;
  const refusal =
    model.phase === 'failed'
      ? Reason.backendFailed
      : waiting >= settings.queueLimit
        ? Reason.queueFull
        : serviceSeconds(state, event) * 1_000 > event.deadlineMs - nowMs
          ? Reason.deadlineInfeasible
          : undefined;
  if (refusal !== undefined) {
    state.outcomes[Outcome.refused]!++;
    const retryAfterMs = Math.min(RETRY_AFTER_MS_MAX, Math.max(RETRY_AFTER_MS_MIN, state.endGapMs));
    commands.push(CommandKind.refused, refusal, waiting, settings.queueLimit, retryAfterMs);
    return;
  }

  const task = tasks.allocate();
  tasks.classes[task] = event.classIndex;
  tasks.tenants[task] = event.tenant;
  tasks.models[task] = event.model;
  tasks.priorities[task] = event.priority;
  tasks.sessions[task] = event.session;
  tasks.promptTokens[task] = event.promptTokens;
  tasks.outputLimits[task] = Math.min(event.outputLimit, OUTPUT_LIMIT_MAX);
  tasks.sequences[task] = state.sequence++;
  tasks.arrivalsMs[task] = nowMs;
  tasks.deadlinesMs[task] = event.deadlineMs;
  tasks.sizes[task] = event.size;
  tasks.serviceSeconds[task] = event.serviceSeconds;
  tasks.shapes[task] = state.shapes.intern(event.classIndex, event.model, [model.pool], [1]).index;
  state.waitingByClass[event.classIndex]!++;
  state.queue.enlist(task);
  if (event.deadlineMs < Number.POSITIVE_INFINITY) {
    tasks.deadlineKeysMs[task] = event.deadlineMs;
    state.deadlines.push(task);
  }
  commands.push(CommandKind.admitted, task);
  if (event.promptTokens >= 0) enterQueue(state, task);
  else transition(tasks.states, task, TaskState.submitted);
}

/** The prompt has been counted: the task may be granted now. */
export function sized(state: SchedulerState, event: SchedulerEvent): void {
  const { tasks } = state;
  if (tasks.states[event.task] !== TaskState.submitted) return;
  tasks.promptTokens[event.task] = event.promptTokens;
  enterQueue(state, event.task);
}

/** Gives a listed task its estimate, key and lane, and makes it grantable. Also the way back for one that is tried again. */
export function enterQueue(state: SchedulerState, task: number): void {
  const { config, tasks, queue } = state;
  const { order, share } = config;
  const promptTokens = tasks.promptTokens[task]!;
  const outputLimit = tasks.outputLimits[task]!;
  if (Number.isNaN(tasks.sizes[task])) tasks.sizes[task] = promptTokens + outputLimit;
  const declared = tasks.serviceSeconds[task]!;
  tasks.serviceSeconds[task] = Number.isNaN(declared)
    ? state.models[tasks.models[task]!]!.predictor.estimate(promptTokens, outputLimit)
    : clampServiceSeconds(declared);
  tasks.lanes[task] = order.lane?.(tasks, task) ?? 0;
  tasks.keys[task] = order.key(tasks, task, state.urgency(task));
  if (tasks.deadlineAt[task] !== -1) {
    // The last instant at which starting it makes sense.
    tasks.deadlineKeysMs[task] = tasks.deadlinesMs[task]! - tasks.serviceSeconds[task]! * 1_000;
    state.deadlines.update(task);
  }
  transition(tasks.states, task, TaskState.queued);
  const tenant = state.queueTenant(tasks.tenants[task]!);
  if (share.single !== true && !queue.hasQueued(tenant)) share.activated(tenant, shareFloor(state));
  queue.enqueue(task, tenant, share.key(tenant));
  state.mayGrant = true;
}

/** Turns down a task that was admitted but cannot be done as asked (too long, not possible with this model). */
export function turnDown(state: SchedulerState, event: SchedulerEvent, commands: CommandBuffer): void {
  settle(state, event.task, event.outcome as Outcome, Reason.reported, commands);
}

/** The smallest share key among tenants that wait; undefined when none does. */
function shareFloor(state: SchedulerState): number | undefined {
  let floor: number | undefined;
  for (const shape of state.queue.shapes) {
    const flow = shape.flows.peek();
    if (flow !== undefined && (floor === undefined || flow.shareKey < floor)) floor = flow.shareKey;
  }
  return floor;
}

function serviceSeconds(state: SchedulerState, event: SchedulerEvent): number {
  if (!Number.isNaN(event.serviceSeconds)) return clampServiceSeconds(event.serviceSeconds);
  return state.models[event.model]!.predictor.estimate(Math.max(0, event.promptTokens), event.outputLimit);
}
