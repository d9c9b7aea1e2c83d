/**
 * Everything the scheduler knows. One owner; `decide` changes it in place and nothing else does.
 *
 * Invariants (checked by `checkInvariants`): 1. Σ leases of the tasks on a pool is what the pool says. 2. A task is in an arrival
 * list exactly while submitted or queued, and in one order heap of a flow exactly while queued. 3. A slot holds the task whose `slots`
 * names it, and only leased tasks have one. 4. Waiting tasks are counted per class. 5. `nextMs` is not later than any instant at
 * which time alone changes something. 6. Who is away (`Aside`) was granted, is a function, and holds nothing.
 */
import { invariant } from '../base/errors.js';
import { TaskHeap, TaskQueue } from '../queue/index.js';
import { type Demand, DemandShapes, Ledger, MemoryLease, makeDemand, Pool, WindowPool } from '../resource/index.js';
import { Aside, CLASS_COUNT, NONE, TaskTable } from '../task/index.js';
import type { SchedulerConfig } from './config.js';
import { Families } from './families.js';
import { Gangs } from './gangs.js';
import { Groups } from './groups.js';
import { LeaseList } from './lease-list.js';
import { ModelState } from './model-state.js';
import { RULE_NAMES, type Rule } from './rule.js';

/** A future claim on pools (reservation.ts). */
export interface Reservation {
  readonly task: number;
  /** The rule that made it the head. */
  readonly rule: Rule;
  readonly sinceMs: number;
}

export class SchedulerState {
  readonly config: SchedulerConfig;
  readonly tasks: TaskTable;
  readonly queue: TaskQueue;
  /** The next instant of every unsettled task that time alone may change, soonest first. */
  readonly instants: TaskHeap;
  readonly ledger = new Ledger();
  readonly shapes: DemandShapes;
  /** By demand number; the first ones are one slot of each model. */
  readonly demands: Demand[];
  /** By demand number, once one of its tasks has given its lease back. */
  readonly #poolDemands: (Demand | undefined)[] = [];
  readonly models: readonly ModelState[];
  readonly memory: Pool;
  /** Ledger indices of the rate windows. */
  readonly windows: readonly WindowPool[];
  /** Tasks that hold a lease. */
  readonly leases: LeaseList;
  readonly families = new Families();
  readonly gangs = new Gangs();
  readonly groups: Groups;
  /** At most one a pool. */
  readonly reservations: Reservation[] = [];
  /** What running tasks took beyond their demand. */
  readonly grown = new Map<number, Demand>();

  /** The driver's clock in this decision, ms. */
  nowMs = 0;
  /** Number of the next submission. */
  sequence = 1;
  /** Tasks that wait (submitted or queued), by class index. */
  readonly waitingByClass = new Int32Array(CLASS_COUNT);
  /** Their work, as far as it is known. */
  readonly waitingWorkByClass = new Float64Array(CLASS_COUNT);
  /** Tasks that were started and whose outcome is open: they hold a lease, or have given it back for a while. */
  running = 0;
  /** Since when each paused task is paused, ms. At most one entry a slot. */
  readonly pausedSinceMs = new Map<number, number>();
  /** Settled tasks by outcome index; refusals without a task included. */
  readonly outcomes = new Float64Array(5);
  /** Grants by the rule that decided them. */
  readonly grantsByRule = new Float64Array(RULE_NAMES.length);
  /** Grants that passed a reservation because their declared bound ends before it. */
  backfilled = 0;
  /** Tasks that ran longer than the bound they declared. */
  boundOverruns = 0;
  /** Retries that may still be made. */
  retryBudget: number;
  /** Mean time between two ends of running tasks, ms: what a refused caller is told to wait. */
  endGapMs = 1_000;
  lastEndMs = Number.NaN;
  /** Not later than the next instant at which time alone changes something. */
  nextMs = Number.POSITIVE_INFINITY;
  /** The instant that the driver was last asked to wake us at. */
  wakeAtMs = Number.POSITIVE_INFINITY;
  /** Set when something changed that may let a task start. */
  mayGrant = false;
  /** Nothing is granted. */
  isShut = false;
  /** Scratch of the choice of the next grant, by shape. */
  verdicts = new Uint8Array(16);

  constructor(config: SchedulerConfig) {
    this.config = config;
    this.tasks = new TaskTable(config.models.length > 0);
    const { tasks } = this;
    this.queue = new TaskQueue(tasks);
    this.instants = new TaskHeap({ sequences: () => tasks.sequences, at: () => tasks.instantAt }, true);
    this.leases = new LeaseList(tasks);
    this.groups = new Groups(config.groupLimit, this.queue.columns);
    this.shapes = new DemandShapes(config.shapesMax, (index) => this.queue.isIdle(index));
    this.retryBudget = config.retryBudgetMin;
    this.memory = new Pool(config.memory.name, 'bytes', config.memory.capacityBytes, [], config.memory.marginBytes);
    this.ledger.add(this.memory);
    this.models = config.models.map((model, index) => {
      const pool = this.ledger.add(new Pool(`slots:${model.name}`, 'slots', 0, model.keptSlots));
      return new ModelState(index, model.name, pool, new MemoryLease(this.memory));
    });
    this.demands = this.models.map(({ pool }) => makeDemand([pool], [1]));
    for (const { name, unit, capacity, kept } of config.pools) this.ledger.add(new Pool(name, unit, capacity, kept));
    this.windows = config.windows.map((settings) => {
      const window = new WindowPool(settings);
      this.ledger.add(window);
      return window;
    });
  }

  /** The queue's tenant index: all tenants share one when the share is `none`. */
  queueTenant(tenant: number): number {
    return this.config.share.single === true ? 0 : tenant;
  }

  /** log2 R of a task: class step plus priority, which counts within ± maxPrioritySpread unless the order is strict. */
  urgency(task: number): number {
    const priority = this.tasks.priorities[task]!;
    const { step } = this.config.classes[this.tasks.classes[task]!]!;
    if (this.config.order.isStrict === true) return step + priority;
    const spread = this.config.maxPrioritySpread;
    return step + Math.min(spread, Math.max(-spread, priority));
  }

  /** What the task asks for: of the first member of a complete gang, what all members ask for together. */
  demandOf(task: number): Demand {
    return this.gangs.demandOf(task) ?? this.leaseOf(task);
  }

  /** What the task itself takes or holds: its demand; once it has given its lease back, without the windows, which it paid for at its start. */
  leaseOf(task: number): Demand {
    const number = this.tasks.demands[task]!;
    return this.tasks.asides[task] === Aside.no ? this.demands[number]! : this.poolsOf(number);
  }

  /** A demand without its rate windows. */
  poolsOf(number: number): Demand {
    const known = this.#poolDemands[number];
    if (known !== undefined) return known;
    const demand = this.demands[number]!;
    const kept = demand.pools.flatMap((pool, i) => (this.ledger.pools[pool] instanceof WindowPool ? [] : [i]));
    const isWhole = kept.length === demand.pools.length;
    const pools = isWhole
      ? demand
      : makeDemand(
          kept.map((i) => demand.pools[i]!),
          kept.map((i) => demand.amounts[i]!),
        );
    this.#poolDemands[number] = pools;
    return pools;
  }

  /** Until when all that starts with the task has declared to be done, ms from its start; 0 when some of it declares nothing, or it was started before. */
  boundOf(task: number): number {
    const { boundsMs, asides } = this.tasks;
    if (asides[task] === Aside.away) return 0;
    const gang = this.gangs.of(task);
    if (gang?.demand === undefined || gang.members[0] !== task) return boundsMs[task]!;
    let longestMs = 0;
    for (const member of gang.members) {
      if (boundsMs[member] === 0) return 0;
      longestMs = Math.max(longestMs, boundsMs[member]!);
    }
    return longestMs;
  }

  /** Time alone changes something at `atMs`. */
  noteInstant(atMs: number): void {
    if (atMs < this.nextMs) this.nextMs = atMs;
  }

  /** Sets when time alone next changes something for this task; Infinity for never. */
  setInstant(task: number, atMs: number): void {
    const { tasks, instants } = this;
    const isIn = tasks.instantAt[task] !== NONE;
    if (atMs === Number.POSITIVE_INFINITY) {
      if (isIn) instants.remove(task);
      return;
    }
    if (isIn) instants.update(task, atMs);
    else instants.push(task, atMs);
    this.noteInstant(atMs);
  }

  /** Binds a demand number. */
  declare(number: number, pools: readonly number[], amounts: readonly number[]): void {
    const before = this.demands[number];
    invariant(before === undefined || before.uses === 0, `demand ${number} is declared again while it is in use`);
    for (const [i, pool] of pools.entries()) {
      invariant(
        this.ledger.pools[pool] !== undefined && amounts[i]! > 0 && amounts[i]! < Number.POSITIVE_INFINITY,
        `demand ${number} names pool ${pool}`,
      );
    }
    this.demands[number] = makeDemand(pools, amounts);
    this.#poolDemands[number] = undefined;
  }

  /** A tenant without tasks leaves nothing behind. */
  forget(tenant: number): void {
    if (this.config.share.single === true) return;
    invariant(this.queue.queuedOf(tenant) === 0, `tenant ${tenant} is forgotten while it has tasks waiting`);
    this.queue.forget(tenant);
    this.config.share.forgotten(tenant);
  }
}
