/**
 * A signal that only a task listens to. It has what the scheduler asks of a signal and no more: one of Node's own costs more to make and to
 * collect than the whole task.
 */
export class CancelSignal {
  aborted = false;
  reason: unknown;
  #listener: (() => void) | undefined;

  /** As the option `signal` of a task takes it. */
  get asSignal(): AbortSignal {
    return this as unknown as AbortSignal;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = undefined;
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#listener?.();
  }
}
