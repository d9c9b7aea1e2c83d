import { describe, expect, it } from 'vitest';
import { EventKind } from '../../lib/event/index.js';
import { priority, vtc } from '../../lib/policy/index.js';
import { Outcome, Reason } from '../../lib/task/index.js';
import { FunctionDriver } from '../support/function-driver.js';

describe('a group', () => {
  const grouped = { order: priority(), pools: { slots: 8 }, overrides: { groupLimit: 1 } };

  it('runs as many of its members as the limit says, while others pass', () => {
    const driver = new FunctionDriver(grouped);
    const first = driver.add({ group: 1 });
    const second = driver.add({ group: 1 });
    expect(driver.started()).toEqual([]);
    const other = driver.add({ group: 2 });
    expect(driver.started()).toEqual([other]);
    const free = driver.add();
    expect(driver.started()).toEqual([free]);
    expect(driver.finish(first)).toEqual([second]);
  });

  it('lets the most urgent member in first, also when it comes later', () => {
    const driver = new FunctionDriver({ ...grouped, pools: { slots: 1 } });
    const holder = driver.add();
    const calm = driver.add({ group: 1 });
    const urgent = driver.add({ group: 1, priority: 5 });
    expect(driver.finish(holder)).toEqual([urgent]);
    const more = driver.add({ group: 1, priority: 1 });
    expect(driver.finish(urgent)).toEqual([more]);
    expect(driver.finish(more)).toEqual([calm]);
  });

  it('keeps the share of its tenant when a more urgent member takes the place of another', () => {
    const share = vtc();
    const driver = new FunctionDriver({ ...grouped, pools: { slots: 1 }, share });
    driver.add({ tenant: 1, weight: 1_000 });
    driver.add({ tenant: 2, group: 1 });
    driver.add({ tenant: 1 });
    const before = share.key(2);
    driver.add({ tenant: 2, group: 1, priority: 5 });
    expect(share.key(2)).toBe(before);
  });

  it('lets the next member in when one is cancelled, re-prioritised or fails', () => {
    const driver = new FunctionDriver(grouped);
    const running = driver.add({ group: 1 });
    const a = driver.add({ group: 1 });
    const b = driver.add({ group: 1 });
    driver.send(EventKind.reprioritise, { task: b, priority: 3 });
    driver.fail(running);
    expect(driver.started()).toEqual([b]);
    driver.send(EventKind.cancel, { task: b });
    // What runs holds its place until it has really ended.
    expect(driver.started()).toEqual([]);
    driver.fail(b);
    expect(driver.started()).toEqual([a]);
    driver.finish(a);
    expect(driver.state.groups.size).toBe(0);
  });

  it('gives its place to another member while one backs off', () => {
    const driver = new FunctionDriver(grouped);
    const failing = driver.add({ group: 1, attempts: 2 });
    const next = driver.add({ group: 1 });
    driver.fail(failing, 100);
    expect(driver.started()).toEqual([next]);
    expect(driver.pass(100)).toEqual([]);
    expect(driver.finish(next)).toEqual([failing]);
  });
});

describe('a gang', () => {
  it('starts when all members are there and fit together, not before', () => {
    const driver = new FunctionDriver({ pools: { slots: 3 } });
    const holder = driver.add();
    const members = [1, 2, 3].map(() => driver.add({ gang: 7, gangSize: 3 }));
    expect(driver.started()).toEqual([]);
    expect(driver.finish(holder)).toEqual(members);
    expect(driver.leased('slots')).toBe(3);
  });

  it('waits for its last member without blocking others', () => {
    const driver = new FunctionDriver({ pools: { slots: 2 } });
    const first = driver.add({ gang: 1, gangSize: 2 });
    expect(driver.started()).toEqual([]);
    const other = driver.add();
    expect(driver.started()).toEqual([other]);
    driver.finish(other);
    const second = driver.add({ gang: 1, gangSize: 2 });
    expect(driver.started()).toEqual([first, second]);
  });

  it('ends as a whole when one member is cancelled or refused before the start', () => {
    const driver = new FunctionDriver({ pools: { slots: 2 } });
    driver.add({ demand: { slots: 2 } });
    const [a, b] = [driver.add({ gang: 1, gangSize: 2 }), driver.add({ gang: 1, gangSize: 2 })];
    driver.send(EventKind.cancel, { task: a });
    expect(driver.settled()).toEqual(
      new Map([
        [a, Outcome.cancelled],
        [b, Outcome.cancelled],
      ]),
    );
    // Together they are larger than the machine: the one that completes the gang is refused, the others end.
    const c = driver.add({ gang: 2, gangSize: 3 });
    driver.add({ gang: 2, gangSize: 3 });
    expect(driver.add({ gang: 2, gangSize: 3 })).toBe(-Reason.tooLarge);
    expect(driver.settled().get(c)).toBe(Outcome.cancelled);
    expect(driver.state.queue.size).toBe(0);
  });

  it('refuses the members that come after one was refused', () => {
    const driver = new FunctionDriver({ pools: { slots: 2 } });
    driver.add({ gang: 1, gangSize: 3 });
    expect(driver.add({ gang: 1, gangSize: 3, demand: { slots: 5 } })).toBe(-Reason.tooLarge);
    expect(driver.add({ gang: 1, gangSize: 3 })).toBe(-Reason.gangBroken);
    expect(driver.add({ gang: 1, gangSize: 1 })).toBeGreaterThanOrEqual(0);
  });

  it('goes its own ways after the start', () => {
    const driver = new FunctionDriver({ pools: { slots: 2 } });
    const [a, b] = [driver.add({ gang: 1, gangSize: 2, attempts: 2 }), driver.add({ gang: 1, gangSize: 2 })];
    driver.fail(a, 0);
    expect(driver.started()).toEqual([a]);
    driver.finish(b);
    driver.finish(a);
    expect(driver.state.tasks.size).toBe(0);
  });
});
