/** Thousands of random events against every combination of policies; the invariants are checked after each. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../lib/base/random.js';
import { EventKind } from '../../lib/event/index.js';
import { ORDER_NAMES, orderByName, SHARE_NAMES, shareByName } from '../../lib/policy/index.js';
import { DEFAULT_CLASSES, Outcome, TASK_CLASSES, TaskState } from '../../lib/task/index.js';
import { SchedulerDriver } from '../support/scheduler-driver.js';

const EVENTS = 4_000;

function play(order: string, share: string, seed: number): { driver: SchedulerDriver; log: string[] } {
  const random = new Random(seed);
  const classes = DEFAULT_CLASSES.map((settings) => ({
    ...settings,
    queueLimit: 40,
    boundMs: 2_000,
    timeoutMs: 20_000,
  }));
  const models = [
    { name: 'a', keptSlots: [1], baseBytes: 10 },
    { name: 'b', keptSlots: [], baseBytes: 10 },
  ];
  const driver = new SchedulerDriver({ order: orderByName(order), share: shareByName(share), classes, models });
  const log: string[] = [];
  const { tasks } = driver.state;
  const live = () => {
    const all: number[] = [];
    tasks.forEachLive((task) => all.push(task));
    return all;
  };
  const inSlot = () => live().filter((task) => tasks.leased[task] === 1);
  driver.bringUp(3, 0);
  driver.bringUp(2, 1);
  for (let step = 0; step < EVENTS; step++) {
    driver.nowMs += random.below(300);
    const dice = random.next();
    if (dice < 0.45) {
      driver.submit({
        model: random.below(2),
        tenant: 1 + random.below(5),
        class: random.pick(TASK_CLASSES),
        priority: random.below(7) - 3,
        session: random.below(4),
        promptTokens: random.next() < 0.3 ? -1 : random.below(500),
        outputLimit: 1 + random.below(100),
        deadlineMs: random.next() < 0.1 ? driver.nowMs + random.below(8_000) : Number.POSITIVE_INFINITY,
        serviceSeconds: random.next() < 0.5 ? Number.NaN : random.next() * 3,
      });
    } else if (dice < 0.55) {
      const task = live().find((candidate) => tasks.states[candidate] === TaskState.submitted);
      if (task !== undefined) driver.send(EventKind.sized, { task, promptTokens: random.below(500) });
    } else if (dice < 0.7) {
      const model = random.below(2);
      const running = inSlot().filter((task) => tasks.models[task] === model);
      driver.progress(running, random.below(3), model);
    } else if (dice < 0.86) {
      const running = inSlot();
      if (running.length > 0) driver.end(random.pick(running), random.pick([Outcome.completed, Outcome.failed]), 30);
    } else if (dice < 0.92) {
      const all = live();
      if (all.length > 0) driver.send(EventKind.cancel, { task: random.pick(all) });
    } else if (dice < 0.95) {
      const all = live();
      if (all.length > 0) driver.send(random.pick([EventKind.pause, EventKind.resume]), { task: random.pick(all) });
    } else if (dice < 0.96) {
      driver.send(EventKind.down, { model: random.below(2), fatal: 0 });
    } else {
      driver.send(EventKind.timer);
      for (const model of driver.state.models) {
        if (model.phase === 'launching') driver.send(EventKind.estimated, { model: model.index, bytes: 100 });
        if (model.phase === 'loading') driver.send(EventKind.ready, { model: model.index, sequences: 3, bytes: 50 });
      }
    }
    log.push(JSON.stringify(driver.commands));
  }
  return { driver, log };
}

describe.each(ORDER_NAMES.flatMap((order) => SHARE_NAMES.map((share) => ({ order, share }))))(
  '$share($order)',
  ({ order, share }) => {
    it.each([1, 2, 3])('keeps every invariant through random events, seed %i', (seed) => {
      const { driver } = play(order, share, seed);
      const outcomes = [...driver.state.outcomes];
      // Every kind of end was reached, or the run proved less than it says.
      expect(Math.min(...outcomes)).toBeGreaterThan(0);
    });

    it('takes the same decisions for the same seed', () => {
      expect(play(order, share, 42).log).toEqual(play(order, share, 42).log);
    });
  },
);

it('gives every submitted task one outcome', () => {
  const { driver } = play('aged', 'vtc', 7);
  const submitted = driver.state.sequence - 1;
  const { tasks, outcomes } = driver.state;
  let open = 0;
  tasks.forEachLive((task) => {
    if (tasks.states[task] !== TaskState.settled) open++;
  });
  const refusedWithoutTask = outcomes[Outcome.refused]!;
  const settled = outcomes.reduce((sum, count) => sum + count, 0) - refusedWithoutTask;
  expect(settled + open).toBe(submitted);
});
