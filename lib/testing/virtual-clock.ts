/**
 * Time that a test moves: timers, `Date` and `performance.now()` of the process stand still until they are told to go on, so a test of
 * an hour takes milliseconds and gives the same every time.
 *
 * While a virtual clock is there it stands in for the process's timers (`setTimeout`, `setInterval`, `node:timers/promises`,
 * `AbortSignal.timeout`), for `Date` and for `performance.now`: those of the yard, of fake models and of the code under test alike. There is
 * one at a time; `restore()` (or `using`) gives the real ones back. `setImmediate`, files and sockets are real: before time moves,
 * whatever can happen without it has happened.
 */
import type { Clock } from '../base/clock.js';
import { InvalidOptionError } from '../base/errors.js';
import { replaceTime } from './process-time.js';
import { TimerQueue } from './timer-queue.js';

export interface VirtualClockOptions {
  /** What `Date.now()` says at the beginning, ms since the epoch. Default: 2026-01-01, UTC. */
  epochMs?: number | undefined;
  /** What `nowMs()` and `performance.now()` say at the beginning, ≥ 0. Default 0. */
  originMs?: number | undefined;
}

export interface RunLimit {
  /** Most virtual time that may pass, ms. Default: 24 hours. */
  limitMs?: number | undefined;
}

const DEFAULT_EPOCH_MS = Date.UTC(2026, 0, 1);
const DEFAULT_LIMIT_MS = 24 * 3_600_000;
/** Turns of the event loop without a sign of work after which nothing more is expected to happen by itself. */
const QUIET_TURNS = 5;
/** Work that goes on for so many turns while time stands still has no end. */
const TURNS_MAX = 20_000;
/** Real time that files and connections get before virtual time goes on without them, ms. */
const IO_PATIENCE_MS = 2_000;

let current: VirtualClock | undefined;

export class VirtualClock implements Clock, Disposable {
  readonly #timers = new TimerQueue();
  readonly #epochMs: number;
  readonly #real: ReturnType<typeof replaceTime>;
  /** Requests of the process to the system when the clock was made: not those of the test. */
  readonly #requests: number;
  /** Signs of work: whoever does something reads the clock, touches a timer, or goes on in the next turn. */
  #signs = 0;

  constructor(options: VirtualClockOptions = {}) {
    if (current !== undefined) {
      throw new InvalidOptionError(
        'clock',
        'There is a virtual clock already: one at a time; restore() the other first.',
      );
    }
    const { epochMs = DEFAULT_EPOCH_MS, originMs = 0 } = options;
    this.#timers.nowMs = originMs;
    this.#epochMs = epochMs - originMs;
    this.#requests = openRequests();
    this.#real = replaceTime({
      nowMs: () => this.nowMs(),
      wallMs: () => this.#epochMs + this.nowMs(),
      add: (callback, delayMs, everyMs) => {
        this.#signs++;
        return this.#timers.add(callback, delayMs, everyMs);
      },
      remove: (timer) => {
        this.#signs++;
        this.#timers.remove(timer);
      },
      find: (id) => this.#timers.find(id),
      immediate: () => {
        this.#signs++;
      },
    });
    current = this;
  }

  /** Virtual milliseconds: since the clock was made, unless it has another origin. */
  nowMs(): number {
    this.#signs++;
    return this.#timers.nowMs;
  }

  /** Timers that wait and would keep a process alive. */
  get pending(): number {
    return this.#timers.pending;
  }

  /**
   * Lets so much time pass, timer by timer in the order in which they are due; after each, whatever follows from it happens.
   * Rejects with what a timer's callback throws.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new InvalidOptionError('ms', `Time goes forward; got ${String(ms)} ms.`);
    await this.settle();
    const endMs = this.#timers.nowMs + ms;
    while (this.#timers.nextMs <= endMs) await this.#step();
    this.#timers.nowMs = endMs;
    await this.settle();
  }

  /**
   * Lets time pass until no timer is left that would keep a process alive.
   * @throws Error when that takes more than `limitMs`: something asks for a timer again and again
   */
  async runToEnd({ limitMs = DEFAULT_LIMIT_MS }: RunLimit = {}): Promise<void> {
    await this.settle();
    const endMs = this.#timers.nowMs + limitMs;
    while (this.#timers.pending > 0) {
      if (this.#timers.nextMs > endMs) throw new Error(`After ${limitMs} ms of virtual time there are still timers.`);
      await this.#step();
    }
  }

  /**
   * Lets time pass until `promise` settles, and gives its result.
   * @throws Error when it has not settled after `limitMs`, or when nothing is left that time could bring
   */
  async until<T>(promise: PromiseLike<T>, { limitMs = DEFAULT_LIMIT_MS }: RunLimit = {}): Promise<T> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    promise.then(over, over);
    const endMs = this.#timers.nowMs + limitMs;
    await this.settle();
    while (!isOver) {
      // Nothing is due within the limit, or at all: then the limit is as far as time goes.
      if (this.#timers.nextMs > endMs) {
        const isDead = this.#timers.nextMs === Number.POSITIVE_INFINITY;
        if (!isDead) this.#timers.nowMs = endMs;
        const why = isDead ? 'nothing is left that time could bring' : `${limitMs} ms of virtual time are over`;
        throw new Error(`It has not settled, and ${why}.`);
      }
      await this.#step();
    }
    return promise;
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    let waitedMs = 0;
    let turns = 0;
    for (let quiet = 0; quiet < QUIET_TURNS; ) {
      const before = this.#signs;
      await this.#real.turn();
      if (++turns > TURNS_MAX) throw new Error(`After ${TURNS_MAX} turns work still goes on while time stands still.`);
      quiet = this.#signs === before ? quiet + 1 : 0;
      if (quiet === QUIET_TURNS && openRequests() > this.#requests && waitedMs++ < IO_PATIENCE_MS) {
        await this.#real.wait(1);
        quiet = 0;
        turns = 0;
      }
    }
  }

  /** Gives the process its own time back; timers that still wait are dropped. */
  restore(): void {
    if (current !== this) return;
    current = undefined;
    this.#timers.clear();
    this.#real.restore();
  }

  [Symbol.dispose](): void {
    this.restore();
  }

  async #step(): Promise<void> {
    this.#timers.fireNext();
    await this.settle();
  }
}

/** A new {@link VirtualClock}, which rules the process's time from now on. @throws {@link InvalidOptionError} while there is another */
export function virtualClock(options?: VirtualClockOptions): VirtualClock {
  return new VirtualClock(options);
}

/** Files that are read and connections that are opened: work that ends by itself, in real time. */
function openRequests(): number {
  return process.getActiveResourcesInfo().filter((kind) => /Req|ConnectWrap/.test(kind)).length;
}
