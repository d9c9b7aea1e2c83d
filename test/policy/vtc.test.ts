import { expect, it } from 'vitest';
import { Random } from '../../lib/base/random.js';
import { fcfs, vtc } from '../../lib/policy/index.js';
import { SchedulerDriver } from '../support/scheduler-driver.js';

it('lifts a tenant that comes back to the least of those who wait, so that it cannot save up', () => {
  const share = vtc();
  share.granted(1, 500);
  expect(share.activated(2, 500)).toBe(true);
  expect(share.key(2)).toBe(500);
  expect(share.activated(1, 300)).toBe(false);
  expect(share.key(1)).toBe(500);
});

it('lifts to the tenant that left last when nobody waits', () => {
  const share = vtc();
  share.granted(1, 80);
  share.emptied(1);
  share.granted(1, 20);
  share.activated(2, undefined);
  expect(share.key(2)).toBe(100);
});

it('keeps two tenants that always have work within the published bound', () => {
  const [promptMax, outputMax, slots] = [400, 60, 4];
  for (const seed of [1, 2, 3, 4, 5]) {
    const random = new Random(seed);
    const share = vtc();
    const driver = new SchedulerDriver({ share, order: fcfs() });
    driver.bringUp(slots);
    const { tasks } = driver.state;
    const limit = new Map<number, number>();
    const keepBacklog = () => {
      for (const tenant of [1, 2]) {
        for (let have = 0; have < 3; have++) {
          const task = driver.submit({
            tenant,
            // Tenant 2 asks for much longer answers than tenant 1.
            promptTokens: 1 + random.below(promptMax),
            outputLimit: tenant === 1 ? 1 + random.below(8) : 1 + random.below(outputMax),
            class: 'background',
          });
          if (task >= 0) limit.set(task, tasks.outputLimits[task]!);
        }
      }
    };
    keepBacklog();
    let widest = 0;
    const start = share.key(1) - share.key(2);
    for (let step = 0; step < 3_000; step++) {
      driver.nowMs += 20;
      const running = [...driver.state.models[0]!.slotTask].filter((task) => task >= 0);
      driver.progress(running, 1);
      for (const task of running) if (tasks.outputTokens[task]! >= limit.get(task)!) driver.end(task);
      if (driver.state.queue.size < 8) keepBacklog();
      widest = Math.max(widest, Math.abs(share.key(1) - share.key(2) - start));
    }
    const heldMax = slots * (promptMax + outputMax);
    expect(widest).toBeLessThanOrEqual(2 * Math.max(promptMax, 2 * heldMax) + 2 * slots);
    expect(share.key(1)).toBeGreaterThan(10_000);
  }
});
