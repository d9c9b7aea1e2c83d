/** Demands over several resources: shapes, windows, leases that grow, limits that change. */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../lib/event/index.js';
import { priority } from '../../lib/policy/index.js';
import { DEFAULT_CLASSES, Reason } from '../../lib/task/index.js';
import { FunctionDriver } from '../support/function-driver.js';

describe('a demand', () => {
  it('is taken all or nothing, exactly, and returned', () => {
    const driver = new FunctionDriver({ pools: { slots: 8, gpu: 100 } });
    const a = driver.add({ demand: { slots: 1, gpu: 33.3 } });
    driver.add({ demand: { slots: 1, gpu: 70 } });
    expect(driver.started()).toEqual([]);
    expect(driver.leased('gpu')).toBe(33.3);
    expect(driver.leased('slots')).toBe(1);
    driver.finish(a);
    expect(driver.leased('gpu')).toBe(70);
  });

  it('larger than the machine is refused, with what there is', () => {
    const driver = new FunctionDriver({ pools: { slots: { capacity: 4, keptForInteractive: 1 } } });
    expect(driver.add({ demand: { slots: 4 } })).toBe(-Reason.tooLarge);
    expect(driver.commands[0]).toMatchObject({ name: 'refused', b: 4, c: 3, d: driver.pool('slots') });
    expect(driver.add({ demand: { slots: 4 }, class: 'interactive' })).toBeGreaterThanOrEqual(0);
  });

  it('fits although its rounded shape would exceed the pool', () => {
    // 97 is rounded up to 104.
    const driver = new FunctionDriver({ pools: { slots: 100 } });
    const task = driver.add({ demand: { slots: 97 } });
    expect(driver.started()).toEqual([task]);
  });

  it('fills a pool with what fits exactly, fractions included', () => {
    for (const [capacity, amount, count] of [
      [4_000, 1_000, 4],
      [99, 33, 3],
      [1, 0.1, 10],
    ] as const) {
      const driver = new FunctionDriver({ pools: { gpu: capacity } });
      for (let i = 0; i < count + 2; i++) driver.add({ demand: { gpu: amount } });
      expect(driver.state.running).toBe(count);
    }
  });

  it('never fits into a pool that is full, however small it is beside it', () => {
    const driver = new FunctionDriver({ pools: { bytes: 24e9 } });
    driver.add({ demand: { bytes: 24e9 } });
    for (let i = 0; i < 50; i++) driver.add({ demand: { bytes: 1 } });
    expect(driver.state.running).toBe(1);
  });

  it('beyond the cap of shapes is found by a search among the oldest', () => {
    const driver = new FunctionDriver({ pools: { slots: 64 }, overrides: { shapesMax: 2, searchDepth: 2 } });
    const holder = driver.add({ demand: { slots: 60 } });
    const [a, b] = [driver.add({ demand: { slots: 8 } }), driver.add({ demand: { slots: 9 } })];
    const [c, d, e] = [10, 7, 3].map((slots) => driver.add({ demand: { slots } }));
    // a and b have the two shapes; c and d are the two that are looked at, e lies deeper although it would fit.
    expect(driver.started()).toEqual([]);
    expect(driver.finish(holder)).toEqual([a, b, c, d, e]);
  });

  it('of many kinds costs bounded memory: shapes in which nobody waits are used again', () => {
    const driver = new FunctionDriver({ pools: { slots: 4_096 }, overrides: { shapesMax: 8 } });
    for (let slots = 1; slots <= 200; slots++) driver.finish(driver.add({ demand: { slots } }));
    expect(driver.state.shapes.all.length).toBeLessThanOrEqual(8);
  });
});

describe('a window', () => {
  it('fixed: counts again when it is over; the first start after a pause begins one', () => {
    const driver = new FunctionDriver({
      pools: { slots: 8 },
      windows: { interval: { limit: 2, windowMs: 100 } },
    });
    driver.nowMs = 1_000;
    const demand = { slots: 1, interval: 1 };
    const [a, b, c, d, e] = [1, 2, 3, 4, 5].map(() => driver.add({ demand }));
    expect(driver.state.running).toBe(2);
    driver.finish(a!);
    expect(driver.started()).toEqual([]);
    expect(driver.pass(100)).toEqual([c, d]);
    expect(driver.pass(100)).toEqual([e]);
    driver.finish(b!);
    driver.pass(5_000);
    driver.nowMs += 70;
    driver.add({ demand });
    driver.add({ demand });
    driver.nowMs += 99;
    const late = driver.add({ demand });
    expect(driver.started()).toEqual([]);
    expect(driver.pass(1)).toEqual([late]);
  });

  it('sliding: no stretch of its length sees more than the limit', () => {
    const driver = new FunctionDriver({
      pools: { slots: 8 },
      windows: { interval: { limit: 2, windowMs: 100, mode: 'sliding' } },
    });
    const demand = { slots: 1, interval: 1 };
    driver.add({ demand });
    driver.nowMs = 60;
    driver.add({ demand });
    const [c, d] = [driver.add({ demand }), driver.add({ demand })];
    expect(driver.pass(39)).toEqual([]);
    expect(driver.pass(1)).toEqual([c]);
    expect(driver.pass(59)).toEqual([]);
    expect(driver.pass(1)).toEqual([d]);
  });

  it('carried over: what still runs counts in the next one', () => {
    const driver = new FunctionDriver({
      pools: { slots: 8 },
      windows: { interval: { limit: 2, windowMs: 100, carriesOver: true } },
    });
    const demand = { slots: 1, interval: 1 };
    const [a, , c, d] = [1, 2, 3, 4].map(() => driver.add({ demand }));
    driver.finish(a!);
    expect(driver.pass(100)).toEqual([c]);
    expect(driver.pass(100)).toEqual([]);
    driver.finish(c!);
    expect(driver.pass(100)).toEqual([d]);
  });
});

describe('a lease', () => {
  it('grows at once or not at all, and returns what it grew by', () => {
    const driver = new FunctionDriver({ pools: { slots: 2, gpu: 10 } });
    const task = driver.add({ demand: { slots: 1, gpu: 4 } });
    const grow = (amount: number) => {
      driver.send(EventKind.grow, { task, pool: driver.pool('gpu'), amount });
      return driver.commands.find(({ name }) => name === 'grew')!.b;
    };
    expect(grow(5)).toBe(1);
    expect(grow(2)).toBe(0);
    expect(grow(1)).toBe(1);
    expect(driver.leased('gpu')).toBe(10);
    driver.finish(task);
    expect(driver.leased('gpu')).toBe(0);
  });

  it('does not grow into what is reserved', () => {
    const driver = new FunctionDriver({ pools: { slots: 8, gpu: 10 } });
    const task = driver.add({ demand: { slots: 1, gpu: 4 } });
    driver.add({ demand: { slots: 1, gpu: 8 } });
    driver.add({ demand: { slots: 1, gpu: 5 } });
    driver.send(EventKind.grow, { task, pool: driver.pool('gpu'), amount: 1 });
    expect(driver.commands.find(({ name }) => name === 'grew')!.b).toBe(0);
  });
});

describe('limits', () => {
  it('may fall below what is leased: then nothing more is granted until enough came back', () => {
    const driver = new FunctionDriver({ pools: { slots: 3 } });
    const running = [driver.add(), driver.add(), driver.add()];
    const waiting = driver.add();
    driver.send(EventKind.resize, { pool: driver.pool('slots'), amount: 1 });
    expect(driver.finish(running[0]!)).toEqual([]);
    expect(driver.finish(running[1]!)).toEqual([]);
    expect(driver.finish(running[2]!)).toEqual([waiting]);
    driver.send(EventKind.resize, { pool: driver.pool('slots'), amount: Number.POSITIVE_INFINITY });
    const more = Array.from({ length: 50 }, () => driver.add());
    expect(driver.state.running).toBe(more.length + 1);
  });

  it('of work: what would exceed it is refused, and one task always may wait', () => {
    const classes = DEFAULT_CLASSES.map((settings) => ({ ...settings, workLimit: 10 }));
    const driver = new FunctionDriver({ pools: { slots: 1 }, classes });
    driver.add();
    expect(driver.add({ weight: 50 })).toBeGreaterThanOrEqual(0);
    expect(driver.add({ weight: 1 })).toBe(-Reason.workFull);
    expect(driver.add({ weight: 6, class: 'batch' })).toBeGreaterThanOrEqual(0);
    expect(driver.add({ weight: 4, class: 'batch' })).toBeGreaterThanOrEqual(0);
    expect(driver.add({ weight: 0.5, class: 'batch' })).toBe(-Reason.workFull);
  });
});

it('grants nothing while it is shut', () => {
  const driver = new FunctionDriver({ pools: { slots: 2 } });
  driver.send(EventKind.shut);
  const [a, b] = [driver.add(), driver.add()];
  expect(driver.state.running).toBe(0);
  driver.send(EventKind.open);
  expect(driver.started()).toEqual([a, b]);
});

it('moves a waiting task when its priority changes', () => {
  const driver = new FunctionDriver({ pools: { slots: 1 }, order: priority() });
  const running = driver.add();
  const [a, b, c] = [driver.add({ priority: 2 }), driver.add({ priority: 1 }), driver.add()];
  driver.send(EventKind.reprioritise, { task: c, priority: 3 });
  driver.send(EventKind.reprioritise, { task: a, priority: -1 });
  expect(driver.finish(running)).toEqual([c]);
  expect(driver.finish(c)).toEqual([b]);
  expect(driver.finish(b)).toEqual([a]);
});

it('forgets a tenant that has nothing left, and its number starts afresh', () => {
  const driver = new FunctionDriver({ pools: { slots: 1 } });
  driver.finish(driver.add({ tenant: 5, weight: 100 }));
  driver.send(EventKind.forget, { tenant: 5 });
  expect(driver.state.queue.queuedOf(5)).toBe(0);
});
