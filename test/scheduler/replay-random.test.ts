/** Random runs of every policy, recorded by a driver that leaves rubbish in whatever an event does not read, and asks why tasks wait. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Random } from '../../lib/base/random.js';
import {
  CommandBuffer,
  CommandKind,
  EVENT_NAMES,
  EventKind,
  EventLogWriter,
  type SchedulerEvent,
} from '../../lib/event/index.js';
import { ORDER_NAMES, orderByName, SHARE_NAMES, shareByName } from '../../lib/policy/index.js';
import {
  configLine,
  decide,
  explain,
  SCHEDULER_DEFAULTS,
  type SchedulerConfig,
  SchedulerState,
} from '../../lib/scheduler/index.js';
import { Replay } from '../../lib/scheduler/replay.js';
import { DEFAULT_CLASSES, Outcome } from '../../lib/task/index.js';
import { usedEvent } from '../support/any-event.js';

const EVENTS = 3_000;
const MODELS = 2;
/** Ledger: 0 host memory, 1 and 2 slots of the models, then these. */
const [SLOTS, UNITS, CALLS] = [3, 4, 5];

function randomConfig(order: string, share: string): SchedulerConfig {
  return {
    ...SCHEDULER_DEFAULTS,
    order: orderByName(order),
    share: shareByName(share),
    classes: DEFAULT_CLASSES.map((settings) => ({ ...settings, queueLimit: 60, boundMs: 500, timeoutMs: 5_000 })),
    models: [
      { name: 'a', keptSlots: [1], baseBytes: 10 },
      { name: 'b', keptSlots: [], baseBytes: 10 },
    ],
    pools: [
      { name: 'slots', unit: 'slots', capacity: 3, kept: [1] },
      { name: 'units', unit: 'units', capacity: 10, kept: [] },
    ],
    windows: [{ name: 'calls', limit: 4, windowMs: 300, mode: 'sliding', carriesOver: false }],
    memory: { name: 'host memory', capacityBytes: 1_000_000, marginBytes: 0 },
    groupLimit: 1,
    shapesMax: 8,
    retryBudgetMin: 20,
    drainMs: 200,
  };
}

interface Task {
  tenant: number;
  demand: number;
  model: number;
  isRunning: boolean;
  isSettled: boolean;
}

class RandomRun {
  readonly lines: string[] = [];
  readonly #random: Random;
  readonly #state: SchedulerState;
  readonly #writer = new EventLogWriter(createHash('sha256'), 500);
  readonly #commands = new CommandBuffer();
  readonly #tasks = new Map<number, Task>();
  readonly #demands = new Set<number>();
  #submitted: Task | undefined;
  #gang = 0;
  #nowMs = 0;

  constructor(config: SchedulerConfig, seed: number) {
    this.#random = new Random(seed);
    this.#state = new SchedulerState(config);
    this.#keep(`${configLine(config, 0)}\n`);
    this.#send({ kind: EventKind.observed, bytes: 1_000_000 });
    for (let model = 0; model < MODELS; model++) this.#send({ kind: EventKind.launch, model });
    for (let step = 0; step < EVENTS; step++) {
      this.#step();
      // No event: nothing may follow from it.
      const task = this.#random.next() < 0.2 ? this.#some(() => true) : undefined;
      if (task !== undefined) explain(this.#state, task, this.#nowMs);
    }
    this.#keep(this.#writer.end());
  }

  #keep(text: string): void {
    this.lines.push(...text.trimEnd().split('\n'));
  }

  #send(fields: Partial<SchedulerEvent> & { kind: EventKind }): void {
    const event = usedEvent(fields);
    const commands = this.#commands;
    commands.clear();
    decide(this.#state, event, this.#nowMs, commands);
    this.#keep(this.#writer.event(event, this.#nowMs, commands));
    const launches: number[] = [];
    for (let index = 0; index < commands.length; index++) {
      const a = commands.a(index);
      switch (commands.kind(index)) {
        case CommandKind.admitted:
          this.#tasks.set(a, this.#submitted!);
          break;
        case CommandKind.start:
          this.#tasks.get(a)!.isRunning = true;
          break;
        case CommandKind.requeued:
          this.#tasks.get(a)!.isRunning = false;
          break;
        case CommandKind.settled:
          this.#tasks.get(a)!.isSettled = true;
          break;
        case CommandKind.freed:
          this.#tasks.delete(a);
          break;
        case CommandKind.launch:
          launches.push(a);
          break;
      }
    }
    for (const model of launches) {
      this.#send({ kind: EventKind.estimated, model, bytes: 1_000 });
      this.#send({
        kind: EventKind.ready,
        model,
        bytes: 500,
        sequences: 3,
        secondsPerPromptToken: 0.001,
        secondsPerStep: 0.02,
      });
    }
  }

  #some(filter: (task: Task) => boolean): number | undefined {
    const found = [...this.#tasks].filter(([, task]) => filter(task));
    return found.length === 0 ? undefined : this.#random.pick(found)[0];
  }

  #step(): void {
    const random = this.#random;
    this.#nowMs += random.next() * 60;
    const dice = random.next();
    if (dice < 0.38) {
      if (this.#demands.size > 0 && random.next() < 0.05) {
        const gangSize = 2 + random.below(2);
        const gang = ++this.#gang;
        const together = { gang, gangSize, tenant: 1 + random.below(4), classIndex: random.below(4) };
        for (let member = 0; member < gangSize; member++) this.#submit(together);
      } else {
        this.#submit({});
      }
    } else if (dice < 0.42) {
      this.#declare();
    } else if (dice < 0.68) {
      const task = this.#some(({ isRunning }) => isRunning);
      if (task === undefined) return;
      const { model } = this.#tasks.get(task)!;
      const outcome = random.pick([Outcome.completed, Outcome.completed, Outcome.failed]);
      const retryInMs = outcome === Outcome.failed && model < 0 ? random.below(100) : Number.NaN;
      this.#send({ kind: EventKind.ended, task, outcome, retryInMs, heldTokens: model < 0 ? 0 : 30 });
    } else if (dice < 0.76) {
      const model = random.below(MODELS);
      const tasks = [...this.#tasks].filter(([, task]) => task.isRunning && task.model === model).map(([task]) => task);
      const numbers = () => tasks.map(() => random.below(20));
      this.#send({
        kind: EventKind.progress,
        model,
        count: tasks.length,
        tasks,
        prefilled: numbers(),
        generated: numbers(),
      });
    } else if (dice < 0.8) {
      const task = this.#some(({ model, isRunning }) => model >= 0 && !isRunning);
      if (task !== undefined) this.#send({ kind: EventKind.sized, task, promptTokens: random.below(300) });
    } else if (dice < 0.85) {
      const task = this.#some(({ isSettled }) => !isSettled);
      if (task !== undefined) this.#send({ kind: EventKind.cancel, task });
    } else if (dice < 0.88) {
      const task = this.#some(({ model, isRunning }) => model >= 0 && isRunning);
      if (task !== undefined) this.#send({ kind: random.pick([EventKind.pause, EventKind.resume]), task });
    } else if (dice < 0.91) {
      const task = this.#some(({ isRunning, isSettled }) => !isRunning && !isSettled);
      if (task !== undefined) this.#send({ kind: EventKind.reprioritise, task, priority: random.below(9) - 4 });
    } else if (dice < 0.93) {
      const task = this.#some(({ model, isRunning, isSettled }) => model < 0 && isRunning && !isSettled);
      if (task !== undefined) this.#send({ kind: EventKind.grow, task, pool: UNITS, amount: 1 + random.below(3) });
    } else if (dice < 0.937) {
      const task = this.#some(({ model, isRunning, isSettled }) => model < 0 && isRunning && !isSettled);
      if (task !== undefined) {
        this.#send({ kind: EventKind.giveBack, task });
        if (random.next() < 0.7) this.#send({ kind: EventKind.takeAgain, task });
      }
    } else if (dice < 0.945) {
      this.#send({ kind: EventKind.resize, pool: random.pick([SLOTS, UNITS]), amount: 2 + random.below(8) });
    } else if (dice < 0.955) {
      this.#send({ kind: EventKind.shut });
      this.#nowMs += random.below(30);
      this.#send({ kind: EventKind.open });
    } else if (dice < 0.96) {
      const tenant = random.below(100);
      if (this.#some((task) => task.tenant === tenant) === undefined) this.#send({ kind: EventKind.forget, tenant });
    } else if (dice < 0.965) {
      const model = random.below(MODELS);
      for (const task of this.#tasks.values()) if (task.model === model) task.isRunning = false;
      this.#send({ kind: EventKind.down, model });
    } else {
      this.#send({ kind: EventKind.timer });
    }
  }

  #declare(): void {
    const random = this.#random;
    const demand = MODELS + random.below(40);
    if (this.#some((task) => task.demand === demand) !== undefined) return;
    const amounts = new Map([
      [SLOTS, random.below(3)],
      [UNITS, random.below(8)],
      [CALLS, random.below(3)],
    ]);
    const pools = [...amounts.keys()].filter((pool) => amounts.get(pool)! > 0);
    if (pools.length === 0) return;
    this.#demands.add(demand);
    this.#send({
      kind: EventKind.declare,
      demand,
      count: pools.length,
      pools,
      amounts: pools.map((pool) => amounts.get(pool)!),
    });
  }

  #submit(fields: Partial<SchedulerEvent>): void {
    const random = this.#random;
    // A gang is of functions, as the runtime makes them.
    const isFunction = this.#demands.size > 0 && (fields.gang !== undefined || random.next() < 0.6);
    const maybe = (ratio: number, value: Partial<SchedulerEvent>) => (random.next() < ratio ? value : {});
    const parent =
      fields.gang === undefined && random.next() < 0.15 ? this.#some(({ isSettled }) => !isSettled) : undefined;
    const tenant =
      parent === undefined
        ? (fields.tenant ?? (random.next() < 0.1 ? random.below(100) : 1 + random.below(4)))
        : this.#tasks.get(parent)!.tenant;
    const shared = {
      kind: EventKind.submit,
      tenant,
      classIndex: random.below(4),
      priority: random.below(7) - 3,
      parent: parent ?? -1,
      ...maybe(0.1, { deadlineMs: this.#nowMs + random.below(2_000) }),
      ...maybe(0.1, { timeoutMs: 1 + random.below(200) }),
      ...maybe(0.2, { maxAttempts: 1 + random.below(4) }),
      ...maybe(0.1, { budget: random.below(500) }),
    };
    const own = isFunction
      ? {
          model: -1,
          promptTokens: 0,
          size: 1 + random.below(5),
          demand: random.pick([...this.#demands]),
          ...maybe(0.5, { serviceSeconds: random.next() }),
          ...maybe(0.5, { boundMs: 1 + random.below(300) }),
          ...maybe(0.2, { group: 1 + random.below(3) }),
        }
      : {
          model: random.below(MODELS),
          session: random.below(7) - 3,
          promptTokens: random.next() < 0.5 ? -1 : random.below(300),
          outputLimit: 1 + random.below(100),
        };
    this.#submitted = {
      tenant,
      demand: 'demand' in own ? own.demand : -1,
      model: own.model,
      isRunning: false,
      isSettled: false,
    };
    this.#send({ ...shared, ...own, ...fields, tenant });
  }
}

describe.each(ORDER_NAMES.flatMap((order) => SHARE_NAMES.map((share) => ({ order, share }))))(
  'a random run of $share($order)',
  ({ order, share }) => {
    it.each([1, 2])('replays to the same decisions from its log alone, seed %i', (seed) => {
      const { lines } = new RandomRun(randomConfig(order, share), seed);
      const replay = new Replay(createHash('sha256'));
      for (const line of lines) replay.line(line);
      const result = replay.result();
      expect(result.firstDivergence).toBeUndefined();
      expect(result).toMatchObject({ matches: true, isClosed: true, checkedEvents: result.events });
      const seen = new Set(lines.map((line) => (JSON.parse(line) as { event: string }).event));
      expect([...seen]).toEqual(expect.arrayContaining(Object.values(EVENT_NAMES)));
    });
  },
);
