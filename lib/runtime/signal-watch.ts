/**
 * The callers' signals: one listener per signal, however many tasks it cancels. An EventTarget looks through all its listeners at
 * each addition and removal, so a listener per task would make 50,000 tasks of one signal quadratic.
 *
 * Invariant: a signal has our listener exactly while an unsettled task of ours waits for it.
 * An aborted signal is looked for no more, so it is not taken out of the map at once, which costs a walk through cold memory each time:
 * such entries are swept together once they are as many as the others. Memory: at most twice what is watched, and {@link OVER_MAX}.
 */
import { CancelledError, stackless } from '../base/errors.js';

/** What one signal cancels: mostly one target, which needs no set. */
export interface SignalTasks<Target extends object = object> {
  readonly signal: AbortSignal;
  only: Target | undefined;
  all: Set<Target> | undefined;
  /** The signal was aborted, or nobody waits for it: it has no listener of ours any more. */
  isOver: boolean;
  readonly listener: () => void;
}

/** Aborted signals that stay in the map in any case. */
const OVER_MAX = 64;

/** The error that was made last, until whoever aborts signals has returned. */
let lastError: CancelledError | undefined;

/**
 * The error of whoever was cancelled by an aborted signal; its reason is the cause. Signals that are aborted in a row for one reason
 * (a shutdown, say) share an error.
 */
export function abortedError(signal: AbortSignal): CancelledError {
  const reason: unknown = signal.reason;
  if (lastError === undefined) queueMicrotask(dropLastError);
  else if (lastError.cause === reason) return lastError;
  lastError = stackless(() => new CancelledError(reason));
  return lastError;
}

function dropLastError(): void {
  lastError = undefined;
}

export class SignalWatch<Target extends object = object> {
  readonly #cancel: (target: Target, error: CancelledError) => void;
  /** No leak: who is settled is forgotten. A WeakMap would keep the garbage collector busy with every entry. */
  readonly #bySignal = new Map<AbortSignal, SignalTasks<Target>>();
  /** Entries of aborted signals. */
  #over = 0;

  constructor(cancel: (target: Target, error: CancelledError) => void) {
    this.#cancel = cancel;
  }

  /**
   * Cancels `target` once the signal, which is not aborted yet, is. {@link forget} it when it is settled.
   * Throws what the signal throws; then nothing is watched.
   */
  watch(signal: AbortSignal, target: Target): SignalTasks<Target> {
    const known = this.#bySignal.get(signal);
    // One that is over is of a signal of somebody's own make, which can be aborted twice.
    if (known !== undefined && !known.isOver) {
      known.all ??= new Set([known.only!]);
      known.only = undefined;
      known.all.add(target);
      return known;
    }
    const listener = () => this.#aborted(tasks);
    const tasks: SignalTasks<Target> = { signal, only: target, all: undefined, isOver: false, listener };
    // First, since it may throw.
    signal.addEventListener('abort', listener, ONCE);
    this.#bySignal.set(signal, tasks);
    if (known !== undefined) this.#over--;
    return tasks;
  }

  /** `target` is not cancelled any more, also when that is under way for others of its signal. */
  forget(tasks: SignalTasks<Target>, target: Target): void {
    tasks.all?.delete(target);
    if (tasks.only === target) tasks.only = undefined;
    if (tasks.isOver) return;
    const isWatched = tasks.only !== undefined || (tasks.all !== undefined && tasks.all.size > 0);
    if (isWatched) return;
    tasks.isOver = true;
    this.#bySignal.delete(tasks.signal);
    try {
      tasks.signal.removeEventListener('abort', tasks.listener);
    } catch {
      // A signal of somebody's own make: it keeps a listener that has nobody to cancel.
    }
  }

  #aborted(tasks: SignalTasks<Target>): void {
    const { signal, all } = tasks;
    // It has listened once, and may be called again by a signal of somebody's own make.
    if (tasks.isOver) return;
    tasks.isOver = true;
    if (++this.#over > OVER_MAX && this.#over * 2 > this.#bySignal.size) this.#sweep();
    // One error for all of them: they were cancelled by one act.
    const error = abortedError(signal);
    if (tasks.only !== undefined) this.#cancel(tasks.only, error);
    // One that is cancelled may end others, which leave the set.
    if (all !== undefined) for (const target of all) this.#cancel(target, error);
  }

  #sweep(): void {
    for (const [signal, { isOver }] of this.#bySignal) if (isOver) this.#bySignal.delete(signal);
    this.#over = 0;
  }
}

const ONCE = { once: true };
