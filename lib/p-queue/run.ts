/**
 * A function that was called and has not ended. Runs are used again, and what they hand to promises is made once, so a start makes no
 * closure. A run whose task ended before its function is not: the function may still end.
 */
import { follow } from '../runtime/index.js';

const IDLE_MAX = 1_024;

/** Who is told of the end of functions. */
export interface RunOwner<Task> {
  completed(task: Task, value: unknown): void;
  failed(task: Task, error: unknown): void;
}

export class Run<Task> {
  /** Wall clock at the call, ms. */
  startTime = 0;
  /** Calls before this one. */
  order = 0;
  /** The function threw at once, and the listeners know. */
  hasToldError = false;
  readonly #runs: Runs<Task>;
  #task: Task | undefined;
  readonly #onReturn = (value: unknown) => {
    const task = this.#end();
    if (task !== undefined) this.#runs.owner.completed(task, value);
  };
  readonly #onThrow = (error: unknown) => {
    const task = this.#end();
    if (task !== undefined) this.#runs.owner.failed(task, error);
  };

  constructor(runs: Runs<Task>) {
    this.#runs = runs;
  }

  begin(task: Task, startTime: number): void {
    this.#task = task;
    this.startTime = startTime;
    this.order = this.#runs.begun++;
    this.hasToldError = false;
  }

  /** The end of what the function returned is the end of the task. Throws only what looking at it throws. */
  follow(result: unknown): void {
    follow(result, this.#onReturn, this.#onThrow);
  }

  /** The function has thrown: that is the end of the task once the caller's code had its turn. */
  followError(error: unknown): void {
    queueMicrotask(() => this.#onThrow(error));
  }

  /** The task is over; whatever its function still does is nobody's business. */
  leave(): void {
    this.#task = undefined;
  }

  #end(): Task | undefined {
    const task = this.#task;
    this.#task = undefined;
    this.#runs.giveBack(this);
    return task;
  }
}

export class Runs<Task> {
  begun = 0;
  readonly owner: RunOwner<Task>;
  readonly #idle: Run<Task>[] = [];

  constructor(owner: RunOwner<Task>) {
    this.owner = owner;
  }

  take(): Run<Task> {
    return this.#idle.pop() ?? new Run(this);
  }

  giveBack(run: Run<Task>): void {
    if (this.#idle.length < IDLE_MAX) this.#idle.push(run);
  }
}
