/** Who waits for the yard's queue to be short, empty or idle. Looked at after each turn, and only while somebody waits. */
import type { Runtime } from './runtime/runtime.js';
import type { YardListeners } from './yard-events.js';

interface Waiter {
  isMet(): boolean;
  resolve(): void;
}

export class YardLevels {
  readonly #runtime: Runtime;
  readonly #listeners: YardListeners;
  #waiters: Waiter[] = [];
  #wasEmpty = true;
  #wasIdle = true;
  /** Submissions so far: a task may come and go between two looks. */
  #submitted = 0;

  constructor(runtime: Runtime, listeners: YardListeners) {
    this.#runtime = runtime;
    this.#listeners = listeners;
  }

  /** Resolves when `isMet`, which may be now. */
  when(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ isMet, resolve });
      this.watch();
    });
  }

  /** To be called when a listener of `empty` or `idle` came or went. */
  watch(): void {
    const isWatched = this.#waiters.length > 0 || this.#listeners.has('empty') || this.#listeners.has('idle');
    if (isWatched && this.#runtime.onRest === undefined) {
      this.#wasEmpty = this.#runtime.waiting === 0;
      this.#wasIdle = !this.#runtime.isWorking;
      this.#submitted = this.#runtime.state.sequence;
      this.#runtime.onRest = () => this.#look();
    } else if (!isWatched) {
      this.#runtime.onRest = undefined;
    }
  }

  #look(): void {
    const isEmpty = this.#runtime.waiting === 0;
    const isIdle = isEmpty && !this.#runtime.isWorking;
    const { sequence } = this.#runtime.state;
    const hasNews = sequence !== this.#submitted;
    const becameEmpty = isEmpty && (hasNews || !this.#wasEmpty);
    const becameIdle = isIdle && (hasNews || !this.#wasIdle);
    this.#submitted = sequence;
    this.#wasEmpty = isEmpty;
    this.#wasIdle = isIdle;
    if (this.#waiters.length > 0) {
      const met: Waiter[] = [];
      const unmet: Waiter[] = [];
      for (const waiter of this.#waiters) (waiter.isMet() ? met : unmet).push(waiter);
      if (met.length > 0) {
        this.#waiters = unmet;
        for (const waiter of met) waiter.resolve();
        this.watch();
      }
    }
    // Last: a listener may add the next tasks.
    if (becameEmpty) this.#listeners.emit('empty');
    // If one did, the yard is not idle, or was so again already and has said it.
    if (becameIdle && this.#runtime.state.sequence === sequence) this.#listeners.emit('idle');
  }
}
