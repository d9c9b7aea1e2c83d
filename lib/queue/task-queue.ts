/**
 * Every task that waits, found four ways: per shape by arrival (bounds and time-outs), per shape by its tenants' share, per
 * flow by order, and by its index (removal).
 *
 * It knows no policy: keys, lanes and share keys are given to it.
 * Invariants: 1. A task is in an arrival list from `enlist` to `remove`; it is in one order heap from `enqueue` to `remove`.
 * 2. A flow is in its shape's flow heap exactly while it is not empty.
 * Complexity: enlist O(1) (O(distance) for one that comes back to its place), enqueue and remove O(log n), heads O(1).
 */
import { NONE, type TaskTable } from '../task/index.js';
import { Flow, FlowHeap } from './flow.js';
import type { HeapColumns } from './task-heap.js';

/** The waiting tasks of one shape. */
export interface ShapeQueue {
  /** Flows that have a task to grant, by share. */
  readonly flows: FlowHeap;
  /** Earliest and latest arrival, NONE when empty. Tasks whose size is unknown are listed too. */
  first: number;
  last: number;
  /** Tasks that may be granted. */
  queued: number;
}

export class TaskQueue {
  readonly shapes: ShapeQueue[] = [];
  /** Tasks in arrival lists: queued, and submitted with unknown size. */
  size = 0;
  readonly #tasks: TaskTable;
  readonly #columns: HeapColumns;
  readonly #flowsByTenant: (Flow | undefined)[][] = [];

  constructor(tasks: TaskTable) {
    this.#tasks = tasks;
    this.#columns = { keys: () => tasks.keys, sequences: () => tasks.sequences, at: () => tasks.orderAt };
  }

  shape(index: number): ShapeQueue {
    while (this.shapes.length <= index) {
      this.shapes.push({ flows: new FlowHeap(), first: NONE, last: NONE, queued: 0 });
    }
    return this.shapes[index]!;
  }

  /** Puts a task into its shape's arrival list, in the place of its sequence. */
  enlist(task: number): void {
    const tasks = this.#tasks;
    const shape = this.shape(tasks.shapes[task]!);
    this.size++;
    let after = shape.last;
    if (after !== NONE && tasks.sequences[after]! > tasks.sequences[task]!) {
      // It was granted before and comes back: it belongs near the front.
      after = NONE;
      let ahead = shape.first;
      while (ahead !== NONE && tasks.sequences[ahead]! < tasks.sequences[task]!) {
        after = ahead;
        ahead = tasks.next[ahead]!;
      }
    }
    const before = after === NONE ? shape.first : tasks.next[after]!;
    tasks.previous[task] = after;
    tasks.next[task] = before;
    if (after === NONE) shape.first = task;
    else tasks.next[after] = task;
    if (before === NONE) shape.last = task;
    else tasks.previous[before] = task;
  }

  /** Makes a listed task grantable. Its key and lane are set; `shareKey` is its tenant's, read when the flow becomes non-empty. */
  enqueue(task: number, tenant: number, shareKey: number): void {
    const tasks = this.#tasks;
    const index = tasks.shapes[task]!;
    const shape = this.shape(index);
    const flow = this.#flow(tenant, index);
    flow.push(tasks, task);
    shape.queued++;
    if (flow.position === NONE) {
      flow.shareKey = shareKey;
      shape.flows.push(flow);
    }
  }

  /** Takes a task out of its list and, when it is in one, out of its heap. `tenant` as given to `enqueue`. */
  remove(task: number, tenant: number): void {
    const tasks = this.#tasks;
    const index = tasks.shapes[task]!;
    const shape = this.shapes[index]!;
    this.size--;
    if (tasks.orderAt[task] !== NONE) {
      const flow = this.#flow(tenant, index);
      flow.remove(tasks, task);
      shape.queued--;
      if (flow.size === 0) {
        shape.flows.remove(flow);
        this.#flowsByTenant[tenant]![index] = undefined;
      }
    }
    const before = tasks.previous[task]!;
    const after = tasks.next[task]!;
    if (before === NONE) shape.first = after;
    else tasks.next[before] = after;
    if (after === NONE) shape.last = before;
    else tasks.previous[after] = before;
    tasks.previous[task] = NONE;
    tasks.next[task] = NONE;
  }

  /** The flow of this tenant and shape, when it has a task to grant. */
  flowOf(tenant: number, shape: number): Flow | undefined {
    return this.#flowsByTenant[tenant]?.[shape];
  }

  /** Has the tenant any task to grant? */
  hasQueued(tenant: number): boolean {
    const flows = this.#flowsByTenant[tenant];
    return flows?.some((flow) => flow !== undefined) ?? false;
  }

  /** Restores the order of the tenant's flows after its share key changed. */
  reshare(tenant: number, shareKey: number): void {
    const flows = this.#flowsByTenant[tenant];
    if (flows === undefined) return;
    for (let index = 0; index < flows.length; index++) {
      const flow = flows[index];
      if (flow === undefined) continue;
      flow.shareKey = shareKey;
      this.shapes[index]!.flows.update(flow);
    }
  }

  #flow(tenant: number, shape: number): Flow {
    let flows = this.#flowsByTenant[tenant];
    if (flows === undefined) {
      flows = [];
      this.#flowsByTenant[tenant] = flows;
    }
    let flow = flows[shape];
    if (flow === undefined) {
      flow = new Flow(tenant, this.#columns);
      while (flows.length <= shape) flows.push(undefined);
      flows[shape] = flow;
    }
    return flow;
  }
}
