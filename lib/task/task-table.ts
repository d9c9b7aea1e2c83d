/**
 * The slab that holds every unsettled task: one small integer per task, one typed array per field.
 *
 * What is asked of a task is asked of many of its fields at once, and of tasks at random places. So the fields of a task are neighbours:
 * columns of one width are views of one buffer, each begins one number later than the one before, and an index is a multiple of
 * {@link INDEX_STEP}. A task so takes four or five cache lines, and not one for each field.
 *
 * Thread safety: one owner (the scheduler's state). Freed indices are reused, last freed first; an index is unique among
 * tasks that are not free. Fields of a free index are garbage.
 * Invariants: 1. `states[t] === free` exactly for indices on the free list or never used. 2. `size` counts the others.
 * Complexity: allocate and release O(1) amortised (growing copies every row).
 * Memory: {@link bytesPerTask} bytes per task of capacity, and 12 bytes in its order heap while queued.
 */
import { invariant } from '../base/errors.js';
import { TaskState, transition } from './task-state.js';

export const NONE = -1;

/** Lanes from this one on are for work of runs that have started, which goes before new runs of its tenant. */
export const RUN_LANE = 64;

/** What a submitted task waits for before it may be granted. */
export const Hold = { none: 0, size: 1, backOff: 2, gang: 3, group: 4 } as const;
export type Hold = (typeof Hold)[keyof typeof Hold];
/**
 * How a started function stands to its lease: it never gave it back; it is `away`, without one, while it awaits children or waits for
 * its turn; or it is `back`, holding the pools of its demand and no window of time, which it has paid for already.
 */
export const Aside = { no: 0, away: 1, back: 2 } as const;
export type Aside = (typeof Aside)[keyof typeof Aside];

export const HOLD_NAMES = ['none', 'size', 'back-off', 'gang', 'group'] as const;

/** From one index to the next: the fields that one row of a buffer has room for. */
export const INDEX_STEP = 8;
const INDEX_BITS = 3;

/** Place of an index among all, 0, 1, 2 …: for what others keep per task. */
export function rowOf(task: number): number {
  return task >> INDEX_BITS;
}

/** Above this capacity the table grows by a quarter and not to the double, so that little of it lies idle. */
const DOUBLE_UP_TO = 65_536;

export class TaskTable {
  size = 0;
  #capacity: number;
  /** Indices that were ever given out are below this. */
  #end = 0;
  #freeHead: number = NONE;
  readonly #rows: readonly Row[];

  states!: Uint8Array;
  classes!: Uint8Array;
  /** How often the task was granted. */
  attempts!: Uint8Array;
  /** How often it may be granted. */
  maxAttempts!: Uint8Array;
  /** 1 while the task holds its lease. */
  leased!: Uint8Array;
  /** An {@link Aside}. */
  asides!: Int32Array;
  /** Order lane inside its flow; from {@link RUN_LANE} on for work of a started run. */
  lanes!: Uint8Array;
  /** Why a submitted task may not be granted yet, a {@link Hold}. */
  holds!: Uint8Array;
  /** 1 when its service time was declared, and not assumed. */
  declares!: Uint8Array;

  tenants!: Int32Array;
  /** Model index, NONE for a function. */
  models!: Int32Array;
  /** Shape while it waits. */
  shapes!: Int32Array;
  /** Demand number. */
  demands!: Int32Array;
  /** Neighbours in the arrival list of its shape, or in the list of leaseholders. `next` also links the free list. */
  previous!: Int32Array;
  next!: Int32Array;
  /** Index in its order heap, NONE when in none. */
  orderAt!: Int32Array;
  /** Index in the heap of instants, NONE when in none. */
  instantAt!: Int32Array;
  /** Declared upper bound of the service time, ms; 0 for none. */
  boundsMs!: Int32Array;
  /** Longest run, ms; 0 for no limit. */
  timeoutsMs!: Int32Array;

  /** Caller's priority as given, finite. */
  priorities!: Float64Array;
  /** Order key, larger first; set when queued. While the task backs off: the instant at which it is queued again. */
  keys!: Float64Array;
  /** Submission number: earlier is smaller; breaks ties. */
  sequences!: Float64Array;
  arrivalsMs!: Float64Array;
  /** When it was granted; while it waits again, since when. */
  grantsMs!: Float64Array;
  /** Absolute; Infinity for none. */
  deadlinesMs!: Float64Array;
  /** Work as one number (the R of `seed`): tokens for model work, the weight of a function. NaN while unknown. */
  sizes!: Float64Array;
  /** Estimated service time C, seconds, > 0. */
  serviceSeconds!: Float64Array;

  /** These only where models are served: slot while leased, else NONE. */
  slots!: Int32Array;
  /** NONE while unknown. */
  promptTokens!: Int32Array;
  /** Most tokens it may generate. */
  outputLimits!: Int32Array;
  /** Generated so far. */
  outputTokens!: Int32Array;
  /** Session number, 0 for none. */
  sessions!: Float64Array;

  /** How often each edge was taken: from state × 8 + to state. */
  readonly edgeCounts = new Float64Array(64);

  /** @param hasModels - without models the columns that only their tasks use take no memory and are not to be read */
  constructor(hasModels = true, capacity = 16) {
    invariant(Number.isInteger(capacity) && capacity > 0, 'a task table starts with at least one index');
    this.#capacity = capacity;
    this.#rows = hasModels ? [...COMMON_ROWS, ...MODEL_ROWS] : COMMON_ROWS;
    for (const { type, names } of MODEL_ROWS) for (const name of names) this.#set(name, new type(0));
    this.#resize(capacity);
  }

  /** Tasks that there is room for without growing. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Every index in use is below this. */
  get end(): number {
    return this.#end;
  }

  /** A free index with links and leases cleared; its state is still `free` until the caller moves it. */
  allocate(): number {
    let task = this.#freeHead;
    if (task === NONE) {
      if (this.#end === this.#capacity * INDEX_STEP) {
        this.#resize(this.#capacity < DOUBLE_UP_TO ? this.#capacity * 2 : Math.ceil(this.#capacity * 1.25));
      }
      task = this.#end;
      this.#end += INDEX_STEP;
    } else {
      this.#freeHead = this.next[task]!;
    }
    this.size++;
    this.attempts[task] = 0;
    this.leased[task] = 0;
    this.asides[task] = 0;
    this.holds[task] = 0;
    this.previous[task] = NONE;
    this.next[task] = NONE;
    this.orderAt[task] = NONE;
    this.instantAt[task] = NONE;
    this.grantsMs[task] = Number.NaN;
    return task;
  }

  /** Gives an index back; its state must be `free` already. */
  release(task: number): void {
    invariant(this.states[task] === TaskState.free, `task ${task} is released while it is not free`);
    this.size--;
    this.next[task] = this.#freeHead;
    this.#freeHead = task;
  }

  /** Moves `task` along an allowed edge; any other is a bug and throws. */
  move(task: number, to: TaskState): void {
    this.edgeCounts[transition(this.states, task, to)]!++;
  }

  /** Is `task` an index that is in use? False for any other number. */
  isLive(task: number): boolean {
    return task >= 0 && task < this.#end && task % INDEX_STEP === 0 && this.states[task] !== TaskState.free;
  }

  /** Calls `visit` for every index in use, in index order. O(capacity): for rare events and statistics. */
  forEachLive(visit: (task: number) => void): void {
    for (let task = 0; task < this.#end; task += INDEX_STEP) if (this.states[task] !== TaskState.free) visit(task);
  }

  #resize(capacity: number): void {
    for (const { type, names } of this.#rows) {
      const all = new type(capacity * INDEX_STEP);
      const before = this[names[0]!] as Column | undefined;
      if (before !== undefined) all.set(before);
      for (let i = 0; i < names.length; i++) {
        this.#set(names[i]!, new type(all.buffer, i * type.BYTES_PER_ELEMENT));
      }
    }
    this.#capacity = capacity;
  }

  #set(name: ColumnName, column: Column): void {
    (this as Record<ColumnName, unknown>)[name] = column;
  }
}

type Column = Uint8Array | Int32Array | Float64Array;
type ColumnName = {
  [K in keyof TaskTable]: TaskTable[K] extends Column ? K : never;
}[Exclude<keyof TaskTable, 'edgeCounts'>];

/** Up to {@link INDEX_STEP} columns of one width. The first one spans the whole buffer. */
interface Row {
  readonly type: typeof Uint8Array | typeof Int32Array | typeof Float64Array;
  readonly names: readonly ColumnName[];
}

const COMMON_ROWS: readonly Row[] = [
  {
    type: Uint8Array,
    names: ['states', 'classes', 'attempts', 'maxAttempts', 'leased', 'lanes', 'holds', 'declares'],
  },
  {
    type: Int32Array,
    names: ['tenants', 'models', 'shapes', 'demands', 'previous', 'next', 'orderAt', 'instantAt'],
  },
  {
    type: Float64Array,
    names: ['priorities', 'keys', 'sequences', 'arrivalsMs', 'grantsMs', 'deadlinesMs', 'sizes', 'serviceSeconds'],
  },
  { type: Int32Array, names: ['boundsMs', 'timeoutsMs', 'asides'] },
];

const MODEL_ROWS: readonly Row[] = [
  { type: Int32Array, names: ['slots', 'promptTokens', 'outputLimits', 'outputTokens'] },
  { type: Float64Array, names: ['sessions'] },
];

/** Bytes of one task in the table. */
export function bytesPerTask(hasModels: boolean): number {
  const rows = hasModels ? [...COMMON_ROWS, ...MODEL_ROWS] : COMMON_ROWS;
  return rows.reduce((sum, { type }) => sum + type.BYTES_PER_ELEMENT * INDEX_STEP, 0);
}
