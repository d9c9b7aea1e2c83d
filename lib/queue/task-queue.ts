/**
 * Every task that waits, found four ways: per shape by arrival (bounds and time-outs), per shape by its tenants' share, per
 * flow by order, and by its index (removal).
 *
 * It knows no policy: keys, lanes and share keys are given to it.
 * Invariants: 1. A task is in an arrival list from `enlist` to `delist`; it is in one order heap of a flow from `enqueue` to `dequeue`.
 * 2. A flow is in its shape's flow heap exactly while it is not empty.
 * Complexity: enlist O(1) (O(distance) for one that comes back to its place), enqueue and dequeue O(log n), heads O(1).
 */
import { NONE, type TaskTable } from '../task/index.js';
import { Flow, FlowHeap } from './flow.js';
import type { HeapColumns } from './task-heap.js';

/** The waiting tasks of one shape. */
export interface ShapeQueue {
  /** Flows that have a task to grant, by share. */
  readonly flows: FlowHeap;
  /** Earliest and latest arrival, NONE when empty. Tasks that may not be granted yet are listed too. */
  first: number;
  last: number;
  /** Tasks in the arrival list. */
  listed: number;
  /** Tasks that may be granted. */
  queued: number;
}

/** What a tenant has waiting. */
interface TenantQueue {
  /** By shape. */
  readonly flows: (Flow | undefined)[];
  /** Tasks that may be granted. */
  queued: number;
}

/** Empty flows that are kept for re-use. */
const SPARE_FLOWS_MAX = 64;

export class TaskQueue {
  readonly shapes: ShapeQueue[] = [];
  /** Tasks in arrival lists: queued, and submitted. */
  size = 0;
  readonly columns: HeapColumns;
  readonly #tasks: TaskTable;
  readonly #tenants: (TenantQueue | undefined)[] = [];
  readonly #spare: Flow[] = [];

  constructor(tasks: TaskTable) {
    this.#tasks = tasks;
    this.columns = { sequences: () => tasks.sequences, at: () => tasks.orderAt };
  }

  shape(index: number): ShapeQueue {
    while (this.shapes.length <= index) {
      this.shapes.push({ flows: new FlowHeap(), first: NONE, last: NONE, listed: 0, queued: 0 });
    }
    return this.shapes[index]!;
  }

  /** Does nobody wait in this shape? */
  isIdle(index: number): boolean {
    return this.shapes[index]?.listed === 0;
  }

  /** Puts a task into its shape's arrival list, in the place of its sequence. */
  enlist(task: number): void {
    const tasks = this.#tasks;
    const shape = this.shape(tasks.shapes[task]!);
    this.size++;
    shape.listed++;
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

  /** Takes a task, which is in no order heap, out of its arrival list. */
  delist(task: number): void {
    const tasks = this.#tasks;
    const shape = this.shapes[tasks.shapes[task]!]!;
    this.size--;
    shape.listed--;
    const before = tasks.previous[task]!;
    const after = tasks.next[task]!;
    if (before === NONE) shape.first = after;
    else tasks.next[before] = after;
    if (after === NONE) shape.last = before;
    else tasks.previous[after] = before;
    tasks.previous[task] = NONE;
    tasks.next[task] = NONE;
  }

  /** Makes a listed task grantable. Its key and lane are set; `shareKey` is its tenant's, read when the flow becomes non-empty. */
  enqueue(task: number, tenant: number, shareKey: number): void {
    const tasks = this.#tasks;
    const index = tasks.shapes[task]!;
    const shape = this.shapes[index]!;
    const own = this.#tenantQueue(tenant);
    let flow = own.flows[index];
    if (flow === undefined) {
      flow = this.#spare.pop() ?? new Flow(this.columns);
      flow.tenant = tenant;
      flow.shareKey = shareKey;
      while (own.flows.length <= index) own.flows.push(undefined);
      own.flows[index] = flow;
      shape.flows.push(flow);
    }
    flow.push(tasks, task);
    shape.queued++;
    own.queued++;
  }

  /** Takes a grantable task out of its order heap; it stays listed. `tenant` as given to `enqueue`. */
  dequeue(task: number, tenant: number): void {
    const index = this.#tasks.shapes[task]!;
    const shape = this.shapes[index]!;
    const own = this.#tenants[tenant]!;
    const flow = own.flows[index]!;
    flow.remove(this.#tasks, task);
    shape.queued--;
    own.queued--;
    if (flow.size > 0) return;
    shape.flows.remove(flow);
    own.flows[index] = undefined;
    if (this.#spare.length < SPARE_FLOWS_MAX) this.#spare.push(flow);
  }

  /** Restores the order after a grantable task's key changed. */
  rekey(task: number, tenant: number): void {
    this.flowOf(tenant, this.#tasks.shapes[task]!)!.update(this.#tasks, task);
  }

  /** The flow of this tenant and shape, when it has a task to grant. */
  flowOf(tenant: number, shape: number): Flow | undefined {
    return this.#tenants[tenant]?.flows[shape];
  }

  /** Tasks of the tenant that may be granted. */
  queuedOf(tenant: number): number {
    return this.#tenants[tenant]?.queued ?? 0;
  }

  /** Restores the order of the tenant's flows after its share key changed. */
  reshare(tenant: number, shareKey: number): void {
    const flows = this.#tenants[tenant]?.flows;
    if (flows === undefined) return;
    for (let index = 0; index < flows.length; index++) {
      const flow = flows[index];
      if (flow === undefined) continue;
      flow.shareKey = shareKey;
      this.shapes[index]!.flows.update(flow);
    }
  }

  /** Drops what is kept for a tenant that has nothing waiting. */
  forget(tenant: number): void {
    this.#tenants[tenant] = undefined;
  }

  #tenantQueue(tenant: number): TenantQueue {
    let own = this.#tenants[tenant];
    if (own === undefined) {
      own = { flows: [], queued: 0 };
      while (this.#tenants.length < tenant) this.#tenants.push(undefined);
      this.#tenants[tenant] = own;
    }
    return own;
  }
}
