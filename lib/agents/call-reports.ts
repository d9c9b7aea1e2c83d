/** Where a call's progress and parts go. A listener is other people's code: what it throws harms neither the call nor other listeners. */
import type { Progress } from './agent-context.js';

export interface CallListener {
  onProgress?: ((progress: Progress) => void) | undefined;
  onPart?: ((text: string) => void) | undefined;
}

export class CallReports {
  readonly #listeners: Set<CallListener>;

  constructor(listener: CallListener) {
    this.#listeners = new Set([listener]);
  }

  /** Reports that are made from now on go to `listener` too. */
  add(listener: CallListener): void {
    this.#listeners.add(listener);
  }

  delete(listener: CallListener): void {
    this.#listeners.delete(listener);
  }

  progress(progress: Progress): void {
    for (const { onProgress } of this.#listeners) {
      // A copy for each: they do not know of each other.
      if (onProgress !== undefined) tell(onProgress, { ...progress });
    }
  }

  part(text: string): void {
    for (const { onPart } of this.#listeners) if (onPart !== undefined) tell(onPart, text);
  }
}

function tell<T>(listener: (report: T) => void, report: T): void {
  try {
    listener(report);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
