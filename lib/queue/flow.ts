/** The waiting tasks of one tenant and one shape, and the index of all flows of one shape by their tenants' share. */
import { NONE, RUN_LANE, type TaskTable } from '../task/index.js';
import { type HeapColumns, TaskHeap } from './task-heap.js';

/** Waiting tasks of one tenant and shape; one heap per order lane, because only tasks of one lane keep their order. */
export class Flow {
  tenant: number = NONE;
  /** Tasks that may be granted. */
  size = 0;
  /** Index in the shape's flow heap, NONE when the flow is empty. */
  position: number = NONE;
  /** The tenant's share key, smaller is served first. */
  shareKey = 0;
  readonly lanes: TaskHeap[] = [];
  /** The same for work of runs that have started. */
  readonly runLanes: TaskHeap[] = [];
  readonly #columns: HeapColumns;

  constructor(columns: HeapColumns) {
    this.#columns = columns;
  }

  push(tasks: TaskTable, task: number): void {
    this.#laneOf(tasks.lanes[task]!).push(task, tasks.keys[task]!);
    this.size++;
  }

  remove(tasks: TaskTable, task: number): void {
    this.#laneOf(tasks.lanes[task]!).remove(task);
    this.size--;
  }

  update(tasks: TaskTable, task: number): void {
    this.#laneOf(tasks.lanes[task]!).update(task, tasks.keys[task]!);
  }

  #laneOf(lane: number): TaskHeap {
    const lanes = lane < RUN_LANE ? this.lanes : this.runLanes;
    const index = lane < RUN_LANE ? lane : lane - RUN_LANE;
    while (lanes.length <= index) lanes.push(new TaskHeap(this.#columns));
    return lanes[index]!;
  }
}

/** A binary min-heap of non-empty flows by (share key, tenant). O(log flows) per change, O(1) to look at the first. */
export class FlowHeap {
  readonly #flows: Flow[] = [];

  get size(): number {
    return this.#flows.length;
  }

  peek(): Flow | undefined {
    return this.#flows[0];
  }

  /** Calls `visit` for every flow before the place of (share key, tenant), in no particular order. O(those flows). */
  forEachBefore(shareKey: number, tenant: number, visit: (flow: Flow) => void, from = 0): void {
    const flow = this.#flows[from];
    if (flow === undefined || !isBefore(flow, shareKey, tenant)) return;
    visit(flow);
    this.forEachBefore(shareKey, tenant, visit, from * 2 + 1);
    this.forEachBefore(shareKey, tenant, visit, from * 2 + 2);
  }

  push(flow: Flow): void {
    flow.position = this.#flows.length;
    this.#flows.push(flow);
    this.#up(flow);
  }

  remove(flow: Flow): void {
    const hole = flow.position;
    flow.position = NONE;
    const last = this.#flows.pop()!;
    if (last === flow) return;
    this.#flows[hole] = last;
    last.position = hole;
    this.update(last);
  }

  update(flow: Flow): void {
    if (this.#flows.length === 1) return;
    this.#up(flow);
    this.#down(flow);
  }

  #up(flow: Flow): void {
    while (flow.position > 0) {
      const parent = this.#flows[(flow.position - 1) >> 1]!;
      if (!ahead(flow, parent)) return;
      this.#swap(flow, parent);
    }
  }

  #down(flow: Flow): void {
    for (;;) {
      const left = this.#flows[flow.position * 2 + 1];
      if (left === undefined) return;
      const right = this.#flows[flow.position * 2 + 2];
      const child = right !== undefined && ahead(right, left) ? right : left;
      if (!ahead(child, flow)) return;
      this.#swap(child, flow);
    }
  }

  #swap(a: Flow, b: Flow): void {
    const position = a.position;
    a.position = b.position;
    b.position = position;
    this.#flows[a.position] = a;
    this.#flows[b.position] = b;
  }
}

function ahead(a: Flow, b: Flow): boolean {
  return isBefore(a, b.shareKey, b.tenant);
}

function isBefore(flow: Flow, shareKey: number, tenant: number): boolean {
  return flow.shareKey < shareKey || (flow.shareKey === shareKey && flow.tenant < tenant);
}
