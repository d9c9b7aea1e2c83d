import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WindowPool } from '../../lib/resource/index.js';

const steps = fc.array(
  fc.record({ afterMs: fc.integer({ min: 0, max: 60 }), amount: fc.integer({ min: 1, max: 4 }) }),
  {
    maxLength: 200,
  },
);

/** Takes whatever fits at each step; returns what was taken when. */
function play(window: WindowPool, moves: readonly { afterMs: number; amount: number }[]) {
  const taken: { atMs: number; amount: number }[] = [];
  let nowMs = 0;
  for (const { afterMs, amount } of moves) {
    nowMs += afterMs;
    window.roll(nowMs);
    if (window.freeFor(0) < amount) continue;
    window.take(0, amount, nowMs);
    window.giveBack(0, amount, true);
    taken.push({ atMs: nowMs, amount });
  }
  return taken;
}

it('sliding: no stretch of its length, wherever it begins, sees more than the limit', () => {
  fc.assert(
    fc.property(steps, (moves) => {
      const window = new WindowPool({ name: 'w', limit: 7, windowMs: 100, mode: 'sliding', carriesOver: false });
      const taken = play(window, moves);
      for (const { atMs } of taken) {
        const inside = taken.filter((other) => other.atMs >= atMs && other.atMs < atMs + 100);
        expect(inside.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(7);
      }
    }),
  );
});

it('sliding: what does not fit now fits at the instant that it names, and not before', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 7 }), (moves, wanted) => {
      const window = new WindowPool({ name: 'w', limit: 7, windowMs: 100, mode: 'sliding', carriesOver: false });
      const taken = play(window, moves);
      const lastMs = taken.at(-1)?.atMs ?? 0;
      if (window.freeFor(0) >= wanted) return;
      const fromMs = window.freeFromMs(wanted);
      expect(fromMs).toBeGreaterThan(lastMs);
      window.roll(fromMs - 1e-6);
      expect(window.freeFor(0)).toBeLessThan(wanted);
      window.roll(fromMs);
      expect(window.freeFor(0)).toBeGreaterThanOrEqual(wanted);
    }),
  );
});

it('fixed: each window that a start begins sees no more than the limit', () => {
  fc.assert(
    fc.property(steps, (moves) => {
      const window = new WindowPool({ name: 'w', limit: 7, windowMs: 100, mode: 'fixed', carriesOver: false });
      let beginMs = Number.NEGATIVE_INFINITY;
      let sum = 0;
      for (const { atMs, amount } of play(window, moves)) {
        if (atMs >= beginMs + 100) {
          beginMs = atMs;
          sum = 0;
        }
        sum += amount;
        expect(sum).toBeLessThanOrEqual(7);
      }
    }),
  );
});
