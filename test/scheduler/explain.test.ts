import { describe, expect, it } from 'vitest';
import { Random } from '../../lib/base/random.js';
import { EventKind } from '../../lib/event/index.js';
import { fcfs, none, priority, vtc } from '../../lib/policy/index.js';
import {
  type Blocker,
  explain,
  type RunningExplanation,
  SCHEDULER_DEFAULTS,
  type WaitingExplanation,
} from '../../lib/scheduler/index.js';
import { DEFAULT_CLASSES, FUNCTION_CLASSES, INDEX_STEP, NONE, Outcome } from '../../lib/task/index.js';
import { FunctionDriver } from '../support/function-driver.js';
import { playRandomly } from '../support/random-yard.js';
import { RecordedScheduler } from '../support/recorded-scheduler.js';
import { SchedulerDriver } from '../support/scheduler-driver.js';

function why(driver: SchedulerDriver, task: number): WaitingExplanation {
  return explain(driver.state, task, driver.nowMs) as WaitingExplanation;
}

function only<K extends Blocker['kind']>(explanation: WaitingExplanation, kind: K): Extract<Blocker, { kind: K }> {
  expect(explanation.blockers.map((blocker) => blocker.kind)).toEqual([kind]);
  return explanation.blockers[0] as Extract<Blocker, { kind: K }>;
}

describe('a task that waits for a pool', () => {
  it('is told what is short, who holds it, who goes first and how many are ahead', () => {
    const driver = new FunctionDriver({ pools: { slots: 2 } });
    const running = [driver.add(), driver.add()];
    const first = driver.add();
    driver.nowMs = 300;
    const second = driver.add();
    driver.nowMs = 500;
    expect(explain(driver.state, second, 500)).toEqual({
      task: second,
      state: 'queued',
      waitMs: 200,
      attempts: 0,
      leader: undefined,
      blockers: [
        {
          kind: 'pool',
          pool: driver.pool('slots'),
          needed: 1,
          free: 0,
          capacity: 2,
          keptForOthers: 0,
          isKept: false,
          holders: running.map((task) => ({ task, amount: 1 })),
          holderCount: 2,
        },
      ],
      next: { task: first, rule: 'order', starts: true },
      ahead: { ofTenant: 1, tenants: 0 },
      heldByAncestor: undefined,
      reservation: undefined,
      estimate: undefined,
    } satisfies WaitingExplanation);
    expect(why(driver, first).next?.task).toBe(first);
  });

  it('is told of each pool that is short, and of no other', () => {
    const driver = new FunctionDriver({ pools: { slots: 3, gpu: 8, disk: 4 } });
    driver.add({ demand: { slots: 1, gpu: 6, disk: 1 } });
    driver.add({ demand: { slots: 1, disk: 3 } });
    const task = driver.add({ demand: { slots: 1, gpu: 4, disk: 2 } });
    const short = why(driver, task).blockers.map((blocker) => ('pool' in blocker ? blocker.pool : NONE));
    expect(short).toEqual([driver.pool('gpu'), driver.pool('disk')]);
  });

  it('sees what a holder took later, and counts the holders that it does not name', () => {
    const driver = new FunctionDriver({ pools: { slots: 20, gpu: 24 } });
    const running = Array.from({ length: 10 }, () => driver.add({ demand: { slots: 1, gpu: 2 } }));
    driver.send(EventKind.grow, { task: running[0]!, pool: driver.pool('gpu'), amount: 3 });
    const blocker = only(why(driver, driver.add({ demand: { gpu: 4 } })), 'pool');
    expect(blocker.holders).toHaveLength(8);
    expect(blocker.holders[0]).toEqual({ task: running[0], amount: 5 });
    expect(blocker.holderCount).toBe(10);
  });

  it('learns that what is free is kept for another class', () => {
    const driver = new FunctionDriver({ pools: { slots: { capacity: 3, keptForInteractive: 1 } } });
    driver.add({ class: 'batch' });
    driver.add({ class: 'batch' });
    const batch = only(why(driver, driver.add({ class: 'batch' })), 'pool');
    expect(batch).toMatchObject({ free: 0, keptForOthers: 1, isKept: true });
    driver.add({ class: 'interactive' });
    const after = only(why(driver, driver.add({ class: 'batch' })), 'pool');
    expect(after).toMatchObject({ free: 0, keptForOthers: 0, isKept: false });
  });

  it('is told of the one before it, where tasks that need nearly the same wait together', () => {
    const driver = new FunctionDriver({ pools: { gpu: 64 }, order: priority() });
    driver.add({ demand: { gpu: 47 } });
    driver.send(EventKind.shut);
    const task = driver.add({ demand: { gpu: 17 } });
    const before = driver.add({ demand: { gpu: 18 }, priority: 1 });
    driver.send(EventKind.open);
    expect(only(why(driver, before), 'pool')).toMatchObject({ needed: 18, free: 17 });
    expect(only(why(driver, task), 'reservation')).toMatchObject({ task: before });
  });

  it('sees that a pool has become too small for it', () => {
    const driver = new FunctionDriver({ pools: { slots: 4 } });
    driver.add({ demand: { slots: 2 } });
    const task = driver.add({ demand: { slots: 3 } });
    driver.send(EventKind.resize, { pool: driver.pool('slots'), amount: 2 });
    expect(only(why(driver, task), 'pool')).toMatchObject({ needed: 3, capacity: 2 });
  });
});

describe('the place in line', () => {
  it('counts the tasks of its tenant that go first, and the tenants that were served less', () => {
    const driver = new FunctionDriver({ pools: { slots: 1, other: 1 }, share: vtc(), order: priority() });
    driver.add({ tenant: 1, weight: 5 });
    const low = driver.add({ tenant: 1, priority: -1 });
    driver.add({ tenant: 1 });
    driver.add({ tenant: 1, priority: 3 });
    driver.add({ tenant: 1, priority: -2 });
    driver.add({ tenant: 2 });
    driver.add({ tenant: 2 });
    const third = driver.add({ tenant: 3 });
    // Neither holds what they wait for nor wants it.
    driver.add({ tenant: 1, priority: 9, demand: { other: 1 } });
    driver.add({ tenant: 4, demand: { other: 1 } });
    expect(why(driver, low).ahead).toEqual({ ofTenant: 2, tenants: 2 });
    // Tenants 2 and 3 began where tenant 1 was when they came; it has been served again since.
    expect(why(driver, third).ahead).toEqual({ ofTenant: 0, tenants: 1 });
    expect(why(driver, third).next?.rule).toBe('share');
  });

  it('has work of a started run before new runs', () => {
    const driver = new FunctionDriver({ order: fcfs() });
    const parent = driver.add();
    const fresh = driver.add();
    const child = driver.add({ parent });
    expect(why(driver, fresh)).toMatchObject({ next: { task: child, rule: 'run' }, ahead: { ofTenant: 1 } });
    expect(why(driver, child).ahead).toEqual({ ofTenant: 0, tenants: 0 });
  });

  it('lets an overdue task go first when it is its turn', () => {
    const classes = DEFAULT_CLASSES.map((settings) => ({ ...settings, boundMs: 100 }));
    const driver = new FunctionDriver({ classes, order: priority(), overrides: { overdueEvery: 1 } });
    driver.add();
    const old = driver.add();
    driver.nowMs = 60;
    const urgent = driver.add({ priority: 5 });
    expect(why(driver, old).next).toEqual({ task: urgent, rule: 'order', starts: true });
    driver.nowMs = 100;
    expect(why(driver, old).next).toEqual({ task: old, rule: 'overdue', starts: true });
  });
});

describe('a task that may not be granted yet', () => {
  it('is told until when it backs off', () => {
    const driver = new FunctionDriver();
    const task = driver.add({ attempts: 3 });
    driver.nowMs = 100;
    driver.fail(task, 250);
    const explanation = why(driver, task);
    expect(only(explanation, 'backOff').untilMs).toBe(350);
    expect(explanation).toMatchObject({ state: 'submitted', attempts: 1, next: undefined, ahead: undefined });
    expect(explanation.estimate).toEqual({ startMs: 350, basis: 'backOff' });
  });

  it('is told that its size is not known, and then that its model is not up', () => {
    const driver = new SchedulerDriver();
    const task = driver.submit({ promptTokens: -1 });
    only(why(driver, task), 'size');
    driver.send(EventKind.sized, { task, promptTokens: 8 });
    expect(only(why(driver, task), 'model')).toMatchObject({ model: 0, phase: 'idle', restartAtMs: undefined });
    driver.bringUp(1);
    driver.nowMs = 50;
    driver.send(EventKind.down, { model: 0, fatal: 0 });
    expect(only(why(driver, task), 'model')).toMatchObject({ phase: 'waiting', restartAtMs: 300 });
  });

  it('is told how many of its gang are there, and once all are, what its leader waits for', () => {
    const driver = new FunctionDriver({ pools: { slots: 3 } });
    driver.add({ demand: { slots: 2 } });
    const leader = driver.add({ gang: 1, gangSize: 2 });
    expect(only(why(driver, leader), 'gang')).toEqual({ kind: 'gang', present: 1, size: 2 });
    const member = driver.add({ gang: 1, gangSize: 2 });
    const explanation = why(driver, member);
    expect(explanation).toMatchObject({ state: 'submitted', leader });
    expect(only(explanation, 'pool')).toMatchObject({ needed: 2, free: 1 });
    expect(why(driver, leader)).toMatchObject({ state: 'queued', leader: undefined });
  });

  it('is told who of its group is in, and who goes in next', () => {
    const driver = new FunctionDriver({ pools: { slots: 4 }, order: priority(), overrides: { groupLimit: 2 } });
    const inside = [driver.add({ group: 7 }), driver.add({ group: 7 })];
    const later = driver.add({ group: 7 });
    const urgent = driver.add({ group: 7, priority: 1 });
    expect(only(why(driver, later), 'group')).toEqual({
      kind: 'group',
      limit: 2,
      inside,
      insideCount: 2,
      ahead: 1,
      next: urgent,
    });
  });

  it('is told that the yard starts nothing', () => {
    const driver = new FunctionDriver();
    driver.send(EventKind.shut);
    const task = driver.add();
    const explanation = why(driver, task);
    only(explanation, 'shut');
    expect(explanation.next).toEqual({ task, rule: 'order', starts: true });
    expect(explanation.estimate).toBeUndefined();
  });
});

describe('a task that waits for a window of time', () => {
  it('is told when a fixed window begins anew', () => {
    const driver = new FunctionDriver({ windows: { calls: { limit: 3, windowMs: 1_000 } } });
    driver.nowMs = 40;
    driver.add({ demand: { calls: 2 } });
    driver.nowMs = 100;
    const task = driver.add({ demand: { calls: 2 } });
    const explanation = why(driver, task);
    expect(only(explanation, 'window')).toMatchObject({ needed: 2, free: 1, freeFromMs: 1_040, holderCount: 0 });
    expect(explanation.estimate).toEqual({ startMs: 1_040, basis: 'window' });
    // Behind it: one window fits 3, so the third of two each is in the next but one.
    driver.add({ demand: { calls: 2 } });
    expect(why(driver, driver.add({ demand: { calls: 2 } })).estimate?.startMs).toBe(2_040);
  });

  it('is told when enough has left a sliding window', () => {
    const windows = { tokens: { limit: 10, windowMs: 1_000, mode: 'sliding' as const } };
    const driver = new FunctionDriver({ windows });
    driver.add({ demand: { tokens: 4 } });
    driver.nowMs = 300;
    driver.add({ demand: { tokens: 4 } });
    expect(only(why(driver, driver.add({ demand: { tokens: 6 } })), 'window').freeFromMs).toBe(1_000);
    expect(only(why(driver, driver.add({ demand: { tokens: 7 } })), 'window').freeFromMs).toBe(1_300);
  });

  it('is told who holds it, where what runs counts on and time does not help', () => {
    const driver = new FunctionDriver({ windows: { calls: { limit: 2, windowMs: 1_000, carriesOver: true } } });
    const running = [driver.add({ demand: { calls: 1 } }), driver.add({ demand: { calls: 1 } })];
    const explanation = why(driver, driver.add({ demand: { calls: 1 } }));
    const blocker = only(explanation, 'window');
    expect(blocker.freeFromMs).toBeUndefined();
    expect(blocker.holders.map(({ task }) => task)).toEqual(running);
    expect(explanation.estimate).toBeUndefined();
  });
});

describe('a reservation', () => {
  it('is what a smaller task waits for; a bound that ends before its start would let it pass', () => {
    const driver = new FunctionDriver({ pools: { slots: 4 } });
    driver.add({ demand: { slots: 2 }, boundMs: 2_000 });
    driver.nowMs = 200;
    const large = driver.add({ demand: { slots: 3 } });
    const small = driver.add();
    driver.nowMs = 500;
    expect(only(why(driver, small), 'reservation')).toEqual({
      kind: 'reservation',
      pool: driver.pool('slots'),
      task: large,
      sinceMs: 200,
      startMs: 2_000,
      boundMsMax: 1_500 + 300,
    });
    expect(why(driver, small).next).toEqual({ task: large, rule: 'reserved', starts: false });
    expect(why(driver, large)).toMatchObject({
      reservation: { sinceMs: 200, startMs: 2_000 },
      estimate: { startMs: 2_000, basis: 'reservation' },
    });
    const bounded = driver.add({ boundMs: 1_500 });
    expect(driver.started()).toEqual([bounded]);
  });

  it('has no start where what runs declares no bound: then no bound lets anybody pass', () => {
    const driver = new FunctionDriver({ pools: { slots: 4 } });
    driver.add({ demand: { slots: 2 } });
    const large = driver.add({ demand: { slots: 3 } });
    const bounded = driver.add({ boundMs: 10 });
    expect(driver.started()).toEqual([]);
    const blocker = only(why(driver, bounded), 'reservation');
    expect(blocker).toMatchObject({ task: large, startMs: undefined, boundMsMax: undefined });
    expect(why(driver, large).estimate).toBeUndefined();
  });
});

describe('a task that could start, but is not looked at', () => {
  it('stands behind the head with headBlocks', () => {
    const driver = new FunctionDriver({ pools: { slots: 4, gpu: 4 }, overrides: { headBlocks: true } });
    driver.add({ demand: { slots: 2 } });
    const large = driver.add({ demand: { slots: 3 } });
    const other = driver.add({ demand: { gpu: 1 } });
    expect(only(why(driver, other), 'head')).toEqual({ kind: 'head', task: large, rule: 'order' });
    driver.send(EventKind.cancel, { task: large });
    expect(driver.started()).toEqual([other]);
  });

  it('is passed by another when that one is made more urgent than the head that blocks', () => {
    const driver = new FunctionDriver({ pools: { slots: 4 }, order: priority(), overrides: { headBlocks: true } });
    driver.add({ demand: { slots: 2 } });
    driver.add({ demand: { slots: 3 } });
    const small = driver.add();
    driver.send(EventKind.reprioritise, { task: small, priority: 1 });
    expect(driver.started()).toEqual([small]);
  });

  it('stands too far back in the line that the rarest demands share', () => {
    const driver = new FunctionDriver({
      pools: { slots: 4, gpu: 4 },
      overrides: { shapesMax: 1, searchDepth: 1 },
    });
    driver.send(EventKind.shut);
    driver.add();
    const large = driver.add({ demand: { gpu: 4 } });
    const small = driver.add({ demand: { gpu: 2 } });
    expect(why(driver, small).blockers).toEqual([{ kind: 'shut' }, { kind: 'search', ahead: 1, depth: 1 }]);
    expect(why(driver, large).blockers).toEqual([{ kind: 'shut' }]);
    driver.send(EventKind.cancel, { task: large });
    driver.send(EventKind.open);
    expect(driver.started()).toContain(small);
  });
});

describe('a child', () => {
  it('is told that an ancestor holds what it waits for', () => {
    const driver = new FunctionDriver({ pools: { slots: 2, gpu: 1 } });
    const grandparent = driver.add();
    const parent = driver.add({ parent: grandparent, demand: { slots: 1, gpu: 1 } });
    const child = driver.add({ parent });
    expect(why(driver, child).heldByAncestor).toBe(parent);
    // The nearest first, although it is the younger lease.
    expect(only(why(driver, child), 'pool').holders.map(({ task }) => task)).toEqual([grandparent, parent]);
    driver.finish(parent);
    driver.add({ demand: { slots: 1 } });
    expect(why(driver, driver.add({ parent: grandparent })).heldByAncestor).toBe(grandparent);
    expect(why(driver, driver.add()).heldByAncestor).toBeUndefined();
  });

  it('is not told so of an ancestor that holds other things', () => {
    const driver = new FunctionDriver({ pools: { slots: 1, gpu: 1 } });
    const parent = driver.add({ demand: { gpu: 1 } });
    driver.add();
    expect(why(driver, driver.add({ parent })).heldByAncestor).toBeUndefined();
    expect(why(driver, driver.add({ parent, demand: { gpu: 1 } })).heldByAncestor).toBe(parent);
  });
});

describe('a task that does not wait', () => {
  it('says since when it runs and what it holds, also after its outcome', () => {
    const driver = new FunctionDriver({ pools: { slots: 1, gpu: 8 } });
    const before = driver.add();
    driver.nowMs = 100;
    const task = driver.add({ demand: { slots: 1, gpu: 2 } });
    driver.nowMs = 250;
    driver.finish(before);
    driver.send(EventKind.grow, { task, pool: driver.pool('gpu'), amount: 3 });
    driver.nowMs = 400;
    const expected: RunningExplanation = {
      task,
      state: 'granted',
      waitMs: 150,
      runMs: 150,
      attempts: 1,
      holds: [
        { pool: driver.pool('slots'), amount: 1 },
        { pool: driver.pool('gpu'), amount: 5 },
      ],
    };
    expect(explain(driver.state, task, 400)).toEqual(expected);
    driver.send(EventKind.cancel, { task });
    expect(explain(driver.state, task, 400)).toEqual({ ...expected, state: 'settled' });
    driver.end(task);
    expect(explain(driver.state, task, 400)).toBeUndefined();
    expect(explain(driver.state, 12_345, 400)).toBeUndefined();
  });
});

it('estimates the start from the mean time between ends, each tenant in turn', () => {
  const driver = new FunctionDriver({ share: vtc(), order: fcfs() });
  let running = driver.add();
  for (let n = 0; n < 3; n++) driver.add({ tenant: 1 + n });
  expect(why(driver, driver.add({ tenant: 1 })).estimate).toBeUndefined();
  driver.nowMs = 1_000;
  running = driver.finish(running)[0]!;
  driver.nowMs = 2_000;
  driver.finish(running);
  const waiting = driver.add({ tenant: 3 });
  const explanation = why(driver, waiting);
  const { ofTenant, tenants } = explanation.ahead!;
  const flows = 2;
  expect(driver.state.endGapMs).toBe(1_000);
  expect(explanation.estimate).toEqual({ startMs: 2_000 + (ofTenant * flows + tenants + 1) * 1_000, basis: 'ends' });
});

it('changes nothing: a scheduler that is asked about every task after every event decides the same', () => {
  let asked = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const play = (afterEach?: (yard: RecordedScheduler) => void) =>
      playRandomly(new Random(seed), 80, { logsCommands: true, ...(afterEach === undefined ? {} : { afterEach }) });
    const questioned = play((yard) => {
      const { state } = yard;
      const before = look(yard);
      for (const task of [...yard.waiting(), ...yard.holders()]) {
        explain(state, task, yard.nowMs);
        asked++;
      }
      expect(look(yard)).toBe(before);
    });
    expect(questioned.commandLog, `seed ${seed}`).toEqual(play().commandLog);
  }
  expect(asked).toBeGreaterThan(20_000);
});

/** What of a state a question might touch. */
function look({ state }: RecordedScheduler): string {
  const { nowMs, nextMs, wakeAtMs, mayGrant, isShut, running, sequence, reservations, shapes, ledger } = state;
  return JSON.stringify({
    numbers: { nowMs, nextMs, wakeAtMs, mayGrant, isShut, running, sequence },
    reservations,
    shapes: shapes.all,
    pools: ledger.pools,
  });
}

it('costs no more than a look at those that go first, with 100,000 tasks waiting', () => {
  const yard = new RecordedScheduler(() => ({
    ...SCHEDULER_DEFAULTS,
    order: fcfs(),
    share: none(),
    classes: FUNCTION_CLASSES,
    models: [],
    pools: [{ name: 'slots', unit: 'slots', capacity: 64, kept: [] }],
    memory: { name: 'host memory', capacityBytes: 0, marginBytes: 0 },
  }));
  const waiting = 100_000;
  const task = { model: NONE, promptTokens: 0, size: 1, demand: 0, outcome: Outcome.completed };
  yard.send(EventKind.declare, { demand: 0, count: 1, pools: [1], amounts: [1] });
  for (let n = 0; n < 64 + waiting; n++) yard.send(EventKind.submit, task);
  const timeOf = (index: number, times: number) => {
    const durations = Array.from({ length: times }, () => {
      const from = performance.now();
      explain(yard.state, index, 0);
      return performance.now() - from;
    });
    return durations.toSorted((a, b) => a - b)[times >> 1]!;
  };
  const lastTask = (63 + waiting) * INDEX_STEP;
  const first = timeOf(64 * INDEX_STEP, 201);
  const last = timeOf(lastTask, 21);
  expect((explain(yard.state, lastTask, 0) as WaitingExplanation).ahead?.ofTenant).toBe(waiting - 1);
  console.log(`explain among 100,000: the first ${(first * 1_000).toFixed(0)} µs, the last ${last.toFixed(2)} ms`);
  expect(first).toBeLessThan(5);
  expect(last).toBeLessThan(100);
});
