/** The time that a trial runs in: virtual, so that waiting costs nothing, or real, for agents that talk to the world. */
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { type Clock, monotonicClock } from '../../base/clock.js';
import { virtualClock } from '../virtual-clock.js';

export interface TrialTime {
  readonly clock: Clock;
  /** Timers that the trial left; undefined when nobody knows. */
  pending(): number | undefined;
  /** Lets everything happen that needs no time; in real time, a moment. */
  settle(): Promise<void>;
  /** Lets time pass until the promise settles, at most so long. Does it settle? */
  settles(promise: Promise<unknown>, limitMs: number): Promise<boolean>;
  pass(ms: number): Promise<void>;
  restore(): void;
}

const MOMENT_MS = 20;

export function virtualTime(epochMs: number): TrialTime {
  const clock = virtualClock({ epochMs });
  return {
    clock,
    pending: () => clock.pending,
    settle: () => clock.settle(),
    pass: (ms) => clock.advance(ms),
    restore: () => clock.restore(),
    settles: async (promise, limitMs) => {
      const settled = promise.then(
        () => true,
        () => true,
      );
      // Nothing left that time could bring, time is up, or work without end while time stands still: it hangs.
      return clock.until(settled, { limitMs }).catch(() => false);
    },
  };
}

export function realTime(): TrialTime {
  return {
    clock: monotonicClock,
    pending: () => undefined,
    settle: () => wait(MOMENT_MS),
    pass: (ms) => wait(ms),
    restore: () => {},
    settles: async (promise, limitMs) => {
      const limit = new AbortController();
      const settled = promise.then(
        () => true,
        () => true,
      );
      const late = wait(limitMs, false, { signal: limit.signal }).catch(() => false);
      try {
        return await Promise.race([settled, late]);
      } finally {
        limit.abort();
        await turn();
      }
    },
  };
}
