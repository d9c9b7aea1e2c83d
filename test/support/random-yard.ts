/** Random schedulers in the middle of random work: every feature that can make a task wait. */
import type { Random } from '../../lib/base/random.js';
import { EventKind, type SchedulerEvent } from '../../lib/event/index.js';
import { orderByName, shareByName } from '../../lib/policy/index.js';
import { SCHEDULER_DEFAULTS, type SchedulerConfig } from '../../lib/scheduler/index.js';
import { CLASS_COUNT, FUNCTION_CLASSES, Hold, NONE, Outcome, TaskState } from '../../lib/task/index.js';
import { RecordedScheduler } from './recorded-scheduler.js';

const GIB = 2 ** 30;

/** A pool by its place in the ledger: host memory, the model's slots, then these. */
const SLOTS = 2;
const GPU = 3;
const CALLS = 4;
const TOKENS = 5;

const MODEL_DEMAND = 0;
/** What functions ask for. Amounts are sums of powers of two, so that sums of them are exact. */
const DEMANDS: readonly Readonly<Record<number, number>>[] = [
  { [SLOTS]: 1 },
  { [SLOTS]: 2 },
  { [SLOTS]: 3 },
  { [SLOTS]: 1, [CALLS]: 1 },
  { [CALLS]: 2 },
  { [SLOTS]: 1, [TOKENS]: 40 },
  { [TOKENS]: 25.5 },
  { [SLOTS]: 1, [GPU]: 4 },
  { [GPU]: 17 },
  { [GPU]: 19.5 },
  { [SLOTS]: 1, [GPU]: 33 },
  { [GPU]: 8, [TOKENS]: 10 },
];

export function randomConfig(random: Random): () => SchedulerConfig {
  const order = random.pick(['aged', 'aged', 'priority', 'fcfs', 'seed']);
  const share = random.pick(['vtc', 'vtc', 'none']);
  const isFew = random.next() < 0.25;
  const settings = {
    groupLimit: 1 + random.below(2),
    headBlocks: random.next() < 0.08,
    drainMs: random.pick([200, 2_000, 10_000]),
    shapesMax: isFew ? 1 + random.below(3) : 256,
    searchDepth: isFew ? 1 + random.below(3) : 32,
    overdueEvery: random.pick([2, 4]),
    leaseEndsAtTimeout: random.next() < 0.2,
    retryBudgetMin: 100,
  };
  const slots = 3 + random.below(3);
  const keptSlots = random.next() < 0.4 ? 1 : 0;
  const keptGpu = random.next() < 0.4 ? 8 : 0;
  const limit = 2 + random.below(3);
  const carriesOver = random.next() < 0.4;
  const boundMs = random.pick([300, 3_000, 60_000]);
  return () => ({
    ...SCHEDULER_DEFAULTS,
    ...settings,
    order: orderByName(order),
    share: shareByName(share),
    classes: FUNCTION_CLASSES.map((settingsOf) => ({ ...settingsOf, boundMs })),
    models: [{ name: 'm', keptSlots: [], baseBytes: 10 }],
    pools: [
      { name: 'slots', unit: 'slots', capacity: slots, kept: [keptSlots] },
      { name: 'gpu', unit: 'units', capacity: 40, kept: [keptGpu] },
    ],
    windows: [
      { name: 'calls', limit, windowMs: 1_000, mode: 'fixed', carriesOver },
      { name: 'tokens', limit: 100, windowMs: 2_000, mode: 'sliding', carriesOver: false },
    ],
    memory: { name: 'host memory', capacityBytes: GIB, marginBytes: 0 },
  });
}

/** Plays so many random steps and returns the scheduler as it stands then. */
export function playRandomly(
  random: Random,
  steps: number,
  options: { afterEach?: (yard: RecordedScheduler) => void; logsCommands?: boolean } = {},
): RecordedScheduler {
  const yard = new RecordedScheduler(randomConfig(random), options.logsCommands);
  yard.send(EventKind.observed, { pool: 0, bytes: GIB });
  for (const [index, demand] of DEMANDS.entries()) {
    const pools = Object.keys(demand).map(Number);
    const amounts = pools.map((pool) => demand[pool]!);
    yard.send(EventKind.declare, { demand: index + 1, count: pools.length, pools, amounts });
  }
  let gang = 0;
  for (let step = 0; step < steps; step++) {
    yard.passUntil(yard.nowMs + (random.next() < 0.5 ? 0 : random.below(250)));
    const dice = random.next();
    if (dice < 0.46) yard.send(EventKind.submit, randomTask(random, yard));
    else if (dice < 0.5) gang = submitGang(random, yard, gang + 1);
    else if (dice < 0.56) yard.send(EventKind.submit, modelTask(random));
    else if (dice < 0.6) sizeOne(random, yard);
    else if (dice < 0.82) endOne(random, yard);
    else if (dice < 0.86) cancelOne(random, yard);
    else if (dice < 0.9) stepModel(random, yard);
    else if (dice < 0.92) reprioritiseOne(random, yard);
    else if (dice < 0.94) growOne(random, yard);
    else if (dice < 0.955) {
      yard.send(EventKind.resize, { pool: random.pick([SLOTS, GPU, CALLS]), amount: 2 + random.below(4) });
    } else if (dice < 0.97) yard.send(EventKind.resize, { pool: GPU, amount: 40 });
    else yard.send(yard.state.isShut || random.next() < 0.6 ? EventKind.open : EventKind.shut);
    options.afterEach?.(yard);
  }
  return yard;
}

/** Brings the model up, from whatever phase it is in. */
export function bringModelUp(yard: RecordedScheduler): void {
  const model = yard.state.models[0]!;
  if (model.phase === 'waiting') yard.passUntil(model.restartAtMs);
  if (model.phase === 'idle') yard.send(EventKind.launch, { model: 0 });
  if (model.phase === 'launching') yard.send(EventKind.estimated, { model: 0, bytes: 100 });
  if (model.phase === 'loading') yard.send(EventKind.ready, { model: 0, bytes: 50, sequences: 2 });
}

/** A function that is like `task`: of its tenant and class, with its demand, in its gang. */
export function gangMate({ state }: RecordedScheduler, task: number): Partial<SchedulerEvent> {
  const { tasks } = state;
  const { number, size } = state.gangs.of(task)!;
  return {
    ...FUNCTION,
    tenant: tasks.tenants[task]!,
    classIndex: tasks.classes[task]!,
    demand: tasks.demands[task]!,
    gang: number,
    gangSize: size,
  };
}

const FUNCTION = { model: NONE, promptTokens: 0, outputLimit: 0, size: 1, maxAttempts: 1 } as const;

function randomTask(random: Random, yard: RecordedScheduler): Partial<SchedulerEvent> {
  const { tasks } = yard.state;
  const task: Partial<SchedulerEvent> = {
    ...FUNCTION,
    tenant: 1 + random.below(3),
    classIndex: random.next() < 0.5 ? 1 : random.below(CLASS_COUNT),
    priority: random.below(5) - 2,
    size: 1 + random.below(3),
    demand: 1 + random.below(random.next() < 0.4 ? 1 : DEMANDS.length),
    serviceSeconds: random.next() < 0.5 ? Number.NaN : random.pick([0.5, 1, 2, 4]),
    boundMs: random.next() < 0.35 ? random.pick([100, 400, 1_500, 1_900, 6_000]) : 0,
  };
  if (random.next() < 0.12) task.group = 1 + random.below(2);
  if (random.next() < 0.2) task.maxAttempts = 3;
  else if (random.next() < 0.3) {
    // Parents are not tried again, so that whoever waits has no children.
    const parents = yard
      .holders()
      .filter((holder) => tasks.maxAttempts[holder] === 1 && tasks.states[holder] !== TaskState.settled);
    if (parents.length > 0) task.parent = random.pick(parents);
  }
  return task;
}

function modelTask(random: Random): Partial<SchedulerEvent> {
  return {
    model: 0,
    tenant: 1 + random.below(3),
    classIndex: 1,
    demand: MODEL_DEMAND,
    promptTokens: random.next() < 0.4 ? -1 : 10,
    outputLimit: 10,
  };
}

function submitGang(random: Random, yard: RecordedScheduler, gang: number): number {
  const gangSize = 2;
  const fields = {
    ...FUNCTION,
    tenant: 1 + random.below(3),
    classIndex: 1,
    demand: random.pick([1, 1, 4, 7, 8]),
    gang,
    gangSize,
  };
  yard.send(EventKind.submit, fields);
  if (yard.admitted !== NONE && random.next() < 0.6) yard.send(EventKind.submit, fields);
  return gang;
}

function sizeOne(random: Random, yard: RecordedScheduler): void {
  const { tasks } = yard.state;
  const unsized = yard.tasksIn(TaskState.submitted).filter((task) => tasks.holds[task] === Hold.size);
  if (unsized.length > 0) yard.send(EventKind.sized, { task: random.pick(unsized), promptTokens: 20 });
}

function endOne(random: Random, yard: RecordedScheduler): void {
  const holders = yard.holders();
  if (holders.length === 0) return;
  const fails = random.next() < 0.4;
  yard.end(
    random.pick(holders),
    fails ? Outcome.failed : Outcome.completed,
    fails ? random.pick([300, 1_500]) : Number.NaN,
  );
}

function cancelOne(random: Random, yard: RecordedScheduler): void {
  const all = [...yard.waiting(), ...yard.holders()];
  if (all.length > 0) yard.send(EventKind.cancel, { task: random.pick(all) });
}

function stepModel(random: Random, yard: RecordedScheduler): void {
  const { phase } = yard.state.models[0]!;
  if (phase === 'idle') yard.send(EventKind.launch, { model: 0 });
  else if (phase === 'launching') yard.send(EventKind.estimated, { model: 0, bytes: 100 });
  else if (phase === 'loading') yard.send(EventKind.ready, { model: 0, bytes: 50, sequences: 1 + random.below(2) });
  else if (phase === 'ready') yard.send(EventKind.down, { model: 0, fatal: 0 });
}

function reprioritiseOne(random: Random, yard: RecordedScheduler): void {
  const waiting = yard.waiting();
  if (waiting.length === 0) return;
  yard.send(EventKind.reprioritise, { task: random.pick(waiting), priority: random.below(9) - 4 });
}

function growOne(random: Random, yard: RecordedScheduler): void {
  const holders = yard.holders().filter((holder) => yard.state.tasks.models[holder] === NONE);
  if (holders.length > 0) yard.send(EventKind.grow, { task: random.pick(holders), pool: GPU, amount: 2 });
}
