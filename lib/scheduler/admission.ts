/** May a task enter, and where does it wait? */
import { type CommandBuffer, CommandKind, type SchedulerEvent } from '../event/index.js';
import { clampServiceSeconds } from '../predictor/index.js';
import { type Demand, sumOfDemands } from '../resource/index.js';
import { Hold, NONE, Outcome, Reason, TaskState } from '../task/index.js';
import { enterQueue, estimate, place, startByMs, waitingWork } from './enqueue.js';
import { hasBudget } from './families.js';
import { breakGang, settle } from './settle.js';
import type { SchedulerState } from './state.js';

/** The columns hold 32-bit integers; no context is as long, and no bound or time-out that matters. */
const INT_MAX = 2 ** 31 - 1;
const RETRY_AFTER_MS_MIN = 1_000;
const RETRY_AFTER_MS_MAX = 60_000;

/** What a refusal says: a reason and up to three figures (see CommandKind.refused). */
interface Refusal {
  readonly reason: Reason;
  readonly b?: number;
  readonly c?: number;
  readonly d?: number;
}

/** Answers with exactly one `admitted` or `refused`. */
export function submit(state: SchedulerState, event: SchedulerEvent, commands: CommandBuffer): void {
  const gang = event.model === NONE ? event.gang : 0;
  const classIndex = classOf(state, event);
  const refusal = refusalOf(state, event, classIndex);
  if (refusal !== undefined) {
    state.outcomes[Outcome.refused]!++;
    commands.push(CommandKind.refused, refusal.reason, refusal.b, refusal.c, refusal.d);
    if (gang !== 0) refuseGang(state, event, commands);
    return;
  }
  const { tasks, config } = state;
  const task = tasks.allocate();
  const { parent } = event;
  const deadlineMs = deadlineOf(state, event);
  tasks.classes[task] = classIndex;
  tasks.tenants[task] = parent === NONE ? event.tenant : tasks.tenants[parent]!;
  tasks.models[task] = event.model;
  tasks.demands[task] = event.demand === NONE ? event.model : event.demand;
  tasks.priorities[task] = event.priority;
  tasks.maxAttempts[task] = event.maxAttempts === 0 ? config.maxAttempts : event.maxAttempts;
  tasks.boundsMs[task] = Math.min(event.boundMs, INT_MAX);
  tasks.timeoutsMs[task] = Math.min(event.timeoutMs, INT_MAX);
  tasks.sequences[task] = state.sequence++;
  tasks.arrivalsMs[task] = state.nowMs;
  tasks.deadlinesMs[task] = deadlineMs;
  tasks.sizes[task] = event.size;
  tasks.serviceSeconds[task] = event.serviceSeconds;
  tasks.declares[task] = Number.isNaN(event.serviceSeconds) ? 0 : 1;
  if (event.model !== NONE) {
    tasks.slots[task] = NONE;
    tasks.sessions[task] = event.session;
    tasks.promptTokens[task] = event.promptTokens;
    tasks.outputLimits[task] = Math.min(event.outputLimit, INT_MAX);
    tasks.outputTokens[task] = 0;
  }
  state.demands[tasks.demands[task]!]!.uses++;
  state.retryBudget = Math.min(Math.max(1, config.retryBudgetMin), state.retryBudget + config.retryBudgetRatio);
  if (parent !== NONE) {
    const kin = state.families.founderOf(parent, tasks.sequences[parent]!);
    state.families.adopt(task, kin, workOf(event), event.budget);
  } else if (event.budget < Number.POSITIVE_INFINITY) {
    state.families.founderOf(task, tasks.sequences[task]!, event.budget);
  }
  state.waitingByClass[classIndex]!++;
  state.waitingWorkByClass[classIndex]! += waitingWork(state, task);
  place(state, task);
  state.queue.enlist(task);
  state.noteInstant(state.nowMs + config.classes[classIndex]!.timeoutMs);
  state.setInstant(task, deadlineMs);
  commands.push(CommandKind.admitted, task);
  if (gang !== 0) {
    joinGang(state, task, event);
  } else if (event.promptTokens < 0) {
    tasks.move(task, TaskState.submitted);
    tasks.holds[task] = Hold.size;
  } else {
    if (event.group !== 0 && state.groups.limit < Number.POSITIVE_INFINITY) state.groups.join(task, event.group);
    enterQueue(state, task);
  }
}

/** The prompt has been counted: the task may be granted now, if its run has budget for it. */
export function sized(state: SchedulerState, event: SchedulerEvent, commands: CommandBuffer): void {
  const { tasks } = state;
  const { task } = event;
  if (tasks.states[task] !== TaskState.submitted || tasks.holds[task] !== Hold.size) return;
  const kin = Number.isNaN(tasks.sizes[task]) ? state.families.of(task) : undefined;
  if (kin?.parent !== undefined) {
    if (!hasBudget(kin.parent.run, event.promptTokens)) {
      settle(state, task, Outcome.refused, Reason.overBudget, commands);
      return;
    }
    state.families.charge(kin, event.promptTokens);
  }
  state.waitingWorkByClass[tasks.classes[task]!]! -= waitingWork(state, task);
  tasks.promptTokens[task] = event.promptTokens;
  if (Number.isNaN(tasks.sizes[task])) tasks.sizes[task] = event.promptTokens + tasks.outputLimits[task]!;
  state.waitingWorkByClass[tasks.classes[task]!]! += waitingWork(state, task);
  enterQueue(state, task);
}

/** Turns down a task that was admitted but cannot be done as asked (too long, not possible with this model). */
export function turnDown(state: SchedulerState, event: SchedulerEvent, commands: CommandBuffer): void {
  settle(state, event.task, event.outcome as Outcome, Reason.reported, commands);
}

function refusalOf(state: SchedulerState, event: SchedulerEvent, classIndex: number): Refusal | undefined {
  const { config, tasks, ledger } = state;
  const settings = config.classes[classIndex]!;
  if (event.model !== NONE && state.models[event.model]!.phase === 'failed') return { reason: Reason.backendFailed };
  if (event.model === NONE && state.gangs.isBroken(event.gang)) return { reason: Reason.gangBroken };
  const { parent } = event;
  if (parent !== NONE) {
    if (!tasks.isLive(parent) || tasks.states[parent] === TaskState.settled) return { reason: Reason.parentEnded };
    const kin = state.families.of(parent);
    if ((kin?.depth ?? 0) >= config.maxDepth) return { reason: Reason.tooDeep };
    if (kin !== undefined && !hasBudget(kin.run, workOf(event))) return { reason: Reason.overBudget };
  }
  if (event.model === NONE) {
    const demand = demandWithGang(state, event);
    const pool = ledger.tooSmallFor(demand, classIndex);
    if (pool !== undefined) {
      const needed = demand.amounts[demand.pools.indexOf(pool)]!;
      return { reason: Reason.tooLarge, b: needed, c: ledger.pools[pool]!.capacityFor(classIndex), d: pool };
    }
  }
  const retryAfterMs = Math.min(RETRY_AFTER_MS_MAX, Math.max(RETRY_AFTER_MS_MIN, state.endGapMs));
  const waiting = state.waitingByClass[classIndex]!;
  if (waiting >= settings.queueLimit) {
    return { reason: Reason.queueFull, b: waiting, c: settings.queueLimit, d: retryAfterMs };
  }
  const work = state.waitingWorkByClass[classIndex]!;
  if (waiting > 0 && work + workOf(event) > settings.workLimit) {
    return { reason: Reason.workFull, b: work, c: settings.workLimit, d: retryAfterMs };
  }
  const deadlineMs = deadlineOf(state, event);
  if (deadlineMs < Number.POSITIVE_INFINITY && serviceSeconds(state, event) * 1_000 > deadlineMs - state.nowMs) {
    return { reason: Reason.deadlineInfeasible };
  }
  return undefined;
}

/** Members of a gang have the class of the first, or what is kept for a class would fit one of them and not another. */
function classOf(state: SchedulerState, event: SchedulerEvent): number {
  const leader = event.gang === 0 ? undefined : state.gangs.byNumber(event.gang)?.members[0];
  return leader === undefined ? event.classIndex : state.tasks.classes[leader]!;
}

/** A child has no more time than its parent. */
function deadlineOf(state: SchedulerState, event: SchedulerEvent): number {
  if (event.parent === NONE) return event.deadlineMs;
  return Math.min(event.deadlineMs, state.tasks.deadlinesMs[event.parent]!);
}

/** The work that is known at submission. */
function workOf(event: SchedulerEvent): number {
  return Number.isNaN(event.size) ? Math.max(0, event.promptTokens) + event.outputLimit : event.size;
}

/** What must fit at once: the task's own demand, or that of its gang if the task completes it. */
function demandWithGang(state: SchedulerState, event: SchedulerEvent): Demand {
  const own = state.demands[event.demand]!;
  const gang = event.gang === 0 ? undefined : state.gangs.byNumber(event.gang);
  if (gang === undefined || gang.members.length + 1 < gang.size) return own;
  return sumOfDemands([...gang.members.map((member) => state.demands[state.tasks.demands[member]!]!), own]);
}

/** The smallest time in which the task can be done, as far as anybody said or knows. */
function serviceSeconds(state: SchedulerState, event: SchedulerEvent): number {
  if (!Number.isNaN(event.serviceSeconds)) return clampServiceSeconds(event.serviceSeconds);
  if (event.model === NONE) return 0;
  return state.models[event.model]!.predictor.estimate(Math.max(0, event.promptTokens), event.outputLimit);
}

function joinGang(state: SchedulerState, task: number, event: SchedulerEvent): void {
  const { tasks, gangs } = state;
  const gang = gangs.join(task, event.gang, event.gangSize);
  tasks.move(task, TaskState.submitted);
  tasks.holds[task] = Hold.gang;
  // A member that cannot be in time any more ends the others before they start.
  estimate(state, task);
  state.setInstant(task, startByMs(state, task));
  if (gang.members.length < gang.size) return;
  gang.demand = sumOfDemands(gang.members.map((member) => state.demands[tasks.demands[member]!]!));
  const leader = gang.members[0]!;
  state.queue.delist(leader);
  place(state, leader);
  state.queue.enlist(leader);
  enterQueue(state, leader);
}

/** One member was refused: those before it can never start together, those after it need not try. */
function refuseGang(state: SchedulerState, event: SchedulerEvent, commands: CommandBuffer): void {
  const gang = state.gangs.byNumber(event.gang);
  const arrived = (gang?.members.length ?? 0) + 1;
  const missing = event.gangSize - arrived;
  if (gang !== undefined) breakGang(state, gang, commands, missing);
  else if (state.gangs.isBroken(event.gang)) state.gangs.missed(event.gang);
  else state.gangs.expectBroken(event.gang, missing);
}
