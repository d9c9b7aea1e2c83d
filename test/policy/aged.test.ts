import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InvalidOptionError } from '../../lib/base/errors.js';
import { aged } from '../../lib/policy/index.js';
import { TaskTable } from '../../lib/task/index.js';

it('orders like (R/C) · 2^(W/H) at every instant', () => {
  const halfLifeMs = 7_000;
  const order = aged(halfLifeMs);
  const job = fc.record({
    urgency: fc.integer({ min: -8, max: 8 }),
    serviceSeconds: fc.double({ min: 0.05, max: 600, noNaN: true }),
    arrivalMs: fc.integer({ min: 0, max: 100_000 }),
  });
  fc.assert(
    fc.property(job, job, (a, b) => {
      const tasks = new TaskTable();
      const nowMs = 200_000;
      const [first, second] = [a, b].map((one) => {
        const task = tasks.allocate();
        tasks.serviceSeconds[task] = one.serviceSeconds;
        tasks.arrivalsMs[task] = one.arrivalMs;
        const worth = (2 ** one.urgency / one.serviceSeconds) * 2 ** ((nowMs - one.arrivalMs) / halfLifeMs);
        return { key: order.key(tasks, task, one.urgency), worth };
      });
      fc.pre(Math.abs(first!.worth / second!.worth - 1) > 1e-9);
      expect(first!.key > second!.key).toBe(first!.worth > second!.worth);
    }),
  );
});

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses the half-life %s', (halfLifeMs) => {
  expect(() => aged(halfLifeMs)).toThrow(InvalidOptionError);
});
