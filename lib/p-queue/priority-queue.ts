/**
 * The queue of p-queue as a class of its own, for code that extends it or gives it as `queueClass`. A queue without `queueClass`
 * does not use it: its tasks wait in the scheduler.
 *
 * One list for each priority, most urgent first. Invariants: 1. no list is empty; 2. `size` is the sum of their lengths.
 * Complexity with p distinct priorities and n elements: enqueue O(log p), and O(p) for a new priority; dequeue O(1) amortised, and
 * O(p) when a priority runs out; by id O(n).
 */
import { type Queue, type QueueAddOptions, type RunFunction, requirePriority } from './options.js';

export type PriorityQueueOptions = { priority?: number } & QueueAddOptions;

interface Element {
  readonly run: RunFunction;
  readonly id: string | undefined;
}

interface Level {
  readonly priority: number;
  elements: Element[];
  /** Elements before this one were given out. */
  first: number;
}

/** Given out elements are dropped from a level's array in steps of so many at least, so that each is moved O(1) times. */
const DROP_MIN = 64;

export class PriorityQueue implements Queue<RunFunction, PriorityQueueOptions> {
  #size = 0;
  readonly #levels: Level[] = [];

  get size(): number {
    return this.#size;
  }

  enqueue(run: RunFunction, options?: Partial<PriorityQueueOptions>): void {
    this.#insert({ run, id: options?.id }, options?.priority ?? 0);
  }

  /** The most urgent element, the oldest among equals; undefined when there is none. */
  dequeue(): RunFunction | undefined {
    const level = this.#levels[0];
    if (level === undefined) return undefined;
    const { run } = level.elements[level.first++]!;
    this.#size--;
    if (level.first === level.elements.length) this.#levels.shift();
    else if (level.first >= DROP_MIN && level.first * 2 >= level.elements.length) {
      level.elements = level.elements.slice(level.first);
      level.first = 0;
    }
    return run;
  }

  /** Those of exactly this priority, in their order. */
  filter(options: Readonly<Partial<PriorityQueueOptions>>): RunFunction[] {
    const level = this.#levels.find(({ priority }) => priority === options.priority);
    return level === undefined ? [] : level.elements.slice(level.first).map(({ run }) => run);
  }

  /**
   * Gives the first element with that id another priority, behind its new equals.
   * @throws TypeError for a priority that is not finite, ReferenceError when there is no such element
   */
  setPriority(id: string, priority: number): void {
    requirePriority(priority);
    const element = this.#take((candidate) => candidate.id === id);
    if (element === undefined) throw noSuchTask(id);
    this.#insert(element, priority);
  }

  /** Drops the first element with that id, or that function; nothing when there is none. */
  remove(which: string | RunFunction): void {
    if (which === undefined) return;
    this.#take(typeof which === 'function' ? ({ run }) => run === which : ({ id }) => id === which);
  }

  #insert(element: Element, priority: number): void {
    let low = 0;
    let high = this.#levels.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#levels[middle]!.priority > priority) low = middle + 1;
      else high = middle;
    }
    const level = this.#levels[low];
    if (level?.priority === priority) level.elements.push(element);
    else this.#levels.splice(low, 0, { priority, elements: [element], first: 0 });
    this.#size++;
  }

  #take(matches: (element: Element) => boolean): Element | undefined {
    for (const [at, level] of this.#levels.entries()) {
      const index = level.elements.findIndex((element, place) => place >= level.first && matches(element));
      if (index < 0) continue;
      const [element] = level.elements.splice(index, 1);
      this.#size--;
      if (level.first === level.elements.length) this.#levels.splice(at, 1);
      return element;
    }
    return undefined;
  }
}

/** What p-queue throws for an id that does not wait. */
export function noSuchTask(id: string): ReferenceError {
  return new ReferenceError(`No task with the id "${String(id)}" waits in this queue.`);
}
