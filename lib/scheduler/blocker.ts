/** What keeps a waiting task from starting now. Complete: without all of these it starts, or somebody who goes first does. */
import { WindowPool } from '../resource/index.js';
import { Hold, NONE, TaskState } from '../task/index.js';
import type { ModelPhase } from './model-state.js';
import { heldIn, Passage, passageAt, startMs } from './reservation.js';
import type { RuleName } from './rule.js';
import type { SchedulerState } from './state.js';

/** A task that holds something of a pool. */
export interface Holder {
  readonly task: number;
  /** In the pool's own unit, what it took later included. */
  readonly amount: number;
}

/** A pool without enough in it. */
export interface Shortage {
  readonly pool: number;
  /** What the task asks for. */
  readonly needed: number;
  /** What its class may take now. */
  readonly free: number;
  readonly capacity: number;
  /** Those who hold something of it: first the task's own ancestors, then the oldest leases; {@link HOLDERS_MAX} at most. */
  readonly holders: readonly Holder[];
  /** How many hold something of it in all. */
  readonly holderCount: number;
}

export type Blocker =
  /** The yard starts nothing. */
  | { readonly kind: 'shut' }
  /** Its prompt has not been counted. */
  | { readonly kind: 'size' }
  /** It failed, and waits before the next attempt. */
  | { readonly kind: 'backOff'; readonly untilMs: number }
  /** Its gang starts together, and is not all there. */
  | { readonly kind: 'gang'; readonly present: number; readonly size: number }
  /** So many of its group may be inside (started, or about to), and are. */
  | {
      readonly kind: 'group';
      readonly limit: number;
      /** {@link HOLDERS_MAX} at most. */
      readonly inside: readonly number[];
      readonly insideCount: number;
      /** Members that go in before it. */
      readonly ahead: number;
      /** The one that goes in next; may be the task itself. */
      readonly next: number;
    }
  /** Not enough is free. `keptForOthers`: unused, but kept for other classes; `isKept`: that is all that is missing. */
  | (Shortage & { readonly kind: 'pool'; readonly keptForOthers: number; readonly isKept: boolean })
  /** Not enough is left of this window of time. `freeFromMs`: when it is, if nobody else takes it; undefined when time alone does not help. */
  | (Shortage & { readonly kind: 'window'; readonly freeFromMs: number | undefined })
  /** Its model takes no work. `restartAtMs` while its engine waits to be started again. */
  | {
      readonly kind: 'model';
      readonly model: number;
      readonly phase: ModelPhase;
      readonly restartAtMs: number | undefined;
    }
  /** Another has reserved the pool. `startMs`: when that one can start as far as bounds are declared; `boundMsMax`: a declared bound up to this would let the task pass. */
  | {
      readonly kind: 'reservation';
      readonly pool: number;
      readonly task: number;
      readonly sinceMs: number;
      readonly startMs: number | undefined;
      readonly boundMsMax: number | undefined;
    }
  /** It could start, but it stands in one line with this task, which goes first and cannot. */
  | { readonly kind: 'head'; readonly task: number; readonly rule: RuleName }
  /** Too many kinds of demands wait: of those that share a line only the oldest `depth` are looked at. */
  | { readonly kind: 'search'; readonly ahead: number; readonly depth: number };

/** Most holders that are named; the others are counted. */
export const HOLDERS_MAX = 8;

/** Why a submitted task may not be granted yet. */
export function holdOf(state: SchedulerState, task: number): Blocker | undefined {
  const { tasks } = state;
  if (tasks.states[task] !== TaskState.submitted) return undefined;
  switch (tasks.holds[task] as Hold) {
    case Hold.size:
      return { kind: 'size' };
    case Hold.backOff:
      return { kind: 'backOff', untilMs: tasks.keys[task]! };
    case Hold.gang: {
      const { members, size } = state.gangs.of(task)!;
      return { kind: 'gang', present: members.length, size };
    }
    case Hold.group:
      return groupOf(state, task);
    default:
      return undefined;
  }
}

/** What a queued task lacks, pool by pool; empty when it would fit. */
export function shortagesOf(state: SchedulerState, task: number): Blocker[] {
  const { ledger, tasks } = state;
  const classIndex = tasks.classes[task]!;
  const demand = state.demandOf(task);
  const shortages: Blocker[] = [];
  for (let i = 0; i < demand.pools.length; i++) {
    const index = demand.pools[i]!;
    const needed = demand.amounts[i]!;
    if (!ledger.isShort(index, classIndex, needed)) continue;
    const pool = ledger.pools[index]!;
    const model = state.models.find((candidate) => candidate.pool === index);
    if (model !== undefined && model.phase !== 'ready') {
      const { phase, restartAtMs } = model;
      shortages.push({ kind: 'model', model: model.index, phase, restartAtMs: finite(restartAtMs) });
      continue;
    }
    const shortage = {
      pool: index,
      needed,
      free: pool.freeFor(classIndex),
      capacity: pool.capacity,
      ...holdersOf(state, index, task),
    };
    if (pool instanceof WindowPool) {
      shortages.push({ kind: 'window', ...shortage, freeFromMs: finite(pool.freeFromMs(needed)) });
    } else {
      const unused = pool.capacity - pool.leased;
      const keptForOthers = unused - pool.freeForAfter(classIndex, classIndex, 0);
      shortages.push({ kind: 'pool', ...shortage, keptForOthers, isKept: unused >= needed });
    }
  }
  return shortages;
}

/** The reservations of others that a queued task may not pass. */
export function reservationsBefore(state: SchedulerState, task: number): Blocker[] {
  const { pools, amounts } = state.demandOf(task);
  const found: Blocker[] = [];
  for (let i = 0; i < pools.length && state.reservations.length > 0; i++) {
    if (passageAt(state, task, pools[i]!, amounts[i]!) !== Passage.no) continue;
    const pool = state.ledger.pools[pools[i]!]!;
    const head = state.reservations.find((reservation) => reservation.task === pool.reservedFor)!;
    const start = startMs(state, head.task);
    const boundMs = pool instanceof WindowPool ? 0 : Math.floor(start - state.nowMs);
    found.push({
      kind: 'reservation',
      pool: pools[i]!,
      task: head.task,
      sinceMs: head.sinceMs,
      startMs: finite(start),
      boundMsMax: boundMs > 0 && boundMs < Number.POSITIVE_INFINITY ? boundMs : undefined,
    });
  }
  return found;
}

/** In the line that the rarest kinds of demands share: is the task too far back to be looked at? */
export function searchBefore(state: SchedulerState, task: number): Blocker | undefined {
  const { tasks, queue, config } = state;
  const index = tasks.shapes[task]!;
  if (!state.shapes.all[index]!.isCatchAll) return undefined;
  let ahead = 0;
  for (let older = queue.shapes[index]!.first; older !== task; older = tasks.next[older]!) {
    if (tasks.states[older] === TaskState.queued) ahead++;
  }
  return ahead < config.searchDepth ? undefined : { kind: 'search', ahead, depth: config.searchDepth };
}

/** The nearest of the task's ancestors that holds something of a pool, or has a place in the group, that the task waits for. */
export function ancestorInTheWay(
  state: SchedulerState,
  task: number,
  blockers: readonly Blocker[],
): number | undefined {
  for (let kin = state.families.of(task)?.parent; kin !== undefined; kin = kin.parent) {
    const ancestor = kin.task;
    for (const blocker of blockers) {
      if (blocker.kind === 'group' && state.groups.of(ancestor) === state.groups.of(task)) return ancestor;
      const holds = (blocker.kind === 'pool' || blocker.kind === 'window') && state.tasks.leased[ancestor] === 1;
      if (holds && heldIn(state, ancestor, blocker.pool) > 0 && keepsUntilEnd(state, blocker.pool)) return ancestor;
    }
  }
  return undefined;
}

function holdersOf(state: SchedulerState, pool: number, task: number): { holders: Holder[]; holderCount: number } {
  const { tasks, leases } = state;
  const holders: Holder[] = [];
  let holderCount = 0;
  if (!keepsUntilEnd(state, pool)) return { holders, holderCount };
  let ancestors = 0;
  for (let holder = leases.first; holder !== NONE; holder = tasks.next[holder]!) {
    const amount = heldIn(state, holder, pool);
    if (amount === 0) continue;
    holderCount++;
    if (isAncestor(state, holder, task)) holders.splice(ancestors++, 0, { task: holder, amount });
    else if (holders.length < HOLDERS_MAX) holders.push({ task: holder, amount });
  }
  return { holders: holders.slice(0, HOLDERS_MAX), holderCount };
}

/** Does what was taken come back when its holder ends? Of most windows it comes back with time. */
function keepsUntilEnd({ windows, ledger, config }: SchedulerState, pool: number): boolean {
  const window = windows.indexOf(ledger.pools[pool] as WindowPool);
  return window < 0 || config.windows[window]!.carriesOver;
}

function isAncestor({ families }: SchedulerState, candidate: number, task: number): boolean {
  for (let kin = families.of(task)?.parent; kin !== undefined; kin = kin.parent) {
    if (kin.task === candidate) return true;
  }
  return false;
}

function groupOf(state: SchedulerState, task: number): Blocker {
  const { tasks, leases, groups } = state;
  const group = groups.of(task)!;
  const inside = [...group.queued];
  for (let holder = leases.first; holder !== NONE; holder = tasks.next[holder]!) {
    if (groups.of(holder) === group) inside.push(holder);
  }
  const key = tasks.keys[task]!;
  const sequence = tasks.sequences[task]!;
  const ahead = group.held.countAhead(
    (member) => tasks.keys[member]! > key || (tasks.keys[member] === key && tasks.sequences[member]! < sequence),
  );
  return {
    kind: 'group',
    limit: groups.limit,
    inside: inside.slice(0, HOLDERS_MAX),
    insideCount: group.inside,
    ahead,
    next: group.held.peek(),
  };
}

export function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
