/**
 * Everything the scheduler knows. One owner; `decide` changes it in place and nothing else does.
 *
 * Invariants (checked by `checkInvariants`): 1. Σ leases of the tasks on a pool is what the pool says. 2. A task is in an arrival
 * list exactly while submitted or queued, and in one order heap exactly while queued. 3. A slot holds the task whose `slots`
 * names it, and only leased tasks have one. 4. Waiting tasks are counted per class.
 */

import { TaskHeap, TaskQueue } from '../queue/index.js';
import { DemandShapes, Ledger, MemoryLease, Pool } from '../resource/index.js';
import { CLASS_COUNT, TaskTable } from '../task/index.js';
import type { SchedulerConfig } from './config.js';
import { ModelState } from './model-state.js';

/** The rules of precedence that can decide a grant, most binding first. */
export const Rule = { kept: 0, overdue: 1, share: 2, order: 3 } as const;
export type Rule = (typeof Rule)[keyof typeof Rule];
export const RULE_NAMES = ['kept', 'overdue', 'share', 'order'] as const;

export class SchedulerState {
  readonly config: SchedulerConfig;
  readonly tasks = new TaskTable();
  readonly queue: TaskQueue;
  /** Deadlines of all unsettled tasks that have one, soonest first. */
  readonly deadlines: TaskHeap;
  readonly ledger = new Ledger();
  readonly shapes = new DemandShapes();
  readonly models: readonly ModelState[];
  readonly memory: Pool;

  /** Number of the next submission. */
  sequence = 1;
  /** Tasks that wait (submitted or queued), by class index. */
  readonly waitingByClass = new Int32Array(CLASS_COUNT);
  /** Tasks in a slot whose outcome is open. */
  running = 0;
  /** Since when each paused task is paused, ms. At most one entry a slot. */
  readonly pausedSinceMs = new Map<number, number>();
  /** Settled tasks by outcome index; refusals without a task included. */
  readonly outcomes = new Float64Array(5);
  /** Grants by the rule that decided them. */
  readonly grantsByRule = new Float64Array(RULE_NAMES.length);
  /** Mean time between two ends of running tasks, ms: what a refused caller is told to wait. */
  endGapMs = 1_000;
  lastEndMs = Number.NaN;
  /** The instant that the driver was last asked to wake us at. */
  wakeAtMs = Number.POSITIVE_INFINITY;
  /** Set when something changed that may let a task start. */
  mayGrant = false;

  constructor(config: SchedulerConfig) {
    this.config = config;
    this.queue = new TaskQueue(this.tasks);
    const tasks = this.tasks;
    this.deadlines = new TaskHeap(
      { keys: () => tasks.deadlineKeysMs, sequences: () => tasks.sequences, at: () => tasks.deadlineAt },
      true,
    );
    this.memory = new Pool(config.memory.name, 'bytes', config.memory.capacityBytes, [], config.memory.marginBytes);
    this.ledger.add(this.memory);
    this.models = config.models.map((model, index) => {
      const pool = this.ledger.add(new Pool(`slots:${model.name}`, 'slots', 0, model.keptSlots));
      return new ModelState(index, model.name, pool, new MemoryLease(this.memory));
    });
  }

  /** The queue's tenant index: all tenants share one when the share is `none`. */
  queueTenant(tenant: number): number {
    return this.config.share.single === true ? 0 : tenant;
  }

  /** log2 R of a task: class step plus priority, which counts within ± maxPrioritySpread unless the order is strict. */
  urgency(task: number): number {
    const spread = this.config.order.isStrict === true ? Number.POSITIVE_INFINITY : this.config.maxPrioritySpread;
    const priority = Math.min(spread, Math.max(-spread, this.tasks.priorities[task]!));
    return this.config.classes[this.tasks.classes[task]!]!.step + priority;
  }
}
