import type { Clock } from '../base/clock.js';

/**
 * Milliseconds by the wall clock, without its steps back. It stands still until it is started, because a queue without intervals and
 * time-outs need not read a clock at each turn.
 *
 * Not the monotonic clock, because fake timers in the tests of users replace `Date` and `setTimeout` together and leave
 * `performance` alone as often as not. A step back stands still, a step forward only lets intervals and time-outs end early.
 */
export class SteadyClock implements Clock {
  #isStarted = false;
  #nowMs = 0;
  #wallMs = 0;

  /** From now on it goes. No effect on one that goes. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#wallMs = Date.now();
  }

  nowMs(): number {
    if (!this.#isStarted) return 0;
    const wallMs = Date.now();
    if (wallMs > this.#wallMs) this.#nowMs += wallMs - this.#wallMs;
    this.#wallMs = wallMs;
    return this.#nowMs;
  }
}
