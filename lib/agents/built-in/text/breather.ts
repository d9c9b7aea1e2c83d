/** Long computations on the main thread, in slices: between two of them the event loop turns, and a cancelled call ends. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A running stream's pause of this length is not felt, and a turn of the loop costs a thousandth of it. */
const SLICE_MS = 8;

export class Breather {
  readonly #signal: AbortSignal;
  #sliceBegan = performance.now();

  /** @param signal - ends the computation at the next {@link breathe} after it was aborted */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Is it time to `await breathe()`? Cheap, so that hot loops can ask without making a promise each time. */
  get isDue(): boolean {
    return performance.now() - this.#sliceBegan >= SLICE_MS;
  }

  /** Gives the event loop a turn. @throws the signal's reason when it is aborted */
  async breathe(): Promise<void> {
    await nextTurn();
    this.#signal.throwIfAborted();
    this.#sliceBegan = performance.now();
  }
}
