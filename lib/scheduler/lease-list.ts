/** The tasks that hold a lease, oldest lease first, linked through the table's columns: they are in no arrival list meanwhile. */
import { NONE, type TaskTable } from '../task/index.js';

export class LeaseList {
  first: number = NONE;
  last: number = NONE;
  readonly #tasks: TaskTable;

  constructor(tasks: TaskTable) {
    this.#tasks = tasks;
  }

  add(task: number): void {
    const { previous, next } = this.#tasks;
    previous[task] = this.last;
    next[task] = NONE;
    if (this.last === NONE) this.first = task;
    else next[this.last] = task;
    this.last = task;
  }

  remove(task: number): void {
    const { previous, next } = this.#tasks;
    const before = previous[task]!;
    const after = next[task]!;
    if (before === NONE) this.first = after;
    else next[before] = after;
    if (after === NONE) this.last = before;
    else previous[after] = before;
    previous[task] = NONE;
    next[task] = NONE;
  }
}
