/**
 * Says whether the cap of the interval is used up while tasks wait: looked at after each call that may change it, and when the interval
 * gives something back.
 */
import type { Turnstile } from './turnstile.js';

const TIMER_MS_MAX = 2 ** 31 - 1;

export interface RateLimitHooks {
  /** Does anything wait? */
  isWaiting(): boolean;
  changed(isOn: boolean): void;
  /** The interval has given something back. */
  rolled(): void;
}

export class RateLimit {
  /** As of the last look. */
  isOn = false;
  readonly #turnstile: Turnstile;
  readonly #hooks: RateLimitHooks;
  #isNoted = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(turnstile: Turnstile, hooks: RateLimitHooks) {
    this.#turnstile = turnstile;
    this.#hooks = hooks;
  }

  /** Looks once the caller's code is through. */
  note(): void {
    if (this.#isNoted || !this.#turnstile.hasWindow) return;
    this.#isNoted = true;
    queueMicrotask(() => this.check());
  }

  /** Looks now. */
  check(): void {
    this.#isNoted = false;
    const isOn = this.#hooks.isWaiting() && this.#turnstile.isUsedUp;
    if (isOn) this.#armTimer();
    if (isOn === this.isOn) return;
    this.isOn = isOn;
    this.#hooks.changed(isOn);
  }

  /** The scheduler need not wake while it may grant nothing: paused, out of slots, or all that waits is in a `queueClass`. */
  #armTimer(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#turnstile.tick();
        this.#hooks.rolled();
        this.check();
      },
      Math.min(TIMER_MS_MAX, this.#turnstile.rollsInMs),
    );
  }
}
