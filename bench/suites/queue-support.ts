/** What several workloads of the queue suite need. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Work } from './queue-contenders.js';

/** Places for running tasks in every workload. */
export const CONCURRENCY = 64;

/** Ends the run: a queue that loses or mixes up tasks has no time. */
export function must(condition: boolean, failure: string): asserts condition {
  if (!condition) throw new Error(failure);
}

/** The garbage collector: the processes are started without flags, so it is asked for here. */
export function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** Resolves in a later turn of the event loop, when finalisers and what a library deferred have run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export interface Gate {
  /** Ends the tasks that hold the places. */
  open(): void;
  /** Settles when they have ended. */
  opened: Promise<unknown>;
}

/** Fills every place with a task that runs until the gate opens: whatever is added behind them waits. Resolves when all of them run. */
export async function holdPlaces(add: (work: Work) => Promise<unknown>, places: number): Promise<Gate> {
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let missing = places;
  let opened: Promise<unknown> = gate;
  await new Promise<void>((resolve) => {
    const hold = () => {
      missing--;
      if (missing === 0) resolve();
      return gate;
    };
    opened = Promise.all(Array.from({ length: places }, () => add(hold)));
  });
  return { open, opened };
}
