/**
 * Waiting tasks in an object of the user's (`queueClass`), which decides who is next. The scheduler sees a task when its turn has come.
 */
import type { Queue, QueueAddOptions, RunFunction } from './options.js';
import { PriorityQueue } from './priority-queue.js';
import { Phase, type QueuedTask } from './queued-task.js';

export class CustomLine<QueueType extends Queue<RunFunction, AddOptions>, AddOptions extends QueueAddOptions> {
  /** The tasks that wait, also those that a wrapping object has given out and not run yet. */
  readonly waiting = new Set<QueuedTask>();
  readonly #queueClass: new () => QueueType;
  readonly #begin: (task: QueuedTask) => void;
  #queue: QueueType;
  /** By what we handed in for them; an object that wraps it hands out something else. */
  readonly #tasks = new WeakMap<RunFunction, QueuedTask>();

  /** @param begin - called when the object runs a task */
  constructor(queueClass: new () => QueueType, begin: (task: QueuedTask) => void) {
    this.#queueClass = queueClass;
    this.#begin = begin;
    this.#queue = new queueClass();
  }

  get size(): number {
    return this.#queue.size;
  }

  enqueue(task: QueuedTask, options: Partial<AddOptions>): void {
    const extras = task.extras!;
    const run = (): Promise<unknown> => {
      // It was cleared or aborted, or the object runs it twice.
      if (task.phase !== Phase.waiting || extras.onOver !== undefined) return Promise.resolve();
      return new Promise<void>((resolve) => {
        extras.onOver = resolve;
        this.#begin(task);
      });
    };
    extras.run = run;
    this.#tasks.set(run, task);
    this.#queue.enqueue(run, options);
    if (task.phase === Phase.waiting) this.waiting.add(task);
  }

  /** The next run whose task still waits; undefined when the object gives out none now. */
  dequeue(): RunFunction | undefined {
    for (;;) {
      const run = this.#queue.dequeue();
      if (run === undefined) return undefined;
      const task = this.#tasks.get(run);
      if (task === undefined || task.phase === Phase.waiting) return run;
    }
  }

  /** An aborted task; an object that cannot remove it gives it out later, and then it is skipped. */
  remove(task: QueuedTask): void {
    // Ids need not be unique; only our own class can be told exactly which one.
    if (this.#queue instanceof PriorityQueue) this.#queue.remove(task.extras!.run!);
    else this.#queue.remove?.(task.id);
  }

  filter(options: Readonly<Partial<AddOptions>>): number {
    return this.#queue.filter(options).length;
  }

  setPriority(id: string, priority: number): void {
    this.#queue.setPriority(id, priority);
  }

  clear(): void {
    this.#queue = new this.#queueClass();
  }
}
