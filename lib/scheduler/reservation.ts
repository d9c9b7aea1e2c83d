/**
 * Reservations: how a large task gets its turn among small ones.
 *
 * A head that does not fit although something it needs is free would be passed for ever. So it reserves its pools, one reservation a
 * pool, and keeps them until it starts. Others may still take what it does not need; of what it needs, only a task with a declared
 * bound that ends before the reserved start (backfill). The start is when enough running tasks with declared bounds have ended; where
 * they declare none there is no start time, and what is freed is held for the head. Since a function may never end, such a drain lasts
 * `drainMs` at most; then the pool goes on without reservations for as long.
 *
 * The scheme is EASY backfilling (Lifka 1995) over several resources. Cost: O(pools) to ask who may pass, O(leases · log leases) for a start.
 */
import { type Demand, type DemandShape, WindowPool } from '../resource/index.js';
import { CLASS_COUNT, NONE } from '../task/index.js';
import { Rule } from './rule.js';
import type { SchedulerState } from './state.js';

/** May a task start beside the reservations? */
export const Passage = { no: 0, yes: 1, byBound: 2 } as const;
export type Passage = (typeof Passage)[keyof typeof Passage];

/** Reserves the pools of a head that does not fit. No effect when nothing it lacks is free, or a pool is reserved for another. */
export function reserve(state: SchedulerState, task: number, rule: Rule): void {
  const { ledger, tasks, nowMs } = state;
  const demand = state.demandOf(task);
  const { pools, amounts } = demand;
  const classIndex = tasks.classes[task]!;
  // It waits for others of its shape, or rounding lacks a hair.
  if (ledger.fitsExactly(demand, classIndex)) return;
  let holdsSome = false;
  for (let i = 0; i < pools.length; i++) {
    const pool = ledger.pools[pools[i]!]!;
    if (pool.reservedFor !== NONE || pool.reservableFromMs > nowMs) return;
    if (pool.capacityFor(classIndex) < amounts[i]!) return;
    const free = pool.freeFor(classIndex);
    // Of a pool that is empty nobody takes anything: there is nothing to hold. One that has waited too long also holds what it does not
    // lack, or it would never find all of its pools free at one time.
    if (free > 0 && (free < amounts[i]! || rule === Rule.overdue)) holdsSome = true;
  }
  if (!holdsSome) return;
  for (const pool of pools) ledger.pools[pool]!.reservedFor = task;
  state.reservations.push({ task, rule, sinceMs: nowMs });
  state.noteInstant(nowMs + state.config.drainMs);
  state.noteInstant(nextBoundEndMs(state));
}

/** Could the head of a shape that does not fit reserve anything? If not, it need not be looked at. */
export function mayReserve({ ledger, nowMs, tasks, queue, config }: SchedulerState, shape: DemandShape): boolean {
  if (shape.isCatchAll) return true;
  const oldestMs = tasks.arrivalsMs[queue.shapes[shape.index]!.first]!;
  const isOverdue = nowMs - oldestMs >= config.classes[shape.classIndex]!.boundMs;
  let holdsSome = false;
  for (let i = 0; i < shape.pools.length; i++) {
    const pool = ledger.pools[shape.pools[i]!]!;
    if (pool.reservedFor !== NONE || pool.reservableFromMs > nowMs) return false;
    const free = pool.freeFor(shape.classIndex);
    if (free > 0 && (free < shape.amounts[i]! || isOverdue)) holdsSome = true;
  }
  return holdsSome;
}

/** Its task starts, ends or stops being grantable: the pools are open to all. */
export function dropReservation(state: SchedulerState, task: number): void {
  const { reservations, ledger } = state;
  if (reservations.length === 0) return;
  const index = reservations.findIndex((reservation) => reservation.task === task);
  if (index < 0) return;
  reservations.splice(index, 1);
  for (const pool of ledger.pools) if (pool.reservedFor === task) pool.reservedFor = NONE;
  state.mayGrant = true;
}

/** May `task`, which fits, start now without taking what another has reserved? */
export function passage(state: SchedulerState, task: number): Passage {
  if (state.reservations.length === 0) return Passage.yes;
  const { pools, amounts } = state.demandOf(task);
  let verdict: Passage = Passage.yes;
  for (let i = 0; i < pools.length; i++) {
    const there = passageAt(state, task, pools[i]!, amounts[i]!);
    if (there === Passage.no) return Passage.no;
    if (there === Passage.byBound) verdict = Passage.byBound;
  }
  return verdict;
}

/** May `task` take `amount` of this pool? */
export function passageAt(state: SchedulerState, task: number, index: number, amount: number): Passage {
  const { tasks, nowMs } = state;
  const pool = state.ledger.pools[index]!;
  const head = pool.reservedFor;
  if (head === NONE || head === task) return Passage.yes;
  const headClass = tasks.classes[head]!;
  const needed = amountOf(state.demandOf(head), index);
  // May be less than nothing: more is kept for others than is left.
  const free = pool.freeForAfter(headClass, headClass, 0);
  // What the head cannot use anyway, because it is kept for others, is not held for it.
  if (pool.freeForAfter(headClass, tasks.classes[task]!, amount) >= Math.min(needed, free)) return Passage.yes;
  if (pool instanceof WindowPool) {
    // What is taken does not come back when the task ends; but a head that waits for the next window loses nothing in this one.
    return pool.beginsAfresh && free < needed ? Passage.yes : Passage.no;
  }
  const boundMs = state.boundOf(task);
  if (boundMs === 0) return Passage.no;
  const untilMs = startMs(state, head);
  // Without a start time the head is waited for: what is freed is held for it.
  return untilMs < Number.POSITIVE_INFINITY && nowMs + boundMs <= untilMs ? Passage.byBound : Passage.no;
}

/** The reserved start of a head: when enough of what declares a bound has ended; Infinity where that is never enough. */
export function startMs(state: SchedulerState, head: number): number {
  const { ledger, tasks } = state;
  const classIndex = tasks.classes[head]!;
  const { pools, amounts } = state.demandOf(head);
  let start = state.nowMs;
  for (let i = 0; i < pools.length; i++) {
    const pool = ledger.pools[pools[i]!]!;
    if (pool.freeFor(classIndex) >= amounts[i]!) continue;
    const fromMs =
      pool instanceof WindowPool ? pool.freeFromMs(amounts[i]!) : freedMs(state, pools[i]!, amounts[i]!, classIndex);
    start = Math.max(start, fromMs);
  }
  return start;
}

/** Gives up reservations that have no start time and held what was freed for long enough, and asks to look again at the others. */
export function lapseReservations(state: SchedulerState): void {
  const { ledger, nowMs } = state;
  const { drainMs } = state.config;
  // One that overruns its bound moves the start time, or takes it away.
  state.noteInstant(nextBoundEndMs(state));
  state.mayGrant = true;
  for (const { task, sinceMs } of [...state.reservations]) {
    if (sinceMs + drainMs > nowMs) {
      state.noteInstant(sinceMs + drainMs);
    } else if (startMs(state, task) === Number.POSITIVE_INFINITY) {
      for (const pool of ledger.pools) if (pool.reservedFor === task) pool.reservableFromMs = nowMs + drainMs;
      dropReservation(state, task);
    }
  }
}

/** When the next running task is over its declared bound; Infinity when none can be. */
function nextBoundEndMs({ tasks, leases, nowMs }: SchedulerState): number {
  let nextMs = Number.POSITIVE_INFINITY;
  for (let task = leases.first; task !== NONE; task = tasks.next[task]!) {
    const endMs = tasks.grantsMs[task]! + tasks.boundsMs[task]!;
    if (tasks.boundsMs[task]! > 0 && endMs > nowMs && endMs < nextMs) nextMs = endMs;
  }
  return nextMs;
}

/** When running tasks with declared bounds have given back so much of a pool that `amount` is free for a class; Infinity when they never do. */
function freedMs(state: SchedulerState, index: number, amount: number, classIndex: number): number {
  const { tasks, nowMs } = state;
  const pool = state.ledger.pools[index]!;
  const ends: { endMs: number; task: number }[] = [];
  for (let task = state.leases.first; task !== NONE; task = tasks.next[task]!) {
    const boundMs = tasks.boundsMs[task]!;
    const endMs = tasks.grantsMs[task]! + boundMs;
    // One that is over its bound may end at any time or never.
    if (boundMs > 0 && endMs > nowMs && heldIn(state, task, index) > 0) ends.push({ endMs, task });
  }
  ends.sort((a, b) => a.endMs - b.endMs);
  // By class, because what is kept for the holder's class is not free for another when the holder ends.
  const returned = new Float64Array(CLASS_COUNT);
  for (const { endMs, task } of ends) {
    returned[tasks.classes[task]!]! += heldIn(state, task, index);
    if (pool.freeForOnceReturned(classIndex, returned) >= amount) return endMs;
  }
  return Number.POSITIVE_INFINITY;
}

/** What a task with a lease holds of a pool, with what it took beyond its demand. */
export function heldIn(state: SchedulerState, task: number, pool: number): number {
  const own = amountOf(state.leaseOf(task), pool);
  const more = state.grown.get(task);
  if (more === undefined) return own;
  return more.pools.reduce((sum, other, i) => (other === pool ? sum + more.amounts[i]! : sum), own);
}

/** How much of a pool a demand asks for. */
export function amountOf({ pools, amounts }: Demand, pool: number): number {
  const index = pools.indexOf(pool);
  return index < 0 ? 0 : amounts[index]!;
}
