import { describe, expect, it } from 'vitest';
import { EventKind } from '../../lib/event/index.js';
import { aged, fcfs, type Order, priority, vtc } from '../../lib/policy/index.js';
import { Rule } from '../../lib/scheduler/index.js';
import { DEFAULT_CLASSES, Outcome, Reason, TaskState } from '../../lib/task/index.js';
import { GIB, SchedulerDriver } from '../support/scheduler-driver.js';

describe('granting', () => {
  it('starts as many tasks as there are slots, and the next when one ends', () => {
    const driver = new SchedulerDriver();
    driver.bringUp(2);
    const [a, b, c] = [driver.submit(), driver.submit(), driver.submit()];
    expect(driver.started()).toEqual([]);
    expect(driver.state.tasks.states[a!]).toBe(TaskState.granted);
    driver.end(b!);
    expect(driver.started()).toEqual([c]);
  });

  it('starts nothing before the model is ready, and everything that fits once it is', () => {
    const driver = new SchedulerDriver();
    const task = driver.submit();
    expect(driver.started()).toEqual([]);
    driver.bringUp(1);
    expect(driver.started()).toEqual([task]);
  });

  it('grants a task of unknown size only after it was counted', () => {
    const driver = new SchedulerDriver();
    driver.bringUp(1);
    const unsized = driver.submit({ promptTokens: -1 });
    expect(driver.started()).toEqual([]);
    driver.send(EventKind.sized, { task: unsized, promptTokens: 7 });
    expect(driver.started()).toEqual([unsized]);
  });

  it('keeps a slot for interactive work: batch work leaves it free, interactive work takes it', () => {
    const driver = new SchedulerDriver({ models: [{ name: 'm', keptSlots: [1], baseBytes: 1 }] });
    driver.bringUp(3);
    const batch = [1, 2, 3].map(() => driver.submit({ class: 'batch' }));
    expect(driver.state.tasks.states[batch[2]!]).toBe(TaskState.queued);
    const chat = driver.submit({ class: 'interactive' });
    expect(driver.started()).toEqual([chat]);
    expect(driver.state.grantsByRule[Rule.kept]).toBe(1);
    // The kept slot is in use by its class now, so it is not kept a second time.
    driver.end(batch[0]!);
    expect(driver.started()).toEqual([batch[2]]);
  });

  it('serves the oldest overdue task with every fourth grant, whatever the order says', () => {
    const classes = DEFAULT_CLASSES.map((settings) => ({ ...settings, boundMs: 1_000 }));
    const driver = new SchedulerDriver({ order: priority(), classes });
    driver.bringUp(1);
    const running = driver.submit();
    const old = driver.submit({ priority: -5 });
    driver.nowMs = 2_000;
    const urgent = [1, 2, 3, 4].map(() => driver.submit({ priority: 5 }));
    let current = running;
    const order: number[] = [];
    for (let i = 0; i < 4; i++) {
      driver.end(current);
      current = driver.started()[0]!;
      order.push(current);
    }
    // The first grant (of `running`) counted as one of the four.
    expect(order).toEqual([urgent[0], urgent[1], old, urgent[2]]);
  });

  it('hands the slot that holds a session to its next turn, an empty one to others, and the stalest when none is empty', () => {
    const driver = new SchedulerDriver();
    driver.bringUp(3);
    const slotOf = () => driver.commands.find(({ name }) => name === 'start')!.c;
    for (const session of [11, 12]) {
      const task = driver.submit({ session });
      driver.nowMs += 10;
      driver.end(task, Outcome.completed, 50);
    }
    // Slot 0 held 11 when 12 came, so 12 went to the next empty one.
    const next = driver.submit({ session: 12 });
    expect(slotOf()).toBe(1);
    const other = driver.submit({ session: 99 });
    expect(slotOf()).toBe(2);
    driver.end(next, Outcome.completed, 60);
    driver.end(other, Outcome.completed, 60);
    driver.submit({ session: 77 });
    expect(slotOf()).toBe(0);
  });

  it('overwrites what belongs to no named session first, and a named one that has been silent for minutes all the same', () => {
    const driver = new SchedulerDriver();
    driver.bringUp(2);
    const slotOf = () => driver.commands.find(({ name }) => name === 'start')!.c;
    const run = (session: number) => {
      const task = driver.submit({ session });
      const slot = slotOf();
      driver.nowMs += 10;
      driver.end(task, Outcome.completed, 50);
      return slot;
    };
    expect([run(11), run(-12)]).toEqual([0, 1]);
    // Slot 0 was used before slot 1, but somebody is expected back there.
    expect([run(-13), run(-14), run(0)]).toEqual([1, 1, 1]);
    driver.nowMs += 299_970;
    expect(run(-15)).toBe(1);
    expect(run(-16)).toBe(0);
  });
});

describe('shares', () => {
  it('alternates between tenants of equal use under vtc, although one came first with all its work', () => {
    const driver = new SchedulerDriver({ share: vtc(), order: fcfs() });
    driver.bringUp(1);
    driver.submit({ tenant: 1 });
    const a = [1, 2, 3].map(() => driver.submit({ tenant: 1 }));
    const b = [1, 2, 3].map(() => driver.submit({ tenant: 2 }));
    // The newcomer is lifted to what the other has used, so the tie goes to the lower tenant.
    expect(driver.drain()).toEqual([a[0], b[0], a[1], b[1], a[2], b[2]]);
  });

  it('charges generated tokens twice as much as prompt tokens', () => {
    const share = vtc();
    const driver = new SchedulerDriver({ share });
    driver.bringUp(1);
    const task = driver.submit({ tenant: 1, promptTokens: 100 });
    driver.progress([task], 7);
    expect(share.key(1)).toBe(114);
  });
});

describe('refusals and ends', () => {
  it('refuses beyond the limit of a class, and only that class', () => {
    const classes = DEFAULT_CLASSES.map((settings) => ({ ...settings, queueLimit: 2 }));
    const driver = new SchedulerDriver({ classes });
    driver.submit({ class: 'batch' });
    driver.submit({ class: 'batch' });
    expect(driver.submit({ class: 'batch' })).toBe(-Reason.queueFull);
    expect(driver.submit({ class: 'interactive' })).toBeGreaterThanOrEqual(0);
    expect(driver.state.outcomes[Outcome.refused]).toBe(1);
  });

  it('refuses a deadline that cannot be met, expires one that cannot be met any more, and stops one that is over', () => {
    const driver = new SchedulerDriver();
    driver.bringUp(1);
    expect(driver.submit({ deadlineMs: 500, serviceSeconds: 1 })).toBe(-Reason.deadlineInfeasible);
    const running = driver.submit({ deadlineMs: 5_000, serviceSeconds: 1 });
    const waiting = driver.submit({ deadlineMs: 4_000, serviceSeconds: 1 });
    driver.nowMs = 3_000;
    driver.send(EventKind.timer);
    expect(driver.settled()).toEqual(new Map([[waiting, Outcome.expired]]));
    driver.nowMs = 5_000;
    driver.send(EventKind.timer);
    expect(driver.settled()).toEqual(new Map([[running, Outcome.expired]]));
    expect(driver.commands.map(({ name }) => name)).toContain('stop');
  });

  it('expires what waited longer than its class may', () => {
    const driver = new SchedulerDriver();
    const task = driver.submit({ class: 'interactive' });
    expect(driver.state.wakeAtMs).toBe(60_000);
    driver.nowMs = 60_000;
    driver.send(EventKind.timer);
    expect(driver.settled().get(task)).toBe(Outcome.expired);
  });

  it('asks for the same instant again when a timer came early', () => {
    const driver = new SchedulerDriver();
    driver.submit({ class: 'interactive' });
    driver.nowMs = 59_999;
    driver.send(EventKind.timer);
    expect(driver.commands).toEqual([{ name: 'wakeAt', a: 60_000, b: 0, c: 0, d: 0 }]);
  });

  it('settles a cancelled task at once, but gives its slot away only when the backend let go', () => {
    const driver = new SchedulerDriver();
    driver.bringUp(1);
    const task = driver.submit();
    const next = driver.submit();
    driver.send(EventKind.cancel, { task });
    expect(driver.settled().get(task)).toBe(Outcome.cancelled);
    expect(driver.started()).toEqual([]);
    driver.end(task, Outcome.cancelled);
    expect(driver.settled().size).toBe(0);
    expect(driver.started()).toEqual([next]);
  });

  it('ignores events about tasks that are over', () => {
    const driver = new SchedulerDriver();
    driver.bringUp(1);
    const task = driver.submit();
    driver.end(task);
    for (const kind of [EventKind.cancel, EventKind.pause, EventKind.resume, EventKind.sized]) {
      expect(driver.send(kind, { task })).toEqual([]);
    }
    expect(driver.end(task)).toEqual([]);
    expect(driver.progress([task])).toEqual([]);
  });

  it('holds a task whose reader is slow, and expires it when nobody reads', () => {
    const driver = new SchedulerDriver();
    driver.bringUp(1);
    const task = driver.submit();
    driver.progress([task]);
    driver.send(EventKind.pause, { task });
    expect(driver.commands.map(({ name }) => name)).toEqual(['hold', 'wakeAt']);
    driver.nowMs = 59_000;
    driver.send(EventKind.resume, { task });
    driver.send(EventKind.pause, { task });
    driver.nowMs = 119_000;
    driver.send(EventKind.timer);
    expect(driver.settled().get(task)).toBe(Outcome.expired);
  });
});

describe('priorities', () => {
  it('count in full under the order "priority", and within their spread under "aged"', () => {
    const orderOf = (order: Order) => {
      const driver = new SchedulerDriver({ order });
      driver.bringUp(1);
      driver.submit();
      const tasks = [9, 100, 20].map((urgency) => driver.submit({ priority: urgency }));
      const started = driver.drain();
      return tasks.map((task) => started.indexOf(task));
    };
    expect(orderOf(priority())).toEqual([2, 0, 1]);
    expect(orderOf(aged(1_000))).toEqual([0, 1, 2]);
  });

  it('cannot be bought with an absurd output limit', () => {
    const driver = new SchedulerDriver({ order: aged() });
    driver.bringUp(1);
    driver.submit();
    const honest = driver.submit({ outputLimit: 50, serviceSeconds: Number.NaN });
    const absurd = driver.submit({ outputLimit: 2 ** 31, serviceSeconds: Number.NaN });
    expect(driver.drain()).toEqual([honest, absurd]);
  });
});

describe('engines', () => {
  it('leases memory before a load, and refuses a load that does not fit with the figures', () => {
    const driver = new SchedulerDriver({ memoryBytes: 10 * GIB });
    driver.send(EventKind.observed, { pool: 0, bytes: 4 * GIB });
    driver.send(EventKind.launch, { model: 0 });
    expect(driver.commands.map(({ name }) => name)).toEqual(['launch']);
    driver.send(EventKind.estimated, { model: 0, bytes: 5 * GIB });
    expect(driver.commands).toEqual([{ name: 'refuseLoad', a: 0, b: 5 * GIB, c: 4 * GIB, d: 0 }]);
    expect(driver.state.memory.leased).toBe(0);
  });

  it('refuses a load while free memory is unknown', () => {
    const driver = new SchedulerDriver();
    driver.send(EventKind.launch, { model: 0 });
    expect(driver.commands.map(({ name }) => name)).toEqual(['refuseLoad']);
  });

  it('counts what is leased but not visible to the probe, so that two loads do not take the same memory', () => {
    const models = ['a', 'b'].map((name) => ({ name, keptSlots: [], baseBytes: 0 }));
    const driver = new SchedulerDriver({ models, memoryBytes: 100 * GIB });
    driver.send(EventKind.observed, { pool: 0, bytes: 10 * GIB });
    for (const model of [0, 1]) driver.send(EventKind.launch, { model });
    driver.send(EventKind.estimated, { model: 0, bytes: 6 * GIB });
    expect(driver.commands[0]!.name).toBe('load');
    driver.send(EventKind.estimated, { model: 1, bytes: 6 * GIB });
    expect(driver.commands[0]!.name).toBe('refuseLoad');
  });

  it('tries an untouched task again in its old place when the engine dies, once, and fails one that had given tokens', () => {
    const driver = new SchedulerDriver();
    driver.bringUp(2);
    const [spoken, silent, later] = [driver.submit(), driver.submit(), driver.submit()];
    driver.progress([spoken!]);
    driver.send(EventKind.down, { model: 0, fatal: 0 });
    expect(driver.settled()).toEqual(new Map([[spoken, Outcome.failed]]));
    expect(driver.state.memory.leased).toBe(0);
    driver.nowMs = 250;
    driver.send(EventKind.timer);
    expect(driver.commands[0]!.name).toBe('launch');
    driver.send(EventKind.estimated, { model: 0, bytes: 1 });
    driver.send(EventKind.ready, { model: 0, sequences: 1, bytes: 0 });
    expect(driver.started()).toEqual([silent]);
    driver.send(EventKind.down, { model: 0, fatal: 0 });
    expect(driver.settled()).toEqual(new Map([[silent, Outcome.failed]]));
    expect(driver.state.tasks.states[later!]).toBe(TaskState.queued);
  });

  it('gives a task that comes back its time-out anew, and charges its prompt once', () => {
    const share = vtc();
    const driver = new SchedulerDriver({ share });
    driver.submit({ class: 'interactive', tenant: 1, promptTokens: 100 });
    driver.nowMs = 58_000;
    driver.bringUp(1);
    driver.nowMs = 61_000;
    driver.send(EventKind.down, { model: 0, fatal: 0 });
    expect(driver.settled().size).toBe(0);
    driver.nowMs = 61_250;
    driver.send(EventKind.timer);
    driver.send(EventKind.estimated, { model: 0, bytes: 1 });
    driver.send(EventKind.ready, { model: 0, sequences: 1, bytes: 0 });
    expect(driver.started()).toHaveLength(1);
    expect(share.key(1)).toBe(100);
  });

  it('lets a load that is counted too tightly beside another one try again', () => {
    const models = ['a', 'b'].map((name) => ({ name, keptSlots: [], baseBytes: 0 }));
    const driver = new SchedulerDriver({ models, memoryBytes: 100 * GIB });
    driver.send(EventKind.observed, { pool: 0, bytes: 10 * GIB });
    for (const model of [0, 1]) driver.send(EventKind.launch, { model });
    driver.send(EventKind.estimated, { model: 0, bytes: 6 * GIB });
    driver.send(EventKind.estimated, { model: 1, bytes: 6 * GIB });
    expect(driver.state.models[1]!.phase).toBe('waiting');
  });

  it('waits twice as long before each restart, and starts over after a good step', () => {
    const driver = new SchedulerDriver();
    const dieAndWait = () => {
      driver.send(EventKind.down, { model: 0, fatal: 0 });
      const waitMs = driver.state.models[0]!.restartAtMs - driver.nowMs;
      driver.nowMs += waitMs;
      driver.send(EventKind.timer);
      driver.send(EventKind.estimated, { model: 0, bytes: 1 });
      driver.send(EventKind.ready, { model: 0, sequences: 1, bytes: 0 });
      return waitMs;
    };
    driver.bringUp(1);
    expect([dieAndWait(), dieAndWait(), dieAndWait()]).toEqual([250, 500, 1_000]);
    const task = driver.submit();
    driver.progress([task]);
    expect(dieAndWait()).toBe(250);
  });

  it('gives up a model that never becomes ready, and fails what waits for it', () => {
    const driver = new SchedulerDriver();
    const task = driver.submit();
    driver.send(EventKind.observed, { pool: 0, bytes: GIB });
    driver.send(EventKind.launch, { model: 0 });
    for (let death = 0; death < 3; death++) {
      driver.send(EventKind.down, { model: 0, fatal: 0 });
      if (death < 2) {
        driver.nowMs = driver.state.models[0]!.restartAtMs;
        driver.send(EventKind.timer);
      }
    }
    expect(driver.settled().get(task)).toBe(Outcome.failed);
    expect(driver.submit()).toBe(-Reason.backendFailed);
  });
});

describe('the order aged', () => {
  it('lets an urgent task pass, but only those that arrive within H · log2 of the ratio', () => {
    const driver = new SchedulerDriver({ order: aged(1_000) });
    driver.bringUp(1);
    driver.submit();
    const plain = driver.submit({ priority: 0 });
    driver.nowMs = 2_900;
    const soon = driver.submit({ priority: 3 });
    driver.nowMs = 3_100;
    const late = driver.submit({ priority: 3 });
    expect(driver.drain()).toEqual([soon, plain, late]);
  });
});
