/** Chance that a check controls: `Math.random` from a seed, and a watch over promises that nobody listened to. */
import { Random } from '../../base/random.js';

/** Has `Math.random` follow `seed` until the returned function is called. */
export function seedChance(seed: number): () => void {
  const real = Math.random;
  const random = new Random(seed);
  Math.random = () => random.next();
  return () => {
    Math.random = real;
  };
}

type RejectionListener = NodeJS.UnhandledRejectionListener;

/**
 * Collects unhandled rejections until the returned function is called, which gives what came. Other listeners, of a test runner say, hear
 * nothing meanwhile: what is found is a result of the check, and not an accident of the test.
 */
export function watchRejections(): () => unknown[] {
  const seen: unknown[] = [];
  const others = process.listeners('unhandledRejection') as RejectionListener[];
  const listener: RejectionListener = (reason) => {
    seen.push(reason);
  };
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', listener);
  return () => {
    process.off('unhandledRejection', listener);
    for (const other of others) process.on('unhandledRejection', other);
    return seen;
  };
}
