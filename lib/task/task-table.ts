/**
 * The slab that holds every unsettled task: one small integer per task, one typed array per field.
 *
 * Thread safety: one owner (the scheduler's state). Freed indices are reused, last freed first; an index is unique among
 * tasks that are not free. Fields of a free index are garbage.
 * Invariants: 1. `states[t] === free` exactly for indices on the free list or never used. 2. `size` counts the others.
 * Complexity: allocate and release O(1) amortised (doubling copies every column once).
 * Memory: {@link BYTES_PER_TASK} bytes per index of capacity, and 4 bytes in its order heap while queued.
 */
import { invariant } from '../base/errors.js';
import { TaskState } from './task-state.js';

export const NONE = -1;

export class TaskTable {
  size = 0;
  #capacity: number;
  #used = 0;
  #freeHead: number = NONE;

  states: Uint8Array;
  classes: Uint8Array;
  /** How often the task was granted. */
  attempts: Uint8Array;
  /** 1 while the task holds its lease. */
  leased: Uint8Array;

  tenants: Int32Array;
  models: Int32Array;
  shapes: Int32Array;
  /** Order lane inside its flow. */
  lanes: Int32Array;
  /** Slot while leased, else NONE. */
  slots: Int32Array;
  /** NONE while unknown. */
  promptTokens: Int32Array;
  /** Most tokens it may generate. */
  outputLimits: Int32Array;
  /** Generated so far. */
  outputTokens: Int32Array;
  /** Neighbours in the arrival list of its shape. `next` also links the free list. */
  previous: Int32Array;
  next: Int32Array;
  /** Index in its order heap, NONE when in none. */
  orderAt: Int32Array;
  /** Index in the deadline heap, NONE when in none. */
  deadlineAt: Int32Array;

  /** Caller's priority as given, finite. */
  priorities: Float64Array;
  /** Order key, larger first; set when queued. */
  keys: Float64Array;
  /** Submission number: earlier is smaller; breaks ties. */
  sequences: Float64Array;
  arrivalsMs: Float64Array;
  grantsMs: Float64Array;
  /** Absolute; Infinity for none. */
  deadlinesMs: Float64Array;
  /** Instant at which the deadline heap fires. */
  deadlineKeysMs: Float64Array;
  /** Resource demand as one number (the R of `seed`): tokens for model work. */
  sizes: Float64Array;
  /** Estimated service time C, seconds, > 0. */
  serviceSeconds: Float64Array;
  /** Session number, 0 for none. */
  sessions: Float64Array;

  constructor(capacity = 64) {
    invariant(Number.isInteger(capacity) && capacity > 0, 'a task table starts with at least one index');
    this.#capacity = capacity;
    const bytes = () => new Uint8Array(capacity);
    const ints = () => new Int32Array(capacity);
    const doubles = () => new Float64Array(capacity);
    this.states = bytes();
    this.classes = bytes();
    this.attempts = bytes();
    this.leased = bytes();
    this.tenants = ints();
    this.models = ints();
    this.shapes = ints();
    this.lanes = ints();
    this.slots = ints();
    this.promptTokens = ints();
    this.outputLimits = ints();
    this.outputTokens = ints();
    this.previous = ints();
    this.next = ints();
    this.orderAt = ints();
    this.deadlineAt = ints();
    this.priorities = doubles();
    this.keys = doubles();
    this.sequences = doubles();
    this.arrivalsMs = doubles();
    this.grantsMs = doubles();
    this.deadlinesMs = doubles();
    this.deadlineKeysMs = doubles();
    this.sizes = doubles();
    this.serviceSeconds = doubles();
    this.sessions = doubles();
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** A free index with links and leases cleared; its state is still `free` until the caller moves it. */
  allocate(): number {
    let task = this.#freeHead;
    if (task === NONE) {
      if (this.#used === this.#capacity) this.#grow();
      task = this.#used++;
    } else {
      this.#freeHead = this.next[task]!;
    }
    this.size++;
    this.attempts[task] = 0;
    this.leased[task] = 0;
    this.slots[task] = NONE;
    this.outputTokens[task] = 0;
    this.previous[task] = NONE;
    this.next[task] = NONE;
    this.orderAt[task] = NONE;
    this.deadlineAt[task] = NONE;
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

  /** Is `task` an index that is in use? False for any other number. */
  isLive(task: number): boolean {
    return Number.isInteger(task) && task >= 0 && task < this.#used && this.states[task] !== TaskState.free;
  }

  /** Calls `visit` for every index in use, in index order. O(capacity): for rare events and statistics. */
  forEachLive(visit: (task: number) => void): void {
    for (let task = 0; task < this.#used; task++) if (this.states[task] !== TaskState.free) visit(task);
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    for (const column of BYTE_COLUMNS) this[column] = widen(this[column], new Uint8Array(capacity));
    for (const column of INT_COLUMNS) this[column] = widen(this[column], new Int32Array(capacity));
    for (const column of DOUBLE_COLUMNS) this[column] = widen(this[column], new Float64Array(capacity));
    this.#capacity = capacity;
  }
}

function widen<T extends Uint8Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

const BYTE_COLUMNS = ['states', 'classes', 'attempts', 'leased'] as const;
const INT_COLUMNS = [
  'tenants',
  'models',
  'shapes',
  'lanes',
  'slots',
  'promptTokens',
  'outputLimits',
  'outputTokens',
  'previous',
  'next',
  'orderAt',
  'deadlineAt',
] as const;
const DOUBLE_COLUMNS = [
  'priorities',
  'keys',
  'sequences',
  'arrivalsMs',
  'grantsMs',
  'deadlinesMs',
  'deadlineKeysMs',
  'sizes',
  'serviceSeconds',
  'sessions',
] as const;

/** Bytes of one task index in the table. */
export const BYTES_PER_TASK = BYTE_COLUMNS.length + 4 * INT_COLUMNS.length + 8 * DOUBLE_COLUMNS.length;
