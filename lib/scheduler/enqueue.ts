/** How a listed task becomes one that may be granted. */
import { clampServiceSeconds } from '../predictor/index.js';
import { Aside, Hold, NONE, RUN_LANE, TaskState } from '../task/index.js';
import { goesFirst } from './families.js';
import type { Group } from './groups.js';
import { dropReservation } from './reservation.js';
import type { SchedulerState } from './state.js';

/** A function that declares no service time counts as this long, s: all alike, so that they stay in order. */
const FUNCTION_SECONDS = 1;
/** More submissions than any process sees: in the key of a started run's work its age only decides between equal urgencies. */
const RUNS_PER_URGENCY = 2 ** 40;

/** Finds the shape in which a task waits from now on. */
export function place(state: SchedulerState, task: number): void {
  const { tasks } = state;
  tasks.shapes[task] = state.shapes.of(state.demandOf(task), tasks.classes[task]!, state.boundOf(task)).index;
}

/** Gives a listed task its estimate, key and lane, and makes it grantable, if its group has room. Also the way back for one that is tried again. */
export function enterQueue(state: SchedulerState, task: number): void {
  const { tasks, config } = state;
  estimate(state, task);
  tasks.lanes[task] = isOfStartedRun(state, task) ? RUN_LANE : (config.order.lane?.(tasks, task) ?? 0);
  setKey(state, task);
  if (tasks.asides[task] === Aside.away) {
    // Its deadline and time-out stand.
    makeGrantable(state, task);
    return;
  }
  state.setInstant(task, startByMs(state, task));
  const group = state.groups.of(task);
  if (group === undefined) {
    makeGrantable(state, task);
    return;
  }
  if (tasks.states[task] !== TaskState.submitted) tasks.move(task, TaskState.submitted);
  tasks.holds[task] = Hold.group;
  group.held.push(task, tasks.keys[task]!);
  settleGroup(state, group);
}

/**
 * Work of started runs has one line, whatever the order: the more urgent first, then the older run, so that runs end one after another
 * and not all of them late.
 */
function setKey(state: SchedulerState, task: number): void {
  const { tasks, config } = state;
  const urgency = state.urgency(task);
  tasks.keys[task] =
    tasks.lanes[task] === RUN_LANE
      ? urgency * RUNS_PER_URGENCY - (state.families.of(task)?.since ?? tasks.sequences[task]!)
      : config.order.key(tasks, task, urgency);
}

/** The last instant at which starting the task makes sense, ms; Infinity without a deadline. */
export function startByMs(state: SchedulerState, task: number): number {
  const { tasks } = state;
  const deadlineMs = tasks.deadlinesMs[task]!;
  const isGuess = tasks.models[task] === NONE && tasks.declares[task] === 0;
  return isGuess ? deadlineMs : deadlineMs - tasks.serviceSeconds[task]! * 1_000;
}

/** What a waiting task counts towards its class's work limit: as much of its size as is known. */
export function waitingWork({ tasks }: SchedulerState, task: number): number {
  const size = tasks.sizes[task]!;
  return Number.isNaN(size) ? tasks.outputLimits[task]! : size;
}

/** A waiting task's priority is another one. */
export function reprioritise(state: SchedulerState, task: number, priority: number): void {
  const { tasks } = state;
  if (!tasks.isLive(task)) return;
  tasks.priorities[task] = priority;
  const isHeld = tasks.states[task] === TaskState.submitted && tasks.holds[task] === Hold.group;
  if (tasks.states[task] !== TaskState.queued && !isHeld) return;
  setKey(state, task);
  // Another may be the head now, and that one can perhaps start.
  state.mayGrant = true;
  const group = state.groups.of(task);
  if (isHeld) group!.held.update(task, tasks.keys[task]!);
  else state.queue.rekey(task, state.queueTenant(tasks.tenants[task]!));
  if (group !== undefined) settleGroup(state, group);
}

/** Lets the most urgent members of a group in, as many as it may have inside. */
export function settleGroup(state: SchedulerState, group: Group): void {
  while (group.held.size > 0) {
    const best = group.held.peek();
    const isFull = group.inside >= state.groups.limit;
    const worst = isFull ? leastUrgentQueued(state, group) : NONE;
    if (isFull && (worst === NONE || !isAhead(state, best, worst))) return;
    group.held.remove(best);
    group.inside++;
    group.queued.add(best);
    makeGrantable(state, best);
    // After that, or its tenant would have nothing waiting for a moment, and lose what it was served less.
    if (isFull) sendBack(state, group, worst);
  }
}

/** Takes a task out of the order heap; it stays in its arrival list. */
export function makeUngrantable(state: SchedulerState, task: number): void {
  const tenant = state.queueTenant(state.tasks.tenants[task]!);
  state.queue.dequeue(task, tenant);
  dropReservation(state, task);
  if (state.queue.queuedOf(tenant) === 0) state.config.share.emptied(tenant);
}

function makeGrantable(state: SchedulerState, task: number): void {
  const { tasks, queue } = state;
  const { share } = state.config;
  tasks.move(task, TaskState.queued);
  tasks.holds[task] = Hold.none;
  const tenant = state.queueTenant(tasks.tenants[task]!);
  if (share.single !== true && queue.queuedOf(tenant) === 0) share.activated(tenant, shareFloor(state));
  queue.enqueue(task, tenant, share.key(tenant));
  state.mayGrant = true;
}

/** Settles the service time, and with it the size, of a task whose prompt is known. */
export function estimate(state: SchedulerState, task: number): void {
  const { tasks } = state;
  const model = tasks.models[task]!;
  if (model !== NONE && Number.isNaN(tasks.sizes[task])) {
    state.waitingWorkByClass[tasks.classes[task]!]! += tasks.promptTokens[task]!;
    tasks.sizes[task] = tasks.promptTokens[task]! + tasks.outputLimits[task]!;
  }
  if (tasks.declares[task] === 1) {
    tasks.serviceSeconds[task] = clampServiceSeconds(tasks.serviceSeconds[task]!);
  } else if (model === NONE) {
    tasks.serviceSeconds[task] = FUNCTION_SECONDS;
  } else {
    const { predictor } = state.models[model]!;
    tasks.serviceSeconds[task] = predictor.estimate(tasks.promptTokens[task]!, tasks.outputLimits[task]!);
  }
}

function isOfStartedRun(state: SchedulerState, task: number): boolean {
  if (state.tasks.asides[task] === Aside.away) return true;
  const kin = state.families.of(task);
  // A child was submitted by a task that runs, so its run has started.
  return kin?.parent !== undefined && goesFirst(kin.parent.run, state.config.runBudget);
}

function sendBack(state: SchedulerState, group: Group, task: number): void {
  makeUngrantable(state, task);
  group.inside--;
  group.queued.delete(task);
  state.tasks.move(task, TaskState.submitted);
  state.tasks.holds[task] = Hold.group;
  group.held.push(task, state.tasks.keys[task]!);
}

function leastUrgentQueued(state: SchedulerState, group: Group): number {
  let worst = NONE;
  for (const task of group.queued) if (worst === NONE || isAhead(state, worst, task)) worst = task;
  return worst;
}

function isAhead({ tasks }: SchedulerState, a: number, b: number): boolean {
  const keyA = tasks.keys[a]!;
  const keyB = tasks.keys[b]!;
  return keyA > keyB || (keyA === keyB && tasks.sequences[a]! < tasks.sequences[b]!);
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
