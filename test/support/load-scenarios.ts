/**
 * What the random load is played on: machines, configurations, and the habits of those who use them. Each scenario is there for some of
 * the rules; together they are there for all of them.
 */
import type { Random } from '../../lib/base/random.js';
import { fcfs, none, type Order, orderByName, type Share, shareByName, vtc } from '../../lib/policy/index.js';
import {
  type ModelConfig,
  type PoolConfig,
  SCHEDULER_DEFAULTS,
  type SchedulerConfig,
  type WindowConfig,
} from '../../lib/scheduler/index.js';
import { DEFAULT_CLASSES } from '../../lib/task/index.js';

/** How likely things are, 0…1. */
export interface Habits {
  /** A submission belongs to a task that lives. */
  child: number;
  group: number;
  /** It begins a gang. */
  gang: number;
  bound: number;
  timeout: number;
  deadline: number;
  /** A failure asks for another attempt. */
  retry: number;
  grow: number;
  resize: number;
  shut: number;
  /** It is for a model and not a function. */
  model: number;
  /** An engine dies. */
  death: number;
  reprioritise: number;
  cancel: number;
  /** A function gives its lease back, or wants it again. */
  aside: number;
}

const HABITS: Habits = {
  child: 0.1,
  group: 0.1,
  gang: 0.03,
  bound: 0.3,
  timeout: 0.2,
  deadline: 0.15,
  retry: 0.5,
  grow: 0.03,
  resize: 0.01,
  shut: 0.002,
  model: 0,
  death: 0,
  reprioritise: 0.05,
  cancel: 0.04,
  aside: 0.25,
};

export interface Scenario {
  readonly name: string;
  readonly habits: Habits;
  /** Amounts that demands ask for, by pool or window. A pool with one of 0 is not asked for now and then. */
  readonly amounts: Readonly<Record<string, readonly number[]>>;
  /** Capacities that pools are resized to. */
  readonly capacities: Readonly<Record<string, readonly number[]>>;
  readonly weights: readonly number[];
  readonly tenants: number;
  readonly classes: readonly number[];
  /** See WitnessOptions. */
  readonly fairnessBound?: number;
  config(random: Random): SchedulerConfig;
}

interface Parts {
  name: string;
  order?: string | ((random: Random) => Order);
  share?: string | (() => Share);
  pools?: Record<string, { capacity: number; kept?: number[]; amounts: number[]; capacities?: number[] }>;
  windows?: Record<string, Omit<WindowConfig, 'name'> & { amounts: number[]; capacities?: number[] }>;
  models?: ModelConfig[];
  habits?: Partial<Habits>;
  weights?: number[];
  tenants?: number;
  classes?: number[];
  fairnessBound?: number;
  config?: Partial<SchedulerConfig>;
}

const HOST_BYTES = 1_000;

function scenario(parts: Parts): Scenario {
  const { order = 'aged', share = 'vtc', pools = {}, windows = {}, models = [] } = parts;
  const all = { ...pools, ...windows };
  const asOrder = (random: Random) => {
    if (typeof order !== 'string') return order(random);
    return orderByName(order, order === 'aged' ? { halfLifeMs: random.pick([500, 5_000]) } : {});
  };
  return {
    name: parts.name,
    habits: { ...HABITS, ...parts.habits },
    amounts: Object.fromEntries(Object.entries(all).map(([name, { amounts }]) => [name, amounts])),
    capacities: Object.fromEntries(Object.entries(all).map(([name, { capacities = [] }]) => [name, capacities])),
    weights: parts.weights ?? [0.5, 1, 1, 2, 8],
    tenants: parts.tenants ?? 5,
    classes: parts.classes ?? [0, 1, 2, 3],
    ...(parts.fairnessBound === undefined ? {} : { fairnessBound: parts.fairnessBound }),
    config: (random) => ({
      ...SCHEDULER_DEFAULTS,
      order: asOrder(random),
      share: typeof share === 'string' ? shareByName(share) : share(),
      classes: DEFAULT_CLASSES.map((settings) => ({
        ...settings,
        queueLimit: random.pick([12, 30, 1_000]),
        workLimit: random.pick([40, 400, Number.POSITIVE_INFINITY]),
        boundMs: random.pick([300, 1_500, 6_000]),
        timeoutMs: random.pick([3_000, 15_000, Number.POSITIVE_INFINITY]),
      })),
      models,
      pools: Object.entries(pools).map(
        ([name, { capacity, kept = [] }]): PoolConfig => ({ name, unit: 'units', capacity, kept }),
      ),
      windows: Object.entries(windows).map(
        ([name, { limit, windowMs, mode, carriesOver }]): WindowConfig => ({
          name,
          limit,
          windowMs,
          mode,
          carriesOver,
        }),
      ),
      memory: { name: 'host memory', capacityBytes: HOST_BYTES, marginBytes: 50 },
      drainMs: random.pick([400, 2_000]),
      maxDepth: 4,
      retryBudgetMin: 6,
      runBudget: random.pick([6, 30]),
      unreadTimeoutMs: 1_500,
      maxAttempts: 3,
      restartMsMin: 20,
      restartMsMax: 400,
      groupLimit: random.pick([1, 2, 3]),
      // Fewer than by default, so that shapes are given up for others.
      shapesMax: 48,
      ...parts.config,
    }),
  };
}

const LONG = Number.POSITIVE_INFINITY;
const TWO_MODELS: ModelConfig[] = [
  { name: 'a', keptSlots: [1], baseBytes: 10 },
  { name: 'b', keptSlots: [], baseBytes: 20 },
];

export const SCENARIOS: readonly Scenario[] = [
  scenario({
    name: 'slots',
    order: 'fcfs',
    share: 'none',
    pools: { slots: { capacity: 4, amounts: [1], capacities: [1, 2, 4, 8] } },
    config: { leaseEndsAtTimeout: true },
    habits: { timeout: 0.6 },
  }),
  scenario({
    name: 'fractions',
    pools: {
      slots: { capacity: 6, amounts: [1], capacities: [3, 6] },
      cpu: { capacity: 1, amounts: [0, 0.1, 0.25, 0.3, 0.75], capacities: [0.5, 1, 1.7] },
      bytes: { capacity: 4_000, amounts: [0, 1, 33, 1_000, 1_333.3, 3_900], capacities: [2_000, 4_000] },
    },
  }),
  scenario({
    name: 'kept',
    order: 'priority',
    pools: {
      slots: { capacity: 6, kept: [2, 1], amounts: [1, 1, 2], capacities: [2, 4, 6, 9] },
      band: { capacity: 64, kept: [16, 0, 8], amounts: [0, 4, 17, 20, 33, 40], capacities: [48, 64] },
    },
  }),
  scenario({
    name: 'windows',
    order: 'priority',
    pools: { slots: { capacity: LONG, amounts: [1], capacities: [3, LONG] } },
    windows: {
      calls: { limit: 5, windowMs: 400, mode: 'fixed', carriesOver: false, amounts: [1], capacities: [3, 5, 9] },
      tokens: {
        limit: 64,
        windowMs: 700,
        mode: 'sliding',
        carriesOver: false,
        amounts: [0, 4, 17, 33, 60],
        capacities: [40, 64],
      },
    },
    habits: { deadline: 0.05 },
  }),
  scenario({
    name: 'windows that carry over',
    share: 'none',
    pools: { slots: { capacity: 8, amounts: [1], capacities: [2, 8] } },
    windows: {
      calls: { limit: 6, windowMs: 300, mode: 'fixed', carriesOver: true, amounts: [1, 2], capacities: [3, 6] },
      rate: {
        limit: 0.9,
        windowMs: 500,
        mode: 'sliding',
        carriesOver: false,
        amounts: [0, 0.1, 0.3, 0.7],
        capacities: [0.9, 2],
      },
    },
  }),
  scenario({
    name: 'few shapes',
    pools: {
      slots: { capacity: 12, amounts: [1, 2, 3, 5], capacities: [6, 12] },
      gpu: { capacity: 40, amounts: [0, 1, 7, 17, 31], capacities: [20, 40] },
    },
    config: { shapesMax: 3, searchDepth: 4 },
  }),
  scenario({
    name: 'few shapes, in order',
    order: 'seed',
    share: 'none',
    pools: { slots: { capacity: 12, amounts: [1, 2, 3, 5, 9], capacities: [6, 12] } },
    config: { shapesMax: 4, searchDepth: 2 },
  }),
  scenario({
    name: 'head blocks',
    order: 'fcfs',
    pools: {
      slots: { capacity: 6, amounts: [1, 2, 5], capacities: [4, 6] },
      gpu: { capacity: 10, amounts: [0, 0, 3, 8], capacities: [8, 10] },
    },
    config: { headBlocks: true },
  }),
  scenario({
    name: 'bounds',
    order: 'fcfs',
    share: 'none',
    pools: {
      slots: { capacity: 16, amounts: [1, 1, 2, 3, 9, 14], capacities: [8, 12, 16] },
      gpu: { capacity: 8, kept: [2], amounts: [0, 0, 1, 4, 6], capacities: [6, 8] },
    },
    habits: { bound: 0.85, deadline: 0.05, timeout: 0.1, group: 0 },
    classes: [0, 2],
  }),
  scenario({
    name: 'reservations across pools',
    order: 'aged',
    pools: {
      slots: { capacity: 8, amounts: [1, 2, 6], capacities: [6, 8] },
      gpu: { capacity: 24, kept: [4], amounts: [0, 1, 10, 17, 20], capacities: [16, 24] },
    },
    windows: {
      calls: { limit: 8, windowMs: 900, mode: 'sliding', carriesOver: false, amounts: [0, 1, 5], capacities: [6, 8] },
    },
    habits: { bound: 0.6, group: 0.05 },
  }),
  scenario({
    name: 'families',
    pools: { slots: { capacity: 5, amounts: [1], capacities: [3, 5] } },
    habits: { child: 0.6, deadline: 0.25, cancel: 0.06, retry: 0.7 },
  }),
  scenario({
    name: 'gangs and groups',
    order: 'priority',
    pools: {
      slots: { capacity: 8, amounts: [1, 1, 2], capacities: [4, 8] },
      gpu: { capacity: 10, amounts: [0, 1, 3], capacities: [6, 10] },
    },
    habits: { gang: 0.12, group: 0.5, reprioritise: 0.15, deadline: 0.05 },
  }),
  scenario({
    name: 'sizes',
    order: 'seed',
    pools: { slots: { capacity: 4, amounts: [1], capacities: [2, 4] } },
    weights: Array.from({ length: 60 }, (_, n) => 0.5 + n * n),
    config: { runBudget: 3_000 },
  }),
  scenario({
    name: 'models',
    models: TWO_MODELS,
    pools: { slots: { capacity: 3, amounts: [1], capacities: [1, 3] } },
    habits: { model: 0.85, death: 0.06, gang: 0.01, child: 0.4 },
  }),
  scenario({
    name: 'models, in order',
    order: 'seed',
    share: 'none',
    models: TWO_MODELS,
    pools: { slots: { capacity: 2, amounts: [1], capacities: [1, 2] } },
    habits: { model: 0.9, death: 0.05, gang: 0 },
  }),
  scenario({
    name: 'fair functions',
    order: (random) => (random.next() < 0.5 ? fcfs() : orderByName('aged')),
    share: vtc,
    pools: { slots: { capacity: 3, amounts: [1] } },
    weights: [0.5, 1, 3, 8],
    classes: [1],
    tenants: 6,
    // A grant charges at most the largest weight, and goes to the least.
    fairnessBound: 8,
    habits: { child: 0, group: 0, gang: 0, bound: 0, grow: 0, resize: 0, deadline: 0.05 },
    config: { classes: DEFAULT_CLASSES.map((settings) => ({ ...settings, boundMs: LONG })) },
  }),
  scenario({
    name: 'fair models',
    models: [{ name: 'a', keptSlots: [], baseBytes: 10 }],
    pools: { slots: { capacity: 1, amounts: [1] } },
    classes: [1],
    tenants: 4,
    // 2 · max(w_p · L, w_q · M): prompts up to 500 tokens, four slots that hold a prompt and 100 tokens of output each.
    fairnessBound: 2 * Math.max(500, 2 * 4 * 600),
    habits: { model: 1, death: 0.004, child: 0, group: 0, gang: 0, bound: 0, grow: 0, resize: 0 },
    config: { classes: DEFAULT_CLASSES.map((settings) => ({ ...settings, boundMs: LONG })) },
  }),
  scenario({
    name: 'one queue',
    order: 'priority',
    share: none,
    pools: { slots: { capacity: 2, amounts: [1], capacities: [1, 2, LONG] } },
    habits: { shut: 0.02, reprioritise: 0.2 },
  }),
];

/** @throws Error for a name that no scenario has */
export function scenarioByName(name: string): Scenario {
  const found = SCENARIOS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no scenario "${name}".`);
  return found;
}
