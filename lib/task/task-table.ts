/**
 * The slab that holds every unsettled task: one small integer per task, one typed array per field.
 *
 * Thread safety: one owner (the scheduler's state). Freed indices are reused, last freed first; an index is unique among
 * tasks that are not free. Fields of a free index are garbage.
 * Invariants: 1. `states[t] === free` exactly for indices on the free list or never used. 2. `size` counts the others.
 * Complexity: allocate and release O(1) amortised (growing copies every column).
 * Memory: {@link bytesPerTask} bytes per index of capacity, and 4 bytes in its order heap while queued.
 */
import { invariant } from '../base/errors.js';
import { TaskState, transition } from './task-state.js';

export const NONE = -1;

/** Lanes from this one on are for work of runs that have started, which goes before new runs of its tenant. */
export const RUN_LANE = 64;

/** What a submitted task waits for before it may be granted. */
export const Hold = { none: 0, size: 1, backOff: 2, gang: 3, group: 4 } as const;
export type Hold = (typeof Hold)[keyof typeof Hold];
export const HOLD_NAMES = ['none', 'size', 'back-off', 'gang', 'group'] as const;

/** Above this capacity the table grows by a quarter and not to the double, so that little of it lies idle. */
const DOUBLE_UP_TO = 65_536;

export class TaskTable {
  size = 0;
  #capacity: number;
  #used = 0;
  #freeHead: number = NONE;
  readonly #columns: readonly Column[];

  states!: Uint8Array;
  classes!: Uint8Array;
  /** How often the task was granted. */
  attempts!: Uint8Array;
  /** How often it may be granted. */
  maxAttempts!: Uint8Array;
  /** 1 while the task holds its lease. */
  leased!: Uint8Array;
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
  /** The next instant at which time alone changes something for this task. */
  instantsMs!: Float64Array;
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
    this.#columns = hasModels ? [...COMMON_COLUMNS, ...MODEL_COLUMNS] : COMMON_COLUMNS;
    for (const [name, type] of [...COMMON_COLUMNS, ...MODEL_COLUMNS]) this.#set(name, new type(0));
    this.#resize(capacity);
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** A free index with links and leases cleared; its state is still `free` until the caller moves it. */
  allocate(): number {
    let task = this.#freeHead;
    if (task === NONE) {
      if (this.#used === this.#capacity) {
        this.#resize(this.#capacity < DOUBLE_UP_TO ? this.#capacity * 2 : Math.ceil(this.#capacity * 1.25));
      }
      task = this.#used++;
    } else {
      this.#freeHead = this.next[task]!;
    }
    this.size++;
    this.attempts[task] = 0;
    this.leased[task] = 0;
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
    return Number.isInteger(task) && task >= 0 && task < this.#used && this.states[task] !== TaskState.free;
  }

  /** Calls `visit` for every index in use, in index order. O(capacity): for rare events and statistics. */
  forEachLive(visit: (task: number) => void): void {
    for (let task = 0; task < this.#used; task++) if (this.states[task] !== TaskState.free) visit(task);
  }

  #resize(capacity: number): void {
    for (const [name, type] of this.#columns) {
      const column = new type(capacity);
      column.set(this[name]);
      this.#set(name, column);
    }
    this.#capacity = capacity;
  }

  #set(name: ColumnName, column: Uint8Array | Int32Array | Float64Array): void {
    (this as Record<ColumnName, unknown>)[name] = column;
  }
}

type ColumnName = {
  [K in keyof TaskTable]: TaskTable[K] extends Uint8Array | Int32Array | Float64Array ? K : never;
}[Exclude<keyof TaskTable, 'edgeCounts'>];
type Column = readonly [ColumnName, typeof Uint8Array | typeof Int32Array | typeof Float64Array];

const COMMON_COLUMNS: readonly Column[] = [
  ['states', Uint8Array],
  ['classes', Uint8Array],
  ['attempts', Uint8Array],
  ['maxAttempts', Uint8Array],
  ['leased', Uint8Array],
  ['lanes', Uint8Array],
  ['holds', Uint8Array],
  ['declares', Uint8Array],
  ['tenants', Int32Array],
  ['models', Int32Array],
  ['shapes', Int32Array],
  ['demands', Int32Array],
  ['previous', Int32Array],
  ['next', Int32Array],
  ['orderAt', Int32Array],
  ['instantAt', Int32Array],
  ['boundsMs', Int32Array],
  ['timeoutsMs', Int32Array],
  ['priorities', Float64Array],
  ['keys', Float64Array],
  ['sequences', Float64Array],
  ['arrivalsMs', Float64Array],
  ['grantsMs', Float64Array],
  ['deadlinesMs', Float64Array],
  ['instantsMs', Float64Array],
  ['sizes', Float64Array],
  ['serviceSeconds', Float64Array],
];

const MODEL_COLUMNS: readonly Column[] = [
  ['slots', Int32Array],
  ['promptTokens', Int32Array],
  ['outputLimits', Int32Array],
  ['outputTokens', Int32Array],
  ['sessions', Float64Array],
];

/** Bytes of one task index in the table. */
export function bytesPerTask(hasModels: boolean): number {
  const columns = hasModels ? [...COMMON_COLUMNS, ...MODEL_COLUMNS] : COMMON_COLUMNS;
  return columns.reduce((sum, [, type]) => sum + type.BYTES_PER_ELEMENT, 0);
}
