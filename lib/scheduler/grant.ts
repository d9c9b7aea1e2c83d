/**
 * Who runs next: the precedence of the product, in one place. The earlier rule wins.
 *
 * 1. The ledger: what does not fit does not start.
 * 2. Reservations: a head that did not fit starts as soon as it does; others do not take what it needs (reservation.ts).
 * 3. Slots kept for a class: part of what fits.
 * 4. Overdue tasks: every n-th grant on their pools goes to the oldest.
 * 5. The share: the tenant with the smallest key.
 * 6. Inside the tenant, work of started runs before new runs.
 * 7. The order: the head with the largest score.
 *
 * Work conservation: `grantAll` returns only when no head of a shape that fits may pass the reservations. Beyond the cap of shapes the
 * oldest `searchDepth` tasks of the catch-all stand for all of it.
 * Cost: O(shapes) to choose, O(log n) to grant; O(shapes²) where heads that do not fit stand before one that does.
 */
import { invariant } from '../base/errors.js';
import { type CommandBuffer, CommandKind } from '../event/index.js';
import type { TaskHeap } from '../queue/index.js';
import { Aside, NONE, RUN_LANE, TaskState } from '../task/index.js';
import { makeUngrantable } from './enqueue.js';
import { dropReservation, mayReserve, Passage, passage, reserve } from './reservation.js';
import { Rule } from './rule.js';
import { stopWaiting } from './settle.js';
import type { SchedulerState } from './state.js';

/** What is known of a shape while the next grant is chosen. */
const Verdict = {
  /** Nobody may be granted. */
  empty: 0,
  /** Its tasks fit. */
  fits: 1,
  /** They do not. Its head may still be the one whose turn it is. */
  blocked: 2,
  /** Its head was looked at and may not start now. */
  passedOver: 3,
} as const;

/** Whose turn it is. */
export interface Choice {
  task: number;
  rule: Rule;
  passage: Passage;
}

/** Grants until nothing that waits may start. */
export function grantAll(state: SchedulerState, commands: CommandBuffer): void {
  if (!state.mayGrant || state.isShut) return;
  state.mayGrant = false;
  for (let choice = nextGrant(state); choice !== undefined; choice = nextGrant(state)) {
    if (choice.passage === Passage.byBound) state.backfilled++;
    grant(state, choice.task, choice.rule, commands);
  }
}

/**
 * The task that starts next; undefined when none may. Heads on the way that may not start make the reservations that fall to them.
 * @param passedOver - told of each of them
 */
export function nextGrant(
  state: SchedulerState,
  passedOver?: (task: number, rule: Rule) => void,
): Readonly<Choice> | undefined {
  for (const { task } of state.reservations) {
    if (!state.ledger.fitsExactly(state.demandOf(task), state.tasks.classes[task]!)) continue;
    return { task, rule: Rule.reserved, passage: Passage.yes };
  }
  let fitting = judgeShapes(state);
  while (fitting > 0) {
    const choice = nextInLine(state);
    if (choice === undefined) return undefined;
    const { task, rule } = choice;
    const index = state.tasks.shapes[task]!;
    const fits =
      state.verdicts[index] === Verdict.fits &&
      state.ledger.fitsExactly(state.demandOf(task), state.tasks.classes[task]!);
    choice.passage = fits ? passage(state, task) : Passage.no;
    if (choice.passage !== Passage.no) return choice;
    passedOver?.(task, rule);
    if (state.config.headBlocks) return undefined;
    if (!fits) reserve(state, task, rule);
    if (state.verdicts[index] === Verdict.fits) fitting--;
    state.verdicts[index] = Verdict.passedOver;
  }
  return undefined;
}

/** Fills in the verdict on every shape. @returns how many fit */
function judgeShapes(state: SchedulerState): number {
  const { queue, ledger } = state;
  const { shapes } = queue;
  if (state.verdicts.length < shapes.length) state.verdicts = new Uint8Array(shapes.length * 2);
  let fitting = 0;
  for (let index = 0; index < shapes.length; index++) {
    let verdict: number = Verdict.empty;
    if (shapes[index]!.queued > 0) {
      const shape = state.shapes.all[index]!;
      if (shape.isCatchAll ? searchCatchAll(state, index) !== NONE : ledger.fits(shape)) {
        verdict = Verdict.fits;
        fitting++;
      } else {
        // Of use only as a head that blocks the rest or reserves what it lacks.
        verdict = state.config.headBlocks || mayReserve(state, shape) ? Verdict.blocked : Verdict.passedOver;
      }
    }
    state.verdicts[index] = verdict;
  }
  return fitting;
}

/** The task whose turn it is among the shapes that were not passed over, whether it fits or not. */
function nextInLine(state: SchedulerState): Choice | undefined {
  const overdue = oldestOverdue(state);
  if (overdue !== NONE) return { task: overdue, rule: Rule.overdue, passage: Passage.no };
  const { queue, config } = state;
  let tenant = NONE;
  let leastKey = Number.POSITIVE_INFINITY;
  let contender = NONE;
  let isContended = false;
  for (let index = 0; index < queue.shapes.length; index++) {
    if (!isOpen(state, index)) continue;
    const shape = queue.shapes[index]!;
    let candidate: number;
    let key: number;
    if (state.shapes.all[index]!.isCatchAll) {
      const task = catchAllHead(state, index);
      candidate = state.queueTenant(state.tasks.tenants[task]!);
      key = config.share.key(candidate);
    } else {
      const flow = shape.flows.peek()!;
      candidate = flow.tenant;
      key = flow.shareKey;
    }
    if (state.verdicts[index] === Verdict.fits) {
      // The share decides where another tenant's task could have started instead.
      if (shape.flows.size > 1 || (contender !== NONE && candidate !== contender)) isContended = true;
      contender = candidate;
    }
    if (tenant === NONE || key < leastKey || (key === leastKey && candidate < tenant)) {
      tenant = candidate;
      leastKey = key;
    }
  }
  if (tenant === NONE) return undefined;
  return bestOfTenant(state, tenant, isContended);
}

/** The oldest task past its class's bound whose turn it is, or NONE. */
function oldestOverdue(state: SchedulerState): number {
  const { tasks, queue, config, nowMs } = state;
  let oldest = NONE;
  for (let index = 0; index < queue.shapes.length; index++) {
    if (!isOpen(state, index)) continue;
    const waiting = queue.shapes[index]!;
    const shape = state.shapes.all[index]!;
    const { boundMs } = config.classes[shape.classIndex]!;
    if (nowMs - tasks.arrivalsMs[waiting.first]! < boundMs || !isOverdueTurn(state, shape)) continue;
    const task = shape.isCatchAll ? catchAllHead(state, index) : oldestQueued(state, index);
    if (nowMs - tasks.arrivalsMs[task]! < boundMs) continue;
    if (oldest !== NONE && tasks.sequences[task]! > tasks.sequences[oldest]!) continue;
    if (isOverdueTurn(state, state.demandOf(task))) oldest = task;
  }
  return oldest;
}

function isOverdueTurn(state: SchedulerState, { pools }: { pools: readonly number[] }): boolean {
  for (let i = 0; i < pools.length; i++) {
    if (state.ledger.pools[pools[i]!]!.grantsSinceOverdue + 1 < state.config.overdueEvery) return false;
  }
  return true;
}

/** The tenant's first task: of its started runs, if it has any, by order. */
function bestOfTenant(state: SchedulerState, tenant: number, isContended: boolean): Choice {
  const { queue } = state;
  let best = NONE;
  let isRun = false;
  for (let index = 0; index < queue.shapes.length; index++) {
    const flow = queue.flowOf(tenant, index);
    if (flow === undefined || !isOpen(state, index)) continue;
    if (state.shapes.all[index]!.isCatchAll) {
      const task = catchAllHead(state, index);
      if (state.queueTenant(state.tasks.tenants[task]!) !== tenant) continue;
      const isOfRun = state.tasks.lanes[task]! >= RUN_LANE;
      if (isOfRun ? !isRun || isBetter(state, task, best) : !isRun && isBetter(state, task, best)) best = task;
      isRun ||= isOfRun;
      continue;
    }
    const ofRuns = bestOfLanes(state, flow.runLanes);
    if (ofRuns !== NONE) {
      if (!isRun || isBetter(state, ofRuns, best)) best = ofRuns;
      isRun = true;
    } else if (!isRun) {
      const task = bestOfLanes(state, flow.lanes);
      if (isBetter(state, task, best)) best = task;
    }
  }
  invariant(best !== NONE, 'a tenant with a flow has a task to grant');
  return { task: best, rule: isContended ? Rule.share : isRun ? Rule.run : Rule.order, passage: Passage.no };
}

function bestOfLanes(state: SchedulerState, lanes: readonly TaskHeap[]): number {
  let best = NONE;
  for (let lane = 0; lane < lanes.length; lane++) {
    const task = lanes[lane]!.peek();
    if (task !== NONE && isBetter(state, task, best)) best = task;
  }
  return best;
}

/** Does `task` go before `than` by the order? Lanes of started runs aside. */
export function isBetter({ tasks, config, nowMs }: SchedulerState, task: number, than: number): boolean {
  if (than === NONE) return true;
  // The line of started runs is the same under every order.
  const score = tasks.lanes[task] === RUN_LANE && tasks.lanes[than] === RUN_LANE ? undefined : config.order.score;
  const a = score === undefined ? tasks.keys[task]! : score(tasks, task, nowMs);
  const b = score === undefined ? tasks.keys[than]! : score(tasks, than, nowMs);
  return a > b || (a === b && tasks.sequences[task]! < tasks.sequences[than]!);
}

function isOpen(state: SchedulerState, index: number): boolean {
  const verdict = state.verdicts[index];
  return verdict === Verdict.fits || verdict === Verdict.blocked;
}

/** The task that stands for the catch-all shape: the oldest that may start, else the oldest. */
function catchAllHead(state: SchedulerState, index: number): number {
  const fitting = searchCatchAll(state, index);
  return fitting === NONE ? oldestQueued(state, index) : fitting;
}

/** The oldest grantable task of a shape that has one. Tasks that may not be granted yet stand in its list, too. */
function oldestQueued({ tasks, queue }: SchedulerState, index: number): number {
  let task = queue.shapes[index]!.first;
  while (tasks.states[task] !== TaskState.queued) task = tasks.next[task]!;
  return task;
}

/** The oldest task of the catch-all shape that may start now, among the first `searchDepth`. */
function searchCatchAll(state: SchedulerState, index: number): number {
  const { tasks } = state;
  let left = state.config.searchDepth;
  for (let task = state.queue.shapes[index]!.first; task !== NONE && left > 0; task = tasks.next[task]!) {
    if (tasks.states[task] !== TaskState.queued) continue;
    left--;
    const fits = state.ledger.fitsExactly(state.demandOf(task), tasks.classes[task]!);
    if (fits && passage(state, task) !== Passage.no) return task;
  }
  return NONE;
}

function grant(state: SchedulerState, task: number, rule: Rule, commands: CommandBuffer): void {
  const gang = state.gangs.of(task);
  dropReservation(state, task);
  if (gang === undefined) {
    grantOne(state, task, rule, commands);
    return;
  }
  state.gangs.dissolve(gang);
  for (const member of gang.members) grantOne(state, member, rule, commands);
}

/** The most binding rule among those that let the task, chosen by `rule`, start now. */
export function decidingRule(state: SchedulerState, task: number, rule: Rule): Rule {
  if (rule === Rule.reserved) return rule;
  return state.ledger.fitsByKeeping(state.leaseOf(task), state.tasks.classes[task]!) ? Rule.kept : rule;
}

function grantOne(state: SchedulerState, task: number, rule: Rule, commands: CommandBuffer): void {
  const { tasks, ledger, nowMs } = state;
  const classIndex = tasks.classes[task]!;
  const demand = state.leaseOf(task);
  const decidedBy = decidingRule(state, task, rule);
  if (tasks.states[task] === TaskState.queued) makeUngrantable(state, task);
  state.groups.of(task)?.queued.delete(task);
  stopWaiting(state, task);
  ledger.take(demand, classIndex, nowMs);
  state.leases.add(task);
  tasks.leased[task] = 1;
  tasks.move(task, TaskState.granted);
  state.grantsByRule[decidedBy]!++;
  for (let i = 0; i < demand.pools.length; i++) {
    const pool = ledger.pools[demand.pools[i]!]!;
    pool.grantsSinceOverdue = rule === Rule.overdue ? 0 : pool.grantsSinceOverdue + 1;
    state.noteInstant(pool.nextRollMs());
  }
  if (tasks.asides[task] === Aside.away) {
    // It was started before, and goes on.
    tasks.asides[task] = Aside.back;
    // A reserved start may hang on its end again.
    const boundEndMs = tasks.grantsMs[task]! + tasks.boundsMs[task]!;
    if (boundEndMs > nowMs && state.reservations.length > 0) state.noteInstant(boundEndMs);
    commands.push(CommandKind.proceed, task, NONE);
    return;
  }
  tasks.attempts[task]!++;
  tasks.grantsMs[task] = nowMs;
  state.running++;
  const boundMs = tasks.boundsMs[task]!;
  // A reserved start may hang on its end.
  if (boundMs > 0 && state.reservations.length > 0) state.noteInstant(nowMs + boundMs);
  // Started in time: from now on only the deadline itself and its own time-out end it.
  const timeoutMs = tasks.timeoutsMs[task]!;
  const timeOutMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : nowMs + timeoutMs;
  state.setInstant(task, Math.min(tasks.deadlinesMs[task]!, timeOutMs));
  charge(state, task);
  const model = tasks.models[task]!;
  const slot = model === NONE ? NONE : takeSlot(state, task, model);
  commands.push(CommandKind.start, task, model, slot, state.urgency(task));
}

/** A task that is tried again has paid already: its engine's death, say, is not its tenant's doing. */
function charge(state: SchedulerState, task: number): void {
  const { tasks, config } = state;
  if (tasks.attempts[task] !== 1) return;
  const work = tasks.models[task] === NONE ? tasks.sizes[task]! : Math.max(0, tasks.promptTokens[task]!);
  const tenant = state.queueTenant(tasks.tenants[task]!);
  if (config.share.granted(tenant, work)) state.queue.reshare(tenant, config.share.key(tenant));
}

function takeSlot(state: SchedulerState, task: number, index: number): number {
  const model = state.models[index]!;
  const slot = model.chooseSlot(state.tasks.sessions[task]!);
  invariant(slot !== NONE, `model ${model.name} has a slot lease but no free slot`);
  model.slotTask[slot] = task;
  state.tasks.slots[task] = slot;
  return slot;
}
