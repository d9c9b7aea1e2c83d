/** A hand-driven scheduler of functions over pools and windows, for tests by behaviour. */
import { EventKind, type SchedulerEvent } from '../../lib/event/index.js';
import type { PoolConfig, SchedulerConfig, WindowConfig } from '../../lib/scheduler/index.js';
import { NONE, Outcome, type TaskClassName, taskClassIndex } from '../../lib/task/index.js';
import { type DriverOptions, SchedulerDriver } from './scheduler-driver.js';

export interface FunctionDriverOptions extends Omit<DriverOptions, 'models' | 'overrides'> {
  /** Capacity by pool name; `slots` is the pool that a task asks one of unless it says otherwise. */
  pools?: Readonly<Record<string, number | { capacity: number; keptForInteractive: number }>>;
  windows?: Readonly<Record<string, Partial<WindowConfig> & { limit: number; windowMs: number }>>;
  overrides?: Partial<SchedulerConfig>;
}

export interface FunctionTask {
  tenant?: number;
  class?: TaskClassName;
  priority?: number;
  /** By pool or window name. Default `{ slots: 1 }`. */
  demand?: Readonly<Record<string, number>>;
  weight?: number;
  seconds?: number;
  boundMs?: number;
  timeoutMs?: number;
  deadlineMs?: number;
  attempts?: number;
  parent?: number;
  budget?: number;
  group?: number;
  gang?: number;
  gangSize?: number;
}

export class FunctionDriver extends SchedulerDriver {
  readonly #names: string[];
  readonly #demands = new Map<string, number>();

  constructor({ pools = { slots: 1 }, windows = {}, overrides = {}, ...rest }: FunctionDriverOptions = {}) {
    const poolConfigs = Object.entries(pools).map(([name, pool]): PoolConfig => {
      if (typeof pool === 'number') return { name, unit: 'units', capacity: pool, kept: [] };
      return { name, unit: 'units', capacity: pool.capacity, kept: [pool.keptForInteractive] };
    });
    const windowConfigs = Object.entries(windows).map(
      ([name, settings]): WindowConfig => ({ name, mode: 'fixed', carriesOver: false, ...settings }),
    );
    super({ ...rest, models: [], overrides: { pools: poolConfigs, windows: windowConfigs, ...overrides } });
    this.#names = ['host memory', ...Object.keys(pools), ...Object.keys(windows)];
  }

  pool(name: string): number {
    return this.#names.indexOf(name);
  }

  /** Adds a function; returns the task, or the reason of the refusal as a negative number. */
  add(task: FunctionTask = {}): number {
    this.send(EventKind.submit, {
      model: NONE,
      tenant: task.tenant ?? 1,
      classIndex: taskClassIndex(task.class ?? 'standard'),
      priority: task.priority ?? 0,
      session: 0,
      promptTokens: 0,
      outputLimit: 0,
      deadlineMs: task.deadlineMs ?? Number.POSITIVE_INFINITY,
      serviceSeconds: task.seconds ?? Number.NaN,
      size: task.weight ?? 1,
      demand: this.#demand(task.demand ?? { slots: 1 }),
      boundMs: task.boundMs ?? 0,
      timeoutMs: task.timeoutMs ?? 0,
      maxAttempts: task.attempts ?? 1,
      parent: task.parent ?? NONE,
      budget: task.budget ?? Number.POSITIVE_INFINITY,
      group: task.group ?? 0,
      gang: task.gang ?? 0,
      gangSize: task.gangSize ?? 0,
    } satisfies Partial<SchedulerEvent>);
    const answer = this.commands.find(({ name }) => name === 'admitted' || name === 'refused')!;
    return answer.name === 'admitted' ? answer.a : -answer.a;
  }

  /** Ends a running task, asking for another attempt after `retryInMs`. */
  fail(task: number, retryInMs = Number.NaN): void {
    this.send(EventKind.ended, { task, outcome: Outcome.failed, heldTokens: 0, cachedTokens: 0, retryInMs });
  }

  finish(task: number): number[] {
    this.send(EventKind.ended, {
      task,
      outcome: Outcome.completed,
      heldTokens: 0,
      cachedTokens: 0,
      retryInMs: Number.NaN,
    });
    return this.started();
  }

  /** Lets time pass and the timer fire. */
  pass(ms: number): number[] {
    this.nowMs += ms;
    this.send(EventKind.timer);
    return this.started();
  }

  leased(pool: string): number {
    return this.state.ledger.pools[this.pool(pool)]!.leased;
  }

  #demand(demand: Readonly<Record<string, number>>): number {
    const key = JSON.stringify(demand);
    const known = this.#demands.get(key);
    if (known !== undefined) return known;
    const number = this.#demands.size;
    const entries = Object.entries(demand)
      .map(([name, amount]) => [this.pool(name), amount] as const)
      .toSorted(([a], [b]) => a - b);
    this.send(EventKind.declare, {
      demand: number,
      count: entries.length,
      pools: entries.map(([pool]) => pool),
      amounts: entries.map(([, amount]) => amount),
    });
    this.#demands.set(key, number);
    return number;
  }
}
