/**
 * One run of the decisions of the queue suite: the scheduler's core alone, without promises, functions or a clock of its own.
 * A driver of the smallest kind keeps a backlog: when a running task has ended, what that starts is replaced by as many new tasks.
 */
import type { CommandBuffer, SchedulerEvent } from '../../lib/event/index.js';
import type { SchedulerState } from '../../lib/scheduler/index.js';
import { serveContender } from '../contender.js';
import { loadProduct } from '../product.js';
import { quantile } from '../statistics.js';
import { must } from './queue-support.js';

export type DecisionInput = {
  /** Tasks that wait throughout. */
  tasks: number;
  tenants: number;
  /** Ends of running tasks that are measured. */
  decisions: number;
  seed: number;
};

/** Virtual time between two ends: long enough that most of the backlog is overdue soon, so that this rule takes part. */
const GAP_MS = 1;
const CLOCK_CALLS = 100_000;

const POOLS = [
  { name: 'slots', unit: 'slots', capacity: 128, kept: [] },
  { name: 'gib', unit: 'units', capacity: 512, kept: [] },
  { name: 'cpus', unit: 'units', capacity: 64, kept: [] },
] as const;
/** From one that nearly always fits to one that needs a reservation. */
const DEMANDS: readonly Partial<Record<(typeof POOLS)[number]['name'], number>>[] = [
  { slots: 1 },
  { slots: 1, gib: 4 },
  { slots: 1, cpus: 1 },
  { slots: 1, cpus: 4 },
  { slots: 2, gib: 16 },
  { slots: 1, gib: 1, cpus: 1 },
  { slots: 1, gib: 8, cpus: 2 },
  { slots: 4, gib: 32, cpus: 4 },
];

serveContender<DecisionInput>(async (input) => {
  const driver = await createDriver(input);
  driver.fill();
  for (let i = 0; i < input.decisions / 10; i++) driver.cycle();

  const endMs = new Float64Array(input.decisions);
  const grantingMs: number[] = [];
  let submitMs = 0;
  let submits = 0;
  for (let i = 0; i < input.decisions; i++) {
    const { decisionMs, started, submittingMs, submitted } = driver.cycle();
    endMs[i] = decisionMs;
    if (started > 0) grantingMs.push(decisionMs);
    submitMs += submittingMs;
    submits += submitted;
  }
  driver.check();
  must(grantingMs.length > input.decisions / 4, `Only ${grantingMs.length} of ${input.decisions} ends started a task.`);

  const us = (metric: string, ms: number) => ({ metric, unit: 'µs', value: ms * 1_000 });
  return [
    us('one decision, p50', quantile(grantingMs, 0.5)),
    us('one decision, p99', quantile(grantingMs, 0.99)),
    us('one decision, mean', grantingMs.reduce((sum, ms) => sum + ms, 0) / grantingMs.length),
    us('one end, mean, with those that start nothing', endMs.reduce((sum, ms) => sum + ms, 0) / input.decisions),
    us('one submission, mean', submitMs / submits),
    us('of each the clock itself', clockMs()),
  ];
});

interface Cycle {
  decisionMs: number;
  /** Tasks that it started. */
  started: number;
  /** Tasks submitted until as many wait as before. One that fits beside what runs starts at once, and is replaced too. */
  submitted: number;
  submittingMs: number;
}

async function createDriver({ tenants, tasks, seed }: DecisionInput) {
  const { Random } = await loadProduct<typeof import('../../lib/base/random.js')>('base/random.js');
  const { CommandBuffer, CommandKind, EventKind, SchedulerEvent } =
    await loadProduct<typeof import('../../lib/event/index.js')>('event/index.js');
  const { aged, vtc } = await loadProduct<typeof import('../../lib/policy/index.js')>('policy/index.js');
  const { decide, SCHEDULER_DEFAULTS, SchedulerState } =
    await loadProduct<typeof import('../../lib/scheduler/index.js')>('scheduler/index.js');
  const { FUNCTION_CLASSES, Outcome } = await loadProduct<typeof import('../../lib/task/index.js')>('task/index.js');

  const random = new Random(seed);
  const state: SchedulerState = new SchedulerState({
    ...SCHEDULER_DEFAULTS,
    order: aged(),
    share: vtc(),
    classes: FUNCTION_CLASSES,
    models: [],
    pools: POOLS,
    memory: { name: 'host memory', capacityBytes: 0, marginBytes: 0 },
  });
  const event: SchedulerEvent = new SchedulerEvent();
  const commands: CommandBuffer = new CommandBuffer();
  const running: number[] = [];
  let nowMs = 0;
  let submitted = 0;
  let ended = 0;

  const waiting = () => submitted - ended - running.length;
  const send = () => {
    commands.clear();
    decide(state, event, nowMs, commands);
  };
  const noteStarts = (): number => {
    let started = 0;
    for (let i = 0; i < commands.length; i++) {
      const kind = commands.kind(i);
      must(kind !== CommandKind.refused, 'A submission was refused.');
      if (kind !== CommandKind.start) continue;
      running.push(commands.a(i));
      started++;
    }
    return started;
  };
  const submit = (): number => {
    event.kind = EventKind.submit;
    event.model = -1;
    event.tenant = random.below(tenants);
    event.classIndex = 1;
    event.priority = 4 * random.next() - 2;
    event.promptTokens = 0;
    event.outputLimit = 0;
    event.serviceSeconds = -Math.log(1 - random.next());
    event.size = 1 + random.below(8);
    event.demand = random.below(DEMANDS.length);
    submitted++;
    const beginMs = performance.now();
    send();
    const elapsedMs = performance.now() - beginMs;
    noteStarts();
    return elapsedMs;
  };

  for (const [number, demand] of DEMANDS.entries()) {
    const asked = POOLS.map(({ name }) => demand[name] ?? 0);
    const pools = POOLS.map((_, pool) => pool).filter((pool) => asked[pool]! > 0);
    event.kind = EventKind.declare;
    event.demand = number;
    event.count = pools.length;
    // The ledger counts host memory first.
    event.pools = pools.map((pool) => 1 + pool);
    event.amounts = pools.map((pool) => asked[pool]!);
    send();
  }

  return {
    fill(): void {
      while (waiting() < tasks) submit();
    },
    cycle(): Cycle {
      nowMs += GAP_MS;
      const at = random.below(running.length);
      event.kind = EventKind.ended;
      event.task = running[at]!;
      event.outcome = Outcome.completed;
      event.retryInMs = Number.NaN;
      running[at] = running.at(-1)!;
      running.pop();
      ended++;
      const beginMs = performance.now();
      send();
      const decisionMs = performance.now() - beginMs;
      const started = noteStarts();
      const before = submitted;
      let submittingMs = 0;
      while (waiting() < tasks) submittingMs += submit();
      return { decisionMs, started, submitted: submitted - before, submittingMs };
    },
    /** Does the core count as the driver does, and is nothing given away twice? */
    check(): void {
      must(state.queue.size === tasks, `${state.queue.size} tasks wait in the core; ${tasks} should.`);
      must(state.running === running.length, `${state.running} tasks run in the core, ${running.length} were started.`);
      for (const { name, leased, capacity } of state.ledger.pools) {
        must(leased <= capacity, `Pool "${name}" leased ${leased} of ${capacity}.`);
      }
    },
  };
}

/** What reading the clock twice shows when nothing lies between. */
function clockMs(): number {
  const gapsMs = new Float64Array(CLOCK_CALLS);
  for (let i = 0; i < CLOCK_CALLS; i++) {
    const beginMs = performance.now();
    gapsMs[i] = performance.now() - beginMs;
  }
  return gapsMs.reduce((sum, ms) => sum + ms, 0) / CLOCK_CALLS;
}
