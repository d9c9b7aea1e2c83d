import { describe, expect, it } from 'vitest';
import { seed, seedScore } from '../../lib/policy/index.js';
import { SchedulerDriver } from '../support/scheduler-driver.js';

describe('seed', () => {
  it('computes P = R/(C + W) as in the worked example', () => {
    expect(seedScore(10, 5, 0)).toBe(2);
    expect(seedScore(20, 8, 1)).toBeCloseTo(20 / 9, 12);
    expect(seedScore(15, 6, 2)).toBe(1.875);
  });

  it('runs the worked example as T2, T1, T3', () => {
    const driver = new SchedulerDriver({ order: seed() });
    driver.bringUp(1);
    driver.submit();
    const t3 = driver.submit({ size: 15, serviceSeconds: 6 });
    driver.nowMs = 1_000;
    const t2 = driver.submit({ size: 20, serviceSeconds: 8 });
    driver.nowMs = 2_000;
    const t1 = driver.submit({ size: 10, serviceSeconds: 5 });
    expect(driver.drain()).toEqual([t2, t1, t3]);
  });

  it('lets the order of two tasks of different R cross as time passes, without re-keying', () => {
    const driver = new SchedulerDriver({ order: seed() });
    driver.bringUp(1);
    const first = driver.submit();
    // 1/P: (1 + t)/10 against (4 + t)/30: the small one leads until t = 0.5 s.
    const small = driver.submit({ size: 10, serviceSeconds: 1 });
    const large = driver.submit({ size: 30, serviceSeconds: 4 });
    driver.nowMs = 400;
    driver.end(first);
    expect(driver.started()).toEqual([small]);

    const again = new SchedulerDriver({ order: seed() });
    again.bringUp(1);
    const blocker = again.submit();
    again.submit({ size: 10, serviceSeconds: 1 });
    again.submit({ size: 30, serviceSeconds: 4 });
    again.nowMs = 600;
    again.end(blocker);
    expect(again.started()).toEqual([large]);
  });

  it('starves: fresh work of the same kind always goes before the one that waits', () => {
    const driver = new SchedulerDriver({ order: seed() });
    driver.bringUp(1);
    let running = driver.submit({ size: 10, serviceSeconds: 5 });
    const old = driver.submit({ size: 10, serviceSeconds: 5 });
    for (let i = 0; i < 20; i++) {
      driver.nowMs += 1_000;
      const fresh = driver.submit({ size: 10, serviceSeconds: 5, class: 'standard' });
      // Overdue service is a rule of the scheduler, not of the formula: end within the bound.
      if (driver.nowMs >= 9_000) break;
      driver.end(running);
      expect(driver.started()).toEqual([fresh]);
      running = fresh;
    }
    expect(driver.state.tasks.states[old]).toBe(2);
  });
});
