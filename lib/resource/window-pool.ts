/**
 * So much per window of time: requests per interval, tokens per minute. A start takes its amount; time brings it back, not the end of
 * the task.
 *
 * fixed    The first start after a pause begins a window. When it is over the count begins again at zero, or, with `carriesOver`, at
 *          what still runs. Up to twice the limit may start around a boundary.
 * sliding  No stretch of `windowMs`, wherever it begins, sees more than the limit. Memory: 16 bytes per start in a window.
 *
 * Pure: every instant is given. Invariant: `leased` ≤ `capacity` unless the capacity was lowered.
 */
import { Pool } from './pool.js';

/** How a window counts. */
export interface WindowSettings {
  readonly name: string;
  /** Amount per window, > 0. */
  readonly limit: number;
  /** ms, > 0. */
  readonly windowMs: number;
  readonly mode: 'fixed' | 'sliding';
  /** Fixed windows: what still runs when a window ends counts in the next one too. */
  readonly carriesOver: boolean;
}

export class WindowPool extends Pool {
  readonly windowMs: number;
  readonly #isSliding: boolean;
  readonly #carriesOver: boolean;
  /** End of the open fixed window; Infinity while none is open. */
  #endMs = Number.POSITIVE_INFINITY;
  /** Held by tasks that still run. */
  #running = 0;
  /** Sliding: what was taken and when, oldest first, from `#first` on. */
  #takenMs: number[] = [];
  #taken: number[] = [];
  #first = 0;

  constructor(settings: WindowSettings) {
    super(settings.name, 'units', settings.limit);
    this.windowMs = settings.windowMs;
    this.#isSliding = settings.mode === 'sliding';
    this.#carriesOver = settings.carriesOver;
  }

  /** Does the count begin at zero when the window is over, whatever was taken and still runs? */
  get beginsAfresh(): boolean {
    return !this.#isSliding && !this.#carriesOver;
  }

  override take(_classIndex: number, amount: number, nowMs: number): void {
    this.leased += amount;
    this.holders++;
    this.#running += amount;
    if (this.#isSliding) {
      this.#takenMs.push(nowMs);
      this.#taken.push(amount);
    } else if (this.#endMs === Number.POSITIVE_INFINITY) {
      this.#endMs = nowMs + this.windowMs;
    }
  }

  override giveBack(_classIndex: number, amount: number, isLast: boolean): void {
    this.#running -= amount;
    if (isLast) this.holders--;
    if (this.holders === 0) this.#running = 0;
  }

  override nextRollMs(): number {
    if (!this.#isSliding) return this.#endMs;
    const oldestMs = this.#takenMs[this.#first];
    return oldestMs === undefined ? Number.POSITIVE_INFINITY : oldestMs + this.windowMs;
  }

  override roll(nowMs: number): void {
    if (this.nextRollMs() > nowMs) return;
    this.version++;
    if (!this.#isSliding) {
      this.leased = this.#carriesOver ? this.#running : 0;
      // A window in which something is counted already has begun.
      this.#endMs = this.leased > 0 ? nowMs + this.windowMs : Number.POSITIVE_INFINITY;
      return;
    }
    while (this.nextRollMs() <= nowMs) this.leased -= this.#taken[this.#first++]!;
    if (this.#first === this.#taken.length) {
      this.#takenMs = [];
      this.#taken = [];
      this.#first = 0;
      this.leased = 0;
    } else if (this.#first > 1_024 && this.#first * 2 > this.#taken.length) {
      this.#takenMs = this.#takenMs.slice(this.#first);
      this.#taken = this.#taken.slice(this.#first);
      this.#first = 0;
    }
  }

  /** When `amount` will be free if nothing more is taken, ms; Infinity when that is more than the window has. */
  freeFromMs(amount: number): number {
    if (amount > this.capacity) return Number.POSITIVE_INFINITY;
    if (!this.#isSliding) {
      return this.#carriesOver && this.capacity - this.#running < amount ? Number.POSITIVE_INFINITY : this.#endMs;
    }
    let free = this.capacity - this.leased;
    for (let i = this.#first; i < this.#taken.length; i++) {
      free += this.#taken[i]!;
      if (free >= amount) return this.#takenMs[i]! + this.windowMs;
    }
    return Number.POSITIVE_INFINITY;
  }
}
