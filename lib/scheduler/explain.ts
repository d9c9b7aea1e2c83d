/**
 * Why a task is where it is: what blocks it, who goes first by which rule, when it may start.
 *
 * Asked on demand of the live state, so it costs nothing while nobody asks, and it shares the code that decides: what it says of the
 * next grant is what the next grant will be. It changes nothing.
 * Complexity: O(pools of the task · leases + shapes + those that go first).
 */
import type { WindowPool } from '../resource/index.js';
import { TASK_STATE_NAMES, TaskState } from '../task/index.js';
import {
  ancestorInTheWay,
  type Blocker,
  finite,
  holdOf,
  reservationsBefore,
  searchBefore,
  shortagesOf,
} from './blocker.js';
import { type Ahead, aheadOf, type NextInLine, nextInLine } from './line.js';
import { heldIn, startMs } from './reservation.js';
import { isStarted } from './settle.js';
import type { SchedulerState } from './state.js';

/** What an estimate of a start is made from. */
export type EstimateBasis = 'backOff' | 'reservation' | 'window' | 'ends';

export interface StartEstimate {
  /** On the driver's clock. */
  readonly startMs: number;
  /**
   * `backOff`: it may be granted from then on. `reservation`: enough of what runs has declared that it ends by then. `window`: enough comes
   * back by then, those ahead counted as large as the task. `ends`: so many ends are needed, at the mean time between two ends of late.
   */
  readonly basis: EstimateBasis;
}

/** A task that waits. */
export interface WaitingExplanation {
  readonly task: number;
  readonly state: 'submitted' | 'queued';
  /** Since it was submitted. */
  readonly waitMs: number;
  /** How often it was started before. */
  readonly attempts: number;
  /** It starts together with this task, which waits for all of its gang, and of which the rest of this speaks; undefined for any other. */
  readonly leader: number | undefined;
  /** What has kept it from starting, as the last decision left it. None: it starts when the scheduler looks again. */
  readonly blockers: readonly Blocker[];
  /** Whose turn it would be if what the task lacks had just become free: perhaps its own. Undefined when it is not in line. */
  readonly next: NextInLine | undefined;
  /** Undefined when it is not in line. */
  readonly ahead: Ahead | undefined;
  /** The nearest ancestor that holds what it waits for: if that one waits for it in turn, neither may ever go on. */
  readonly heldByAncestor: number | undefined;
  /** Its own reservation. `startMs`: when enough of what runs has declared that it ends. */
  readonly reservation: { readonly sinceMs: number; readonly startMs: number | undefined } | undefined;
  /** Undefined when nothing is known. */
  readonly estimate: StartEstimate | undefined;
}

/**
 * A task that was started: it runs, awaits children without a lease (`awaiting`), or its outcome is out and what ran has not let go yet
 * (`settled`).
 */
export interface RunningExplanation {
  readonly task: number;
  readonly state: 'granted' | 'running' | 'paused' | 'awaiting' | 'settled';
  /** What it waited before its last start. */
  readonly waitMs: number;
  /** Since its last start. */
  readonly runMs: number;
  readonly attempts: number;
  /** In the pools' own units. */
  readonly holds: readonly { readonly pool: number; readonly amount: number }[];
}

export type Explanation = WaitingExplanation | RunningExplanation;

/**
 * @param nowMs - the driver's clock, not before the last event; the state is taken as that event left it
 * @returns undefined when the index is not in use
 */
export function explain(state: SchedulerState, task: number, nowMs: number): Explanation | undefined {
  const { tasks } = state;
  if (!tasks.isLive(task)) return undefined;
  const isInLine = tasks.states[task] === TaskState.queued || !isStarted(state, task);
  return isInLine ? explainWaiting(state, task, nowMs) : explainRunning(state, task, nowMs);
}

function explainRunning(state: SchedulerState, task: number, nowMs: number): RunningExplanation {
  const { tasks } = state;
  const holds: { pool: number; amount: number }[] = [];
  for (let pool = 0; pool < state.ledger.pools.length && tasks.leased[task] === 1; pool++) {
    const amount = heldIn(state, task, pool);
    if (amount > 0) holds.push({ pool, amount });
  }
  return {
    task,
    state: TASK_STATE_NAMES[tasks.states[task]!] as RunningExplanation['state'],
    waitMs: tasks.grantsMs[task]! - tasks.arrivalsMs[task]!,
    runMs: nowMs - tasks.grantsMs[task]!,
    attempts: tasks.attempts[task]!,
    holds,
  };
}

function explainWaiting(state: SchedulerState, task: number, nowMs: number): WaitingExplanation {
  const { tasks } = state;
  const subject = leaderOf(state, task);
  const blockers: Blocker[] = state.isShut ? [{ kind: 'shut' }] : [];
  const hold = holdOf(state, subject);
  if (hold !== undefined) blockers.push(hold);
  let next: NextInLine | undefined;
  let ahead: Ahead | undefined;
  if (tasks.states[subject] === TaskState.queued) {
    const line = lineOf(state, subject, nowMs);
    blockers.push(...line.blockers);
    next = line.next;
    ahead = line.ahead;
  }
  const reserved = state.reservations.find((reservation) => reservation.task === subject);
  const reservation =
    reserved === undefined ? undefined : { sinceMs: reserved.sinceMs, startMs: finite(startMs(state, subject)) };
  return {
    task,
    state: TASK_STATE_NAMES[tasks.states[task]!] as WaitingExplanation['state'],
    waitMs: nowMs - tasks.arrivalsMs[task]!,
    attempts: tasks.attempts[task]!,
    leader: subject === task ? undefined : subject,
    blockers,
    next,
    ahead,
    heldByAncestor: ancestorInTheWay(state, task, blockers),
    reservation,
    estimate: estimateOf(state, subject, blockers, ahead, reservation?.startMs, nowMs),
  };
}

function lineOf(
  state: SchedulerState,
  task: number,
  nowMs: number,
): { blockers: Blocker[]; next: NextInLine | undefined; ahead: Ahead } {
  const classIndex = state.tasks.classes[task]!;
  const demand = state.demandOf(task);
  const shortages = shortagesOf(state, task);
  const blockers = [...shortages, ...reservationsBefore(state, task)];
  const search = searchBefore(state, task);
  if (search !== undefined) blockers.push(search);
  const lacks = shortages.map((shortage) => {
    if (shortage.kind === 'pool' || shortage.kind === 'window') {
      return { pool: shortage.pool, amount: shortage.needed, classIndex };
    }
    const { pool } = state.models[state.tasks.models[task]!]!;
    return { pool, amount: demand.amounts[demand.pools.indexOf(pool)]!, classIndex };
  });
  if (state.config.headBlocks || blockers.length === 0) {
    const head = nextInLine(state, task, lacks, state.nowMs);
    // One that is passed over stands for all of its line; with `headBlocks`, for everybody.
    if (head !== undefined && !head.starts && head.task !== task) {
      blockers.push({ kind: 'head', task: head.task, rule: head.rule });
    }
  }
  const next = nextInLine(state, task, lacks, nowMs);
  const pools = lacks.length > 0 ? lacks.map(({ pool }) => pool) : demand.pools;
  return { blockers, next, ahead: aheadOf(state, task, pools) };
}

/** The task that a member of a complete gang waits through: its leader. Any other: itself. */
function leaderOf(state: SchedulerState, task: number): number {
  const gang = state.gangs.of(task);
  return gang?.demand === undefined ? task : gang.members[0]!;
}

function estimateOf(
  state: SchedulerState,
  task: number,
  blockers: readonly Blocker[],
  ahead: Ahead | undefined,
  reservedMs: number | undefined,
  nowMs: number,
): StartEstimate | undefined {
  if (reservedMs !== undefined) return { startMs: Math.max(nowMs, reservedMs), basis: 'reservation' };
  let estimate: StartEstimate | undefined;
  for (const blocker of blockers) {
    const known = estimateFor(state, task, blocker, ahead, nowMs);
    if (known === undefined) return undefined;
    if (estimate === undefined || known.startMs > estimate.startMs) estimate = known;
  }
  return estimate;
}

/** When this blocker will be gone; undefined when nobody can say. */
function estimateFor(
  state: SchedulerState,
  task: number,
  blocker: Blocker,
  ahead: Ahead | undefined,
  nowMs: number,
): StartEstimate | undefined {
  switch (blocker.kind) {
    case 'backOff':
      return { startMs: Math.max(nowMs, blocker.untilMs), basis: 'backOff' };
    case 'window': {
      if (blocker.freeFromMs === undefined || ahead === undefined) return undefined;
      const { windowMs } = state.ledger.pools[blocker.pool] as WindowPool;
      const windowsAhead = Math.floor((grantsBefore(state, task, ahead) * blocker.needed) / blocker.capacity);
      return { startMs: Math.max(nowMs, blocker.freeFromMs + windowsAhead * windowMs), basis: 'window' };
    }
    case 'pool':
      if (ahead === undefined || blocker.needed > blocker.capacity || Number.isNaN(state.lastEndMs)) return undefined;
      return { startMs: nowMs + (grantsBefore(state, task, ahead) + 1) * state.endGapMs, basis: 'ends' };
    default:
      return undefined;
  }
}

/** Grants before its own, if every tenant that waits gets its turn once before each of those of its own tenant. */
function grantsBefore(state: SchedulerState, task: number, { ofTenant, tenants }: Ahead): number {
  const flows = state.queue.shapes[state.tasks.shapes[task]!]!.flows.size;
  return ofTenant * Math.max(1, state.config.share.single === true ? 1 : flows) + tenants;
}
