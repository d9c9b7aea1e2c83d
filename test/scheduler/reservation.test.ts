import { describe, expect, it } from 'vitest';
import { EventKind } from '../../lib/event/index.js';
import { priority } from '../../lib/policy/index.js';
import { Rule } from '../../lib/scheduler/index.js';
import { DEFAULT_CLASSES } from '../../lib/task/index.js';
import { FunctionDriver } from '../support/function-driver.js';

describe('a large task at the head', () => {
  it('is not passed for ever: what is freed is held for it where running work declares no bound', () => {
    const driver = new FunctionDriver({ pools: { slots: 4 } });
    const small = [1, 2, 3, 4].map(() => driver.add());
    const large = driver.add({ demand: { slots: 3 } });
    const later = driver.add();
    // One slot is free, the head lacks two: nobody else gets it.
    expect(driver.finish(small[0]!)).toEqual([]);
    expect(driver.finish(small[1]!)).toEqual([]);
    expect(driver.finish(small[2]!)).toEqual([large]);
    expect(driver.state.grantsByRule[Rule.reserved]).toBe(1);
    expect(driver.finish(small[3]!)).toEqual([later]);
  });

  it('gets a reserved start, and only a task whose bound ends before it may pass', () => {
    const driver = new FunctionDriver({ pools: { slots: 4 } });
    const first = driver.add({ boundMs: 1_000 });
    const second = driver.add({ boundMs: 2_000, demand: { slots: 2 } });
    const large = driver.add({ demand: { slots: 3 } });
    // The large one can start at 2,000, when both bounds are over. One slot is free until then.
    expect(driver.started()).toEqual([]);
    driver.add({ boundMs: 3_000 });
    expect(driver.started()).toEqual([]);
    driver.add();
    expect(driver.started()).toEqual([]);
    const passes = driver.add({ boundMs: 1_500 });
    expect(driver.started()).toEqual([passes]);
    expect(driver.state.backfilled).toBe(1);
    driver.finish(passes);
    driver.finish(first);
    expect(driver.finish(second)).toContain(large);
    expect(driver.state.tasks.grantsMs[large]).toBe(0);
    expect(driver.started()).toHaveLength(2);
  });

  it('leaves to others what it does not need', () => {
    const driver = new FunctionDriver({ pools: { slots: 8, gpu: 10 } });
    const holder = driver.add({ demand: { slots: 1, gpu: 6 } });
    const large = driver.add({ demand: { slots: 1, gpu: 8 } });
    // The head lacks 4 of gpu. Slots are plenty: a task without gpu starts, one with gpu does not.
    const without = driver.add();
    expect(driver.started()).toEqual([without]);
    driver.add({ demand: { slots: 1, gpu: 1 } });
    expect(driver.started()).toEqual([]);
    expect(driver.finish(holder)[0]).toBe(large);
  });

  it('leaves what is kept for a class to it', () => {
    const driver = new FunctionDriver({ pools: { slots: { capacity: 8, keptForInteractive: 2 } } });
    for (let i = 0; i < 3; i++) driver.add();
    driver.add({ demand: { slots: 6 } });
    driver.add();
    expect(driver.state.reservations).toHaveLength(1);
    const chat = driver.add({ class: 'interactive' });
    expect(driver.started()).toEqual([chat]);
  });

  it('leaves the rest of a window that begins afresh, since it waits for the next one', () => {
    const driver = new FunctionDriver({
      pools: { slots: 8 },
      windows: { tokens: { limit: 90, windowMs: 1_000 } },
    });
    driver.add({ demand: { tokens: 20 } });
    const head = driver.add({ demand: { tokens: 80 } });
    const small = driver.add({ demand: { tokens: 5 } });
    expect(driver.started()).toEqual([small]);
    expect(driver.pass(1_000)).toEqual([head]);
  });

  it('finds its pools free at one time once it is overdue, although others use them in turn', () => {
    const classes = DEFAULT_CLASSES.map((settings) => ({ ...settings, boundMs: 100 }));
    const driver = new FunctionDriver({ pools: { a: 1, b: 1 }, classes });
    let ofA = driver.add({ demand: { a: 1 } });
    let ofB = driver.add({ demand: { b: 1 } });
    const both = driver.add({ demand: { a: 1, b: 1 } });
    for (let turn = 0; turn < 40 && driver.state.tasks.leased[both] === 0; turn++) {
      driver.nowMs += 50;
      const next = driver.add({ demand: turn % 2 === 0 ? { a: 1 } : { b: 1 } });
      driver.finish(turn % 2 === 0 ? ofA : ofB);
      if (driver.state.tasks.leased[next] !== 1) continue;
      if (turn % 2 === 0) ofA = next;
      else ofB = next;
    }
    expect(driver.state.tasks.leased[both]).toBe(1);
  });

  it('lets others pass at once when an overrun moves its start', () => {
    const driver = new FunctionDriver({ pools: { slots: 4 } });
    driver.add({ boundMs: 10 });
    driver.add({ boundMs: 100 });
    driver.add();
    driver.add({ demand: { slots: 2 } });
    const filler = driver.add({ boundMs: 50 });
    expect(driver.started()).toEqual([]);
    expect(driver.state.wakeAtMs).toBeLessThanOrEqual(11);
    expect(driver.pass(11)).toEqual([filler]);
  });

  it('keeps its reservation when somebody more urgent comes', () => {
    const driver = new FunctionDriver({ pools: { slots: 3 }, order: priority() });
    const running = [driver.add(), driver.add(), driver.add()];
    const large = driver.add({ demand: { slots: 2 } });
    driver.add();
    expect(driver.finish(running[0]!)).toEqual([]);
    const urgent = driver.add({ priority: 100 });
    expect(driver.started()).toEqual([]);
    expect(driver.finish(running[1]!)).toEqual([large]);
    expect(driver.finish(running[2]!)).toEqual([urgent]);
  });

  it('does not hold the pool for ever when something runs without end', () => {
    const driver = new FunctionDriver({ pools: { slots: 2 }, overrides: { drainMs: 1_000 } });
    driver.add();
    const large = driver.add({ demand: { slots: 2 } });
    const small = driver.add();
    expect(driver.started()).toEqual([]);
    expect(driver.pass(999)).toEqual([]);
    expect(driver.pass(1)).toEqual([small]);
    // For as long again nothing is reserved.
    expect(driver.finish(small)).toEqual([]);
    const next = driver.add();
    expect(driver.started()).toEqual([next]);
    driver.pass(1_000);
    driver.finish(next);
    driver.add();
    expect(driver.started()).toEqual([]);
    expect(driver.state.reservations.map(({ task }) => task)).toEqual([large]);
  });

  it('is given up when its task ends, or when the machine has become too small for it', () => {
    const driver = new FunctionDriver({ pools: { slots: 4 } });
    driver.add({ demand: { slots: 2 } });
    const large = driver.add({ demand: { slots: 3 } });
    const small = driver.add();
    expect(driver.state.reservations.map(({ task }) => task)).toEqual([large]);
    driver.send(EventKind.cancel, { task: large });
    expect(driver.started()).toEqual([small]);
    const tooLarge = driver.add({ demand: { slots: 4 } });
    const behind = driver.add();
    expect(driver.state.reservations.map(({ task }) => task)).toEqual([tooLarge]);
    driver.send(EventKind.resize, { pool: driver.pool('slots'), amount: 3.5 });
    expect(driver.state.reservations).toEqual([]);
    expect(driver.finish(small)).toEqual([behind]);
  });

  it('blocks everything with headBlocks', () => {
    const driver = new FunctionDriver({ pools: { slots: 4, gpu: 4 }, overrides: { headBlocks: true } });
    const holder = driver.add({ demand: { slots: 2 } });
    const large = driver.add({ demand: { slots: 3 } });
    const other = driver.add({ demand: { gpu: 1 } });
    expect(driver.started()).toEqual([]);
    expect(driver.finish(holder)).toEqual([large, other]);
  });
});
