/** A task as seen from outside: what its submission said and what commands and events told since. Nothing is read from the core. */

/** A demand vector. */
export interface Vector {
  readonly pools: readonly number[];
  readonly amounts: readonly number[];
  /** The amounts rounded up as tasks of one kind count in line. */
  readonly rounded: readonly number[];
  /** By class × 64 + bound bucket: number of the kind of task that may share a queue with it; 0 while unknown. */
  readonly kinds: Int32Array;
}

/** How a started function stands to its lease: never gave it back, is without it, has it back. */
export const Lease = { whole: 0, none: 1, pools: 2 } as const;
export type Lease = (typeof Lease)[keyof typeof Lease];

/** What the descendants of a task may use together. */
export interface SeenRun {
  readonly parent: SeenRun | undefined;
  readonly budget: number;
  spent: number;
}

export interface SeenGang {
  readonly number: number;
  readonly size: number;
  readonly members: SeenTask[];
  /** Members that were submitted, refused ones included. */
  arrived: number;
  isBroken: boolean;
  hasStarted: boolean;
  /** What all ask for together, once all are there. */
  demand: Vector | undefined;
}

/**
 * waits → leased → (over: settled, what ran has not let go) → gone; or waits → ending → gone. A function that awaits children goes
 * leased → away → waits → leased on the way.
 */
export const Phase = { waits: 0, away: 1, leased: 2, over: 3, ending: 4, gone: 5 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

const NEVER = Number.NEGATIVE_INFINITY;

export class SeenTask {
  readonly index: number;
  /** Place in the list of live tasks. */
  at = 0;
  phase: Phase = Phase.waits;
  sequence = 0;
  classIndex = 0;
  tenant = 0;
  model = 0;
  session = 0;
  priority = 0;
  arrivalMs = 0;
  deadlineMs = Number.POSITIVE_INFINITY;
  declaredSeconds = Number.NaN;
  size = Number.NaN;
  promptTokens = 0;
  outputLimit = 0;
  outputTokens = 0;
  boundMs = 0;
  timeoutMs = 0;
  maxAttempts = 1;
  attempts = 0;
  grantMs = Number.NaN;
  /** When it began to wait again. */
  cameBackMs = Number.NaN;
  slot = -1;
  group = 0;
  demand!: Vector;
  /** Its demand without the windows. */
  poolsAlone!: Vector;
  lease: Lease = Lease.whole;
  /** When it came back last. */
  backMs = Number.NaN;
  gang: SeenGang | undefined = undefined;
  parent: SeenTask | undefined = undefined;
  run: SeenRun | undefined = undefined;
  depth = 0;
  /** Submission number of the outermost task of its run. */
  since = 0;
  /** What the runs above it bear for it. */
  charged = 0;
  outcome = -1;
  /** Its outcome is what its backend reported. */
  hasReported = false;
  hasStop = false;

  /** Its size is not known yet. */
  needsSize = false;
  /** It may not be granted before. */
  backOffUntilMs: number = NEVER;
  /** Everything that its key needs is known and its back-off is over. */
  isReady = false;
  /** May be granted: ready, and its gang and its group let it. */
  isGrantable = false;
  seconds = Number.NaN;
  urgency = 0;
  key = 0;
  lane = 0;
  isOfRun = false;

  /** Its backend has made progress. */
  hasBegun = false;
  pausedSinceMs: number = NEVER;
  readonly grownPools: number[] = [];
  readonly grownAmounts: number[] = [];

  /** Grants on its pool in a row that went to others while it was overdue and could start, and how many of them to older ones in their turn. */
  passedOverdue = 0;
  olderServed = 0;

  constructor(index: number) {
    this.index = index;
  }

  get isPaused(): boolean {
    return this.pausedSinceMs > NEVER;
  }

  /** From when its class's time-out counts. */
  get waitsSinceMs(): number {
    return this.attempts > 0 ? this.cameBackMs : this.arrivalMs;
  }

  /** The runs above it bear so much more for it, or less. */
  charge(work: number): void {
    this.charged += work;
    for (let run = this.parent?.run; run !== undefined; run = run.parent) run.spent += work;
  }

  /** What it takes or holds itself. */
  get holding(): Vector {
    return this.lease === Lease.whole ? this.demand : this.poolsAlone;
  }

  get holdsLease(): boolean {
    return (this.phase === Phase.leased || this.phase === Phase.over) && this.lease !== Lease.none;
  }

  /** Was started, and its outcome is open. */
  get isStarted(): boolean {
    return this.phase === Phase.leased || this.phase === Phase.away || (this.phase === Phase.waits && this.isAside);
  }

  /** It gave its lease back and has not got it again. */
  get isAside(): boolean {
    return this.lease === Lease.none;
  }

  /** What it asks for: the first of a complete gang asks for all. */
  get wants(): Vector {
    const { gang } = this;
    return gang?.demand !== undefined && gang.members[0] === this && !gang.hasStarted ? gang.demand : this.holding;
  }

  /** Until when all that starts with it has declared to be done; 0 when some of it declares nothing. */
  get wantsBoundMs(): number {
    const { gang } = this;
    if (this.isAside) return 0;
    if (gang === undefined || this.wants !== gang.demand) return this.boundMs;
    let longestMs = 0;
    for (const { boundMs } of gang.members) {
      if (boundMs === 0) return 0;
      longestMs = Math.max(longestMs, boundMs);
    }
    return longestMs;
  }

  /** Work that is known, as limits count it. */
  get work(): number {
    return Number.isNaN(this.size) ? Math.max(0, this.promptTokens) + this.outputLimit : this.size;
  }

  /** The last instant at which starting it makes sense. */
  get startByMs(): number {
    const isGuess = this.model < 0 && Number.isNaN(this.declaredSeconds);
    return isGuess || Number.isNaN(this.seconds) ? this.deadlineMs : this.deadlineMs - this.seconds * 1_000;
  }
}

export function amountIn({ pools, amounts }: Vector, pool: number): number {
  for (let i = 0; i < pools.length; i++) if (pools[i] === pool) return amounts[i]!;
  return 0;
}

/** What a task with a lease holds of a pool. */
export function heldIn(task: SeenTask, pool: number): number {
  let held = amountIn(task.holding, pool);
  for (let i = 0; i < task.grownPools.length; i++) if (task.grownPools[i] === pool) held += task.grownAmounts[i]!;
  return held;
}
