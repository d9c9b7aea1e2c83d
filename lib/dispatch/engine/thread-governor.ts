/**
 * Decides how many threads the engine computes with, from what its steps cost.
 *
 * Why: llama.cpp's threads wait for each other by spinning, some hundred times a step. When another process takes one of their
 * CPUs for a moment, all wait for the one that lost it. Measured on two cores beside one busy process, steps of 8 sequences:
 * 280 to 5,000 ms with two threads, 80 to 180 ms with one; on the idle machine 32 ms with two. So a fixed number is right only
 * on a machine that does nothing else, which is not where a Node service runs.
 *
 * Rule: fewer threads (three quarters) as soon as steps cost so much more than usual that fewer would be faster; more again (four
 * thirds) after a hold, when as many CPUs are free. A step up that fails doubles the hold.
 *
 *   r = stepMs / (expectedMs · threads₀ / threads)      cost of a step, relative to its work; threads₀: at calibration
 *   usual                                               moving average of r over steps that were not slow
 *   slow: r > 1.3 · (threads / fewer) · usual           twice in a row, or once by three times as much
 *
 * Thread safety: one owner. No clock: times come with each call. Cost: a few multiplications a step.
 */

const FEWER = 3 / 4;
const MORE = 4 / 3;
/** Fewer threads must promise this much: the usual noise of a step. */
const WORTH = 1.3;
const AT_ONCE = 3;
/** The average falls faster than it rises: a step can be slow for many reasons, fast only for one. */
const RISE_RATIO = 0.05;
const FALL_RATIO = 0.3;
const USUAL_MIN = 0.2;
const USUAL_MAX = 3;
const HOLD_MS = 1_000;
/** Without a look at the CPUs each step up is a guess. */
const BLIND_HOLD_MS = 10_000;
const HOLD_MS_MAX = 60_000;
/** A step up that lasted so long was right. */
const SETTLED_MS = 5_000;
/** A CPU counts as free when others keep it busy for less than this. */
const SLACK_CPUS = 0.3;

export class ThreadGovernor {
  /** Threads to compute with from now on, 1…max. */
  threads: number;
  readonly #max: number;
  readonly #calibratedThreads: number;
  #usual = 1;
  #slowSteps = 0;
  #holdMs = 0;
  #changedMs: number;
  #wentUp = false;

  /** @param threads - at calibration, 1…max: what `expectedMs` is measured with */
  constructor(max: number, threads: number, nowMs: number) {
    this.#max = max;
    this.#calibratedThreads = threads;
    this.threads = threads;
    this.#changedMs = nowMs;
  }

  /** Would more threads be taken now if the CPUs were free? Asked before looking at them, which takes time. */
  mayRise(nowMs: number): boolean {
    return this.threads < this.#max && nowMs - this.#changedMs >= Math.max(this.#holdMs, HOLD_MS);
  }

  /**
   * A step took `stepMs` where its work would take `expectedMs` at calibration.
   * @returns true when `threads` changed
   */
  observe(stepMs: number, expectedMs: number, nowMs: number): boolean {
    const relative = (stepMs / expectedMs) * (this.threads / this.#calibratedThreads);
    const fewer = Math.max(1, Math.floor(this.threads * FEWER));
    const slowness = relative / (WORTH * (this.threads / fewer) * this.#usual);
    if (slowness <= 1) {
      this.#slowSteps = 0;
      const rate = relative < this.#usual ? FALL_RATIO : RISE_RATIO;
      this.#usual = Math.min(USUAL_MAX, Math.max(USUAL_MIN, this.#usual + rate * (relative - this.#usual)));
      return false;
    }
    this.#slowSteps++;
    if (fewer === this.threads || (this.#slowSteps < 2 && slowness < AT_ONCE)) return false;
    const failed = this.#wentUp && nowMs - this.#changedMs < SETTLED_MS;
    this.#holdMs = failed ? Math.min(HOLD_MS_MAX, Math.max(HOLD_MS, this.#holdMs) * 2) : HOLD_MS;
    this.#change(fewer, false, nowMs);
    return true;
  }

  /**
   * Takes more threads if they have somewhere to run.
   * @param freeCpus - CPUs that nobody else keeps busy; undefined when unknown
   * @returns true when `threads` changed
   */
  rise(freeCpus: number | undefined, nowMs: number): boolean {
    if (!this.mayRise(nowMs)) return false;
    const more = Math.min(this.#max, Math.ceil(this.threads * MORE));
    if (freeCpus === undefined) {
      if (nowMs - this.#changedMs < Math.max(this.#holdMs, BLIND_HOLD_MS)) return false;
    } else if (freeCpus < more - SLACK_CPUS) {
      return false;
    }
    this.#change(more, true, nowMs);
    return true;
  }

  #change(threads: number, wentUp: boolean, nowMs: number): void {
    this.threads = threads;
    this.#wentUp = wentUp;
    this.#changedMs = nowMs;
    this.#slowSteps = 0;
  }
}
