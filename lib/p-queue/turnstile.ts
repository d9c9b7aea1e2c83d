/**
 * The scheduler as a queue sees it: who waits, who may run, and when an interval is over. Strict priorities, one tenant, one slot a
 * task; the slot of a task that ran into its time-out is free at once.
 *
 * Every method is one turn of the scheduler and calls nobody's code. What a turn has granted and timed out is fetched afterwards;
 * `onOwnTurn` says that there is something to fetch although nobody asked for it: time has passed.
 */
import { EventKind, type SchedulerEvent } from '../event/index.js';
import { none, priority } from '../policy/index.js';
import type { WindowPool } from '../resource/index.js';
import { Runtime } from '../runtime/index.js';
import { SCHEDULER_DEFAULTS, type SchedulerConfig } from '../scheduler/index.js';
import { type ClassSettings, type Outcome, TASK_CLASSES } from '../task/index.js';
import type { Limits } from './options.js';
import type { Decisions, QueuedTask } from './queued-task.js';
import { SteadyClock } from './steady-clock.js';

/** Ledger index: host memory comes first, although nothing is leased from it. */
const SLOTS = 1;
const WINDOW = 2;
const DEMAND = 0;

const UNLIMITED: ClassSettings = {
  step: 0,
  queueLimit: Number.POSITIVE_INFINITY,
  workLimit: Number.POSITIVE_INFINITY,
  boundMs: Number.POSITIVE_INFINITY,
  timeoutMs: Number.POSITIVE_INFINITY,
};

export class Turnstile implements Decisions {
  readonly #clock = new SteadyClock();
  readonly #runtime: Runtime;
  readonly #window: WindowPool | undefined;
  readonly #onOwnTurn: () => void;
  /** Has a slot and was not fetched; nearly always one at most. */
  #granted: QueuedTask | undefined;
  /** More of them, from the second on. */
  readonly #grantedNext: QueuedTask[] = [];
  #timedOut: QueuedTask[] = [];
  #isAsked = false;
  #isOwnTurnNoted = false;

  constructor(limits: Limits, onOwnTurn: () => void) {
    this.#onOwnTurn = onOwnTurn;
    this.#runtime = new Runtime({ config: configOf(limits), clock: this.#clock, maxTenants: 1, logCapacity: 0 });
    [this.#window] = this.#runtime.state.windows;
    if (this.#window !== undefined) this.#clock.start();
    const event = this.#runtime.begin(EventKind.declare);
    event.demand = DEMAND;
    event.pools = this.#window === undefined ? [SLOTS] : [SLOTS, WINDOW];
    event.amounts = this.#window === undefined ? [1] : [1, 1];
    event.count = event.pools.length;
    this.#dispatch(event);
    this.resize(limits.concurrency);
  }

  /** Queues a task, or grants it when there is room. */
  submit(task: QueuedTask): void {
    const event = this.#runtime.begin(EventKind.submit);
    event.model = -1;
    event.tenant = 0;
    event.classIndex = 0;
    event.priority = task.urgency;
    event.session = 0;
    event.promptTokens = 0;
    event.outputLimit = 0;
    event.deadlineMs = Number.POSITIVE_INFINITY;
    event.serviceSeconds = Number.NaN;
    event.size = 1;
    event.demand = DEMAND;
    event.boundMs = 0;
    event.timeoutMs = 0;
    const timeout = task.extras?.timeout;
    if (timeout !== undefined) {
      event.timeoutMs = Math.ceil(timeout);
      this.#clock.start();
    }
    event.maxAttempts = 1;
    event.parent = -1;
    event.budget = Number.POSITIVE_INFINITY;
    event.group = 0;
    event.gang = 0;
    event.gangSize = 0;
    this.#dispatch(event, task);
  }

  /** A task that was granted has ended, which may grant another. */
  ended(task: QueuedTask, outcome: Outcome): void {
    const event = this.#runtime.begin(EventKind.ended);
    event.task = task.task;
    event.outcome = outcome;
    event.heldTokens = 0;
    event.cachedTokens = 0;
    event.retryInMs = Number.NaN;
    this.#dispatch(event);
  }

  /** Takes out a task that waits, or whose slot is free from now on. */
  withdraw(task: QueuedTask): void {
    const event = this.#runtime.begin(EventKind.cancel);
    event.task = task.task;
    this.#dispatch(event);
  }

  shut(): void {
    this.#dispatch(this.#runtime.begin(EventKind.shut));
  }

  open(): void {
    this.#dispatch(this.#runtime.begin(EventKind.open));
  }

  resize(concurrency: number): void {
    const event = this.#runtime.begin(EventKind.resize);
    event.pool = SLOTS;
    event.amount = Math.ceil(concurrency);
    this.#dispatch(event);
  }

  /** Looks whether time has made room. */
  tick(): void {
    this.#dispatch(this.#runtime.begin(EventKind.timer));
  }

  /** The task that was granted first and not fetched yet. */
  fetchGranted(): QueuedTask | undefined {
    const task = this.#granted;
    if (task !== undefined) this.#granted = this.#grantedNext.length === 0 ? undefined : this.#grantedNext.shift();
    return task;
  }

  /** The tasks that are not over, also those that run, in no particular order. O(the most that ever were). */
  tasks(): QueuedTask[] {
    return this.#runtime.unsettled().map((task) => this.#runtime.entryAt(task) as QueuedTask);
  }

  /** The tasks whose time is over. */
  fetchTimedOut(): readonly QueuedTask[] {
    if (this.#timedOut.length === 0) return NOBODY;
    const tasks = this.#timedOut;
    this.#timedOut = [];
    return tasks;
  }

  get hasWindow(): boolean {
    return this.#window !== undefined;
  }

  /** Is the cap of the interval used up now? */
  get isUsedUp(): boolean {
    const window = this.#window;
    return window !== undefined && window.freeFor(0) < 1 && window.freeFromMs(1) > this.#runtime.nowMs;
  }

  /** Time until the window gives something back, ms, ≥ 0; Infinity when it has nothing to give back. */
  get rollsInMs(): number {
    if (this.#window === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#window.nextRollMs() - this.#runtime.nowMs);
  }

  granted(task: QueuedTask): void {
    if (this.#granted === undefined) this.#granted = task;
    else this.#grantedNext.push(task);
    // Whoever asked fetches it.
    if (!this.#isAsked) this.#noteOwnTurn();
  }

  timedOut(task: QueuedTask): void {
    this.#timedOut.push(task);
    this.#noteOwnTurn();
  }

  #noteOwnTurn(): void {
    if (this.#isOwnTurnNoted) return;
    this.#isOwnTurnNoted = true;
    const go = () => {
      this.#isOwnTurnNoted = false;
      this.#onOwnTurn();
    };
    // Whoever asked about something else is in the middle of it.
    if (this.#isAsked) queueMicrotask(go);
    else this.#runtime.afterTurn(go);
  }

  #dispatch(event: SchedulerEvent, task?: QueuedTask): void {
    this.#isAsked = true;
    try {
      this.#runtime.dispatch(event, task);
    } finally {
      this.#isAsked = false;
    }
  }
}

const NOBODY: readonly QueuedTask[] = [];

/** A queue without intervals; the concurrency is set afterwards, so that all of them share this. */
const PLAIN_CONFIG: SchedulerConfig = {
  ...SCHEDULER_DEFAULTS,
  order: priority(),
  share: none(),
  classes: TASK_CLASSES.map(() => UNLIMITED),
  models: [],
  pools: [{ name: 'slots', unit: 'slots', capacity: Number.POSITIVE_INFINITY, kept: [] }],
  leaseEndsAtTimeout: true,
  memory: { name: 'host memory', capacityBytes: 0, marginBytes: 0 },
};

function configOf({ interval, intervalCap, isStrict, carriesOver }: Limits): SchedulerConfig {
  if (interval === 0 || intervalCap === Number.POSITIVE_INFINITY) return PLAIN_CONFIG;
  const mode = isStrict ? 'sliding' : 'fixed';
  const window = { name: 'interval', limit: Math.ceil(intervalCap), windowMs: interval, mode, carriesOver } as const;
  return { ...PLAIN_CONFIG, windows: [window] };
}
