import { describe, expect, it } from 'vitest';
import { EventKind } from '../../lib/event/index.js';
import { vtc } from '../../lib/policy/index.js';
import { Outcome, Reason } from '../../lib/task/index.js';
import { FunctionDriver } from '../support/function-driver.js';

describe('a task that failed', () => {
  it('is tried again after its pause, in its old place', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const failing = driver.add({ attempts: 3 });
    const [a, b] = [driver.add(), driver.add()];
    driver.fail(failing, 100);
    expect(driver.commands.find(({ name }) => name === 'requeued')).toMatchObject({ a: failing, b: 100 });
    expect(driver.started()).toEqual([a]);
    driver.pass(100);
    expect(driver.finish(a)).toEqual([failing]);
    expect(driver.finish(failing)).toEqual([b]);
  });

  it('fails when its attempts, its time or the budget for retries are used up', () => {
    const driver = new FunctionDriver({
      pools: { slots: 4 },
      overrides: { retryBudgetMin: 2, retryBudgetRatio: 0 },
    });
    const once = driver.add();
    driver.fail(once, 0);
    expect(driver.settled().get(once)).toBe(Outcome.failed);
    const late = driver.add({ attempts: 5, deadlineMs: 50 });
    driver.fail(late, 60);
    expect(driver.settled().get(late)).toBe(Outcome.failed);
    const twice = driver.add({ attempts: 5 });
    driver.fail(twice, 0);
    driver.fail(twice, 0);
    expect(driver.started()).toEqual([twice]);
    driver.fail(twice, 0);
    expect(driver.settled().get(twice)).toBe(Outcome.failed);
  });

  it('waits anew: how long it ran is no part of its time-out in the queue', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const task = driver.add({ class: 'interactive', attempts: 2 });
    driver.nowMs += 70_000;
    driver.fail(task, 100);
    expect(driver.settled().size).toBe(0);
    expect(driver.pass(100)).toEqual([task]);
  });

  it('fails with its own error when the pause outlasts what its class may wait', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const task = driver.add({ class: 'interactive', attempts: 2 });
    driver.fail(task, 60_000);
    expect(driver.settled().get(task)).toBe(Outcome.failed);
  });

  it('may be cancelled, and may expire, while it backs off', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const [a, b] = [driver.add({ attempts: 2 }), driver.add({ attempts: 2, deadlineMs: 500 })];
    driver.fail(a, 1_000);
    driver.fail(b, 400);
    driver.send(EventKind.cancel, { task: a });
    expect(driver.settled().get(a)).toBe(Outcome.cancelled);
    const holder = driver.add();
    driver.pass(500);
    expect(driver.settled().get(b)).toBe(Outcome.expired);
    driver.finish(holder);
    expect(driver.state.tasks.size).toBe(0);
  });

  it('is not charged to its tenant again', () => {
    const share = vtc();
    const driver = new FunctionDriver({ pools: { slots: 1 }, share });
    const task = driver.add({ tenant: 1, weight: 5, attempts: 2 });
    driver.fail(task, 0);
    expect(driver.started()).toEqual([task]);
    expect(share.key(1)).toBe(5);
  });
});

describe('a time-out', () => {
  it('settles the task at once; its lease returns when its function has really ended', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const slow = driver.add({ timeoutMs: 100 });
    const next = driver.add();
    driver.pass(99);
    expect(driver.settled().size).toBe(0);
    driver.pass(1);
    expect(driver.settled().get(slow)).toBe(Outcome.failed);
    expect(driver.commands.find(({ name }) => name === 'settled')!.c).toBe(Reason.timedOut);
    expect(driver.commands.some(({ name, a }) => name === 'stop' && a === slow)).toBe(true);
    expect(driver.started()).toEqual([]);
    expect(driver.finish(slow)).toEqual([next]);
  });

  it('returns the lease at once where the configuration says so', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 }, overrides: { leaseEndsAtTimeout: true } });
    const slow = driver.add({ timeoutMs: 100 });
    const next = driver.add();
    expect(driver.pass(100)).toEqual([next]);
    expect(driver.commands.some(({ name, a }) => name === 'freed' && a === slow)).toBe(true);
  });

  it('counts from the start, and again from the next', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const holder = driver.add();
    const task = driver.add({ timeoutMs: 100, attempts: 2 });
    driver.pass(5_000);
    driver.finish(holder);
    driver.nowMs += 99;
    driver.fail(task, 0);
    expect(driver.started()).toEqual([task]);
    driver.pass(99);
    expect(driver.settled().size).toBe(0);
    driver.pass(1);
    expect(driver.settled().get(task)).toBe(Outcome.failed);
  });
});
