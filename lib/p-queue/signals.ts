/**
 * How the signals of callers reach their tasks. Waiting tasks share one listener per signal, however many they are; a running one has
 * its own, which comes after those of its function: if that ends because of the signal, it says how.
 */
import { SignalWatch } from '../runtime/index.js';
import type { Extras, QueuedTask } from './queued-task.js';

export interface AbortHooks {
  waitingAborted(task: QueuedTask): void;
  runningAborted(task: QueuedTask, reason: unknown): void;
}

export class Signals {
  readonly #hooks: AbortHooks;
  readonly #watch: SignalWatch<QueuedTask>;

  constructor(hooks: AbortHooks) {
    this.#hooks = hooks;
    this.#watch = new SignalWatch((task) => hooks.waitingAborted(task));
  }

  /**
   * Listens for a waiting task.
   * @throws TypeError when it is no signal
   */
  watch(task: QueuedTask, extras: Extras, signal: AbortSignal): void {
    extras.signalTasks = this.#watch.watch(signal, task);
  }

  /** Listens for a task whose function was called. */
  listen(task: QueuedTask, extras: Extras, signal: AbortSignal): void {
    extras.onAbort = () => queueMicrotask(() => this.#hooks.runningAborted(task, signal.reason));
    signal.addEventListener('abort', extras.onAbort, { once: true });
  }

  stop(task: QueuedTask, extras: Extras): void {
    const { signalTasks, onAbort } = extras;
    if (signalTasks !== undefined) this.#watch.forget(signalTasks, task);
    if (onAbort !== undefined) extras.signal!.removeEventListener('abort', onAbort);
    extras.signalTasks = undefined;
    extras.onAbort = undefined;
  }
}
