import { describe, expect, it } from 'vitest';
import { EventKind } from '../../lib/event/index.js';
import { fcfs, vtc } from '../../lib/policy/index.js';
import { Rule } from '../../lib/scheduler/index.js';
import { Outcome, Reason } from '../../lib/task/index.js';
import { FunctionDriver } from '../support/function-driver.js';

describe('a child', () => {
  it('has the tenant of its parent and no more time', () => {
    const driver = new FunctionDriver({ pools: { slots: 2 }, share: vtc() });
    const parent = driver.add({ tenant: 3, deadlineMs: 500 });
    const child = driver.add({ tenant: 9, parent });
    expect(driver.state.tasks.tenants[child]).toBe(3);
    driver.pass(500);
    expect(driver.settled()).toEqual(
      new Map([
        [parent, Outcome.expired],
        [child, Outcome.cancelled],
      ]),
    );
  });

  it('is charged to the budget of every run above it', () => {
    const driver = new FunctionDriver({ pools: { slots: 8 } });
    const root = driver.add({ budget: 10 });
    const child = driver.add({ parent: root, weight: 4, budget: 100 });
    const grandchild = driver.add({ parent: child, weight: 6 });
    expect(grandchild).toBeGreaterThan(0);
    expect(driver.add({ parent: grandchild, weight: 1 })).toBe(-Reason.overBudget);
    expect(driver.add({ parent: root, weight: 1 })).toBe(-Reason.overBudget);
    expect(driver.add({ weight: 100 })).toBeGreaterThan(0);
  });

  it('is refused when it would be too deep, or its parent has ended', () => {
    const driver = new FunctionDriver({ pools: { slots: 8 }, overrides: { maxDepth: 2 } });
    const root = driver.add();
    const child = driver.add({ parent: root });
    const grandchild = driver.add({ parent: child });
    expect(driver.add({ parent: grandchild })).toBe(-Reason.tooDeep);
    driver.finish(root);
    expect(driver.add({ parent: root })).toBe(-Reason.parentEnded);
  });

  it('ends when its parent ends without success, and goes on when it succeeds', () => {
    const driver = new FunctionDriver({ pools: { slots: 4 } });
    const failing = driver.add();
    const child = driver.add({ parent: failing });
    const grandchild = driver.add({ parent: child });
    driver.fail(failing);
    expect(driver.settled()).toEqual(
      new Map([
        [failing, Outcome.failed],
        [child, Outcome.cancelled],
        [grandchild, Outcome.cancelled],
      ]),
    );
    // They run: what they hold comes back when they have really ended.
    expect(driver.leased('slots')).toBe(2);
    driver.finish(child);
    driver.finish(grandchild);
    const good = driver.add();
    const detached = driver.add({ parent: good });
    driver.finish(good);
    expect(driver.settled().has(detached)).toBe(false);
    driver.finish(detached);
    expect(driver.state.families.size).toBe(0);
  });

  it('goes before new runs of its tenant, until its run has had its budget', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 }, order: fcfs(), overrides: { runBudget: 2 } });
    const parent = driver.add();
    const fresh = driver.add();
    const [a, b, c] = [driver.add({ parent }), driver.add({ parent }), driver.add({ parent })];
    expect(driver.finish(parent)).toEqual([a]);
    expect(driver.state.grantsByRule[Rule.run]).toBe(1);
    expect(driver.finish(a)).toEqual([b]);
    expect(driver.finish(b)).toEqual([fresh]);
    expect(driver.finish(fresh)).toEqual([c]);
  });

  it('does not take the turn of another tenant', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 }, order: fcfs(), share: vtc() });
    const parent = driver.add({ tenant: 2 });
    const other = driver.add({ tenant: 1 });
    const child = driver.add({ parent });
    expect(driver.finish(parent)).toEqual([other]);
    expect(driver.finish(other)).toEqual([child]);
  });
});

it('cancels a whole family', () => {
  const driver = new FunctionDriver({ pools: { slots: 1 } });
  const root = driver.add();
  const children = [driver.add({ parent: root }), driver.add({ parent: root })];
  driver.send(EventKind.cancel, { task: root });
  expect([...driver.settled().keys()]).toEqual([root, ...children]);
});
