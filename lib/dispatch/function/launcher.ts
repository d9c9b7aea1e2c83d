/**
 * Starts granted functions without starving the event loop.
 *
 * Functions that resolve at once chain in microtasks: each end grants the next start, and timers and I/O never get their turn. So
 * functions are started only while the slice of time since the event loop last turned is short; then one immediate goes on, whatever the
 * number of functions. Invariant: at most one immediate is pending, and only while a function waits for it; so an idle yard keeps no
 * process alive.
 * Bound: between two turns of the loop starts happen for at most 2 · {@link SLICE_MS}: a slice that began before the last turn was seen,
 * and one after it.
 */
import { performance } from 'node:perf_hooks';
import type { Runtime } from '../../runtime/index.js';

/** Small beside what a timer is late anyway (1 ms) and a collection of young garbage takes (some ms); the time of hundreds of tasks. */
export const SLICE_MS = 2;
/** Starts in a row, without a turn of the scheduler in between, after which the clock is read again. */
const STARTS_PER_CLOCK = 8;

/** Turns that this thread's event loop has made; undefined where Node does not tell (before 20.18 and 22.8). */
export function loopTurns(): number | undefined {
  const timing = performance.nodeTiming as { uvMetricsInfo?: { loopCount: number } };
  return timing.uvMetricsInfo?.loopCount;
}

export class Launcher {
  readonly #runtime: Runtime;
  readonly #begin: (task: number) => void;
  /** Granted and not started, in a ring: from `#head` on, its length a power of two. */
  #granted = new Int32Array(64);
  #head = 0;
  #count = 0;
  #sliceMs = Number.NEGATIVE_INFINITY;
  #turns: number | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(runtime: Runtime, begin: (task: number) => void) {
    this.#runtime = runtime;
    this.#begin = begin;
    runtime.starter = this;
  }

  get isDue(): boolean {
    return this.#count > 0 && this.#immediate === undefined;
  }

  push(task: number): void {
    if (this.#count === this.#granted.length) this.#grow();
    this.#granted[(this.#head + this.#count++) & (this.#granted.length - 1)] = task;
  }

  startDue(): void {
    let nowMs = this.#runtime.turnMs;
    for (let started = 1; this.#count > 0; started++) {
      // A turn reads the clock anyway; without one in between, somebody's slow functions would go unnoticed.
      if (started % STARTS_PER_CLOCK === 0) nowMs = this.#runtime.nowMs;
      else if (this.#runtime.turnMs > nowMs) nowMs = this.#runtime.turnMs;
      if (nowMs - this.#sliceMs >= SLICE_MS && !this.#isNewTurn(nowMs)) {
        this.#immediate = setImmediate(() => this.#goOn());
        return;
      }
      const task = this.#granted[this.#head]!;
      this.#head = (this.#head + 1) & (this.#granted.length - 1);
      this.#count--;
      this.#begin(task);
    }
  }

  #goOn(): void {
    this.#immediate = undefined;
    this.#sliceMs = this.#runtime.nowMs;
    this.#turns = loopTurns();
    this.#runtime.rest();
  }

  #grow(): void {
    const wider = new Int32Array(this.#granted.length * 2);
    wider.set(this.#granted.subarray(this.#head));
    wider.set(this.#granted.subarray(0, this.#head), this.#granted.length - this.#head);
    this.#granted = wider;
    this.#head = 0;
  }

  /** Has the loop turned since the slice began? Then another begins. */
  #isNewTurn(nowMs: number): boolean {
    const turns = loopTurns();
    if (turns !== undefined && turns === this.#turns) return false;
    if (turns === undefined && this.#sliceMs !== Number.NEGATIVE_INFINITY) return false;
    this.#turns = turns;
    this.#sliceMs = nowMs;
    return true;
  }
}
