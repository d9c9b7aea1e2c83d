import { describe, expect, it } from 'vitest';
import { EventKind } from '../../lib/event/index.js';
import { fcfs, priority } from '../../lib/policy/index.js';
import { explain } from '../../lib/scheduler/index.js';
import { Outcome, TaskState } from '../../lib/task/index.js';
import { FunctionDriver } from '../support/function-driver.js';

function giveBack(driver: FunctionDriver, task: number): void {
  driver.send(EventKind.giveBack, { task });
}

/** @returns the tasks that were told that they hold their lease */
function takeAgain(driver: FunctionDriver, task: number): number[] {
  driver.send(EventKind.takeAgain, { task });
  return proceeded(driver);
}

function proceeded(driver: FunctionDriver): number[] {
  return driver.commands.filter(({ name }) => name === 'proceed').map(({ a }) => a);
}

function stateOf(driver: FunctionDriver, task: number): TaskState {
  return driver.state.tasks.states[task] as TaskState;
}

describe('a function that awaits its children', () => {
  it('gives its slot to them and takes it again', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const parent = driver.add();
    const child = driver.add({ parent });
    expect(stateOf(driver, child)).toBe(TaskState.queued);
    giveBack(driver, parent);
    expect(stateOf(driver, parent)).toBe(TaskState.awaiting);
    expect(stateOf(driver, child)).toBe(TaskState.granted);
    expect(takeAgain(driver, parent)).toEqual([]);
    driver.finish(child);
    expect(proceeded(driver)).toEqual([parent]);
    expect(driver.leased('slots')).toBe(1);
    driver.finish(parent);
    expect(driver.settled().get(parent)).toBe(Outcome.completed);
    expect(driver.leased('slots')).toBe(0);
    expect(driver.state.tasks.attempts[parent]).toBe(1);
  });

  it('goes before new work when it wants its slot again', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 }, order: fcfs() });
    const parent = driver.add();
    giveBack(driver, parent);
    const [first, second] = [driver.add(), driver.add()];
    expect(stateOf(driver, first)).toBe(TaskState.granted);
    takeAgain(driver, parent);
    driver.finish(first);
    expect(proceeded(driver)).toEqual([parent]);
    expect(stateOf(driver, second)).toBe(TaskState.queued);
  });

  it('is told at once when it gave nothing back', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const parent = driver.add();
    expect(takeAgain(driver, parent)).toEqual([parent]);
    giveBack(driver, parent);
    expect(takeAgain(driver, parent)).toEqual([parent]);
  });

  it('counts as running, and not as waiting', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const parent = driver.add();
    giveBack(driver, parent);
    driver.add();
    expect(driver.state.running).toBe(2);
    takeAgain(driver, parent);
    expect(driver.state.running).toBe(2);
    expect(driver.state.waitingByClass[1]).toBe(0);
    expect(explain(driver.state, parent, driver.nowMs)).toMatchObject({ state: 'queued' });
  });

  it('pays for a window of time once', () => {
    const driver = new FunctionDriver({
      pools: { slots: 1 },
      windows: { calls: { limit: 2, windowMs: 1_000, mode: 'fixed', carriesOver: false } },
    });
    const demand = { slots: 1, calls: 2 };
    const parent = driver.add({ demand });
    giveBack(driver, parent);
    expect(driver.leased('calls')).toBe(2);
    expect(takeAgain(driver, parent)).toEqual([parent]);
    expect(driver.leased('calls')).toBe(2);
  });

  it.each([
    { when: 'while it awaits', wants: false },
    { when: 'while it waits for its slot', wants: true },
  ])('can be cancelled $when, and its index is used again only when it has ended', ({ wants }) => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const parent = driver.add();
    giveBack(driver, parent);
    const other = driver.add();
    if (wants) takeAgain(driver, parent);
    driver.send(EventKind.cancel, { task: parent });
    expect(driver.settled().get(parent)).toBe(Outcome.cancelled);
    expect(driver.commands.map(({ name }) => name)).toContain('stop');
    expect(stateOf(driver, parent)).toBe(TaskState.settled);
    driver.finish(parent);
    expect(stateOf(driver, parent)).toBe(TaskState.free);
    expect(driver.leased('slots')).toBe(1);
    driver.finish(other);
    expect(driver.leased('slots')).toBe(0);
  });

  it('keeps its time-out, which goes on', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const parent = driver.add({ timeoutMs: 100 });
    driver.pass(60);
    giveBack(driver, parent);
    takeAgain(driver, parent);
    driver.pass(39);
    expect(driver.settled().size).toBe(0);
    driver.pass(1);
    expect(driver.settled().get(parent)).toBe(Outcome.failed);
  });

  it('is not ended by the time-out of its class while it waits for its slot', () => {
    const driver = new FunctionDriver({ pools: { slots: 1 } });
    const parent = driver.add();
    giveBack(driver, parent);
    driver.add();
    takeAgain(driver, parent);
    driver.pass(10_000_000);
    expect(driver.settled().size).toBe(0);
    expect(stateOf(driver, parent)).toBe(TaskState.queued);
  });
});

describe('work of started runs', () => {
  it.each([fcfs(), priority()])('is of the older run first, under $name', (order) => {
    const driver = new FunctionDriver({ pools: { slots: 2 }, order });
    const [older, younger] = [driver.add(), driver.add()];
    giveBack(driver, older);
    giveBack(driver, younger);
    const [first, second] = [driver.add(), driver.add()];
    const ofYounger = driver.add({ parent: younger });
    const ofOlder = driver.add({ parent: older });
    driver.finish(first);
    expect(stateOf(driver, ofOlder)).toBe(TaskState.granted);
    expect(stateOf(driver, ofYounger)).toBe(TaskState.queued);
    driver.finish(second);
    expect(stateOf(driver, ofYounger)).toBe(TaskState.granted);
  });

  it('is of the more urgent before the older', () => {
    const driver = new FunctionDriver({ pools: { slots: 2 }, order: fcfs() });
    const [older, younger] = [driver.add(), driver.add()];
    giveBack(driver, older);
    giveBack(driver, younger);
    const first = driver.add();
    driver.add();
    const ofOlder = driver.add({ parent: older });
    const urgent = driver.add({ parent: younger, priority: 1 });
    driver.finish(first);
    expect(stateOf(driver, urgent)).toBe(TaskState.granted);
    expect(stateOf(driver, ofOlder)).toBe(TaskState.queued);
  });
});
