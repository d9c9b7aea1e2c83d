/** The timers of a virtual clock, in the order in which they are due; of those due together, the oldest first. */
import { AsyncResource } from 'node:async_hooks';

const DELAY_MS_MAX = 2 ** 31 - 1;

/** What `setTimeout` returns: the members of Node's own timer. */
export class VirtualTimer {
  readonly id: number;
  dueMs = 0;
  sequence = 0;
  isWaiting = false;
  readonly delayMs: number;
  readonly isRepeated: boolean;
  readonly fire: () => void;
  readonly #queue: TimerQueue;
  #isRef = true;

  constructor(queue: TimerQueue, id: number, fire: () => void, delayMs: number, isRepeated: boolean) {
    this.#queue = queue;
    this.id = id;
    this.fire = fire;
    this.delayMs = delayMs;
    this.isRepeated = isRepeated;
  }

  hasRef(): boolean {
    return this.#isRef;
  }

  ref(): this {
    this.#isRef = true;
    return this;
  }

  unref(): this {
    this.#isRef = false;
    return this;
  }

  refresh(): this {
    if (this.isWaiting) this.#queue.start(this);
    return this;
  }

  close(): this {
    this.#queue.remove(this);
    return this;
  }

  [Symbol.toPrimitive](): number {
    return this.id;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export class TimerQueue {
  nowMs = 0;
  /** Ascending by due time, then sequence. */
  #waiting: VirtualTimer[] = [];
  #made = 0;
  #sequence = 0;

  /** Timers that wait and would keep a process alive. */
  get pending(): number {
    return this.#waiting.filter((timer) => timer.hasRef()).length;
  }

  /** When the next timer is due; Infinity when none waits. */
  get nextMs(): number {
    return this.#waiting[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  /** As Node has it: delays below 1 ms or too long for its timers are 1 ms. */
  add(callback: () => void, delayMs: number, isRepeated: boolean): VirtualTimer {
    const delay = delayMs >= 1 && delayMs <= DELAY_MS_MAX ? delayMs : 1;
    // The callback runs in the async context of whoever asked for it.
    const timer = new VirtualTimer(this, ++this.#made, AsyncResource.bind(callback), delay, isRepeated);
    this.start(timer);
    return timer;
  }

  /** Has the timer wait its whole delay, from now. */
  start(timer: VirtualTimer): void {
    this.remove(timer);
    timer.dueMs = this.nowMs + timer.delayMs;
    timer.sequence = this.#sequence++;
    timer.isWaiting = true;
    this.#waiting.splice(this.#positionOf(timer), 0, timer);
  }

  remove(timer: VirtualTimer): void {
    if (!timer.isWaiting) return;
    timer.isWaiting = false;
    this.#waiting.splice(this.#positionOf(timer), 1);
  }

  find(id: number): VirtualTimer | undefined {
    return this.#waiting.find((timer) => timer.id === id);
  }

  /** Moves time to the next timer, when there is one, and calls it; throws what it throws. */
  fireNext(): void {
    const timer = this.#waiting.shift();
    if (timer === undefined) return;
    timer.isWaiting = false;
    this.nowMs = Math.max(this.nowMs, timer.dueMs);
    if (timer.isRepeated) this.start(timer);
    timer.fire();
  }

  clear(): void {
    for (const timer of this.#waiting) timer.isWaiting = false;
    this.#waiting = [];
  }

  /** Where the timer is, or belongs. */
  #positionOf({ dueMs, sequence }: VirtualTimer): number {
    let [from, to] = [0, this.#waiting.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const other = this.#waiting[middle]!;
      if (other.dueMs < dueMs || (other.dueMs === dueMs && other.sequence < sequence)) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
