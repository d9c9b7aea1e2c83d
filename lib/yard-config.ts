/** From a yard's options to the scheduler's configuration. */
import { type HostMemory, hostMemoryCapacityBytes, hostMemoryMarginBytes } from './memory/index.js';
import { aged, orderByName, shareByName } from './policy/index.js';
import { type PoolConfig, SCHEDULER_DEFAULTS, type SchedulerConfig, type WindowConfig } from './scheduler/index.js';
import { type ClassSettings, DEFAULT_CLASSES, FUNCTION_CLASSES, TASK_CLASSES } from './task/index.js';
import {
  DEFAULT_CONCURRENCY,
  DEFAULT_SEQUENCES,
  INTERVAL_WINDOW,
  MEMORY_POOL,
  type ModelOptions,
  SLOTS_POOL,
  type YardOptions,
} from './yard-options.js';

/** Host memory of an engine process before it loads a model: 105 MB measured, rounded up (docs/memory.md). */
const ENGINE_BASE_BYTES = 112 * 2 ** 20;
/** Where models are served a run's work is counted in tokens: some hundred answers. */
const MODEL_RUN_BUDGET = 100_000;
/** From this many slots on, one is kept for interactive work by default. */
const KEEP_FROM_SEQUENCES = 4;

/** @param memory - as a probe sees it now; its capacity and margin hold for the yard's life */
export function schedulerConfig(options: YardOptions, memory: HostMemory): SchedulerConfig {
  const models = Object.entries(options.models ?? {});
  const classDefaults = models.length === 0 ? FUNCTION_CLASSES : DEFAULT_CLASSES;
  return {
    ...SCHEDULER_DEFAULTS,
    order:
      options.order === undefined || options.order === 'aged' ? aged(options.halfLifeMs) : orderByName(options.order),
    share: shareByName(options.share ?? 'vtc'),
    classes: TASK_CLASSES.map((name, index) => withDefaults(classDefaults[index]!, options.classes?.[name])),
    models: models.map(([name, model]) => ({
      name,
      keptSlots: [keptForInteractive(typeof model === 'string' ? {} : model)],
      baseBytes: ENGINE_BASE_BYTES,
    })),
    memory: {
      name: MEMORY_POOL,
      capacityBytes: hostMemoryCapacityBytes(memory),
      marginBytes: options.memoryMarginBytes ?? hostMemoryMarginBytes(memory),
    },
    pools: functionPools(options),
    windows: functionWindows(options),
    groupLimit: options.groupConcurrency ?? 1,
    unreadTimeoutMs: options.unreadTimeoutMs ?? SCHEDULER_DEFAULTS.unreadTimeoutMs,
    leaseEndsAtTimeout: options.leaseEndsAtTimeout ?? SCHEDULER_DEFAULTS.leaseEndsAtTimeout,
    headBlocks: options.headBlocks ?? SCHEDULER_DEFAULTS.headBlocks,
    drainMs: options.drainMs ?? SCHEDULER_DEFAULTS.drainMs,
    maxDepth: options.maxDepth ?? SCHEDULER_DEFAULTS.maxDepth,
    runBudget: options.runBudget ?? (models.length === 0 ? SCHEDULER_DEFAULTS.runBudget : MODEL_RUN_BUDGET),
    retryBudgetRatio: options.retryBudget?.ratio ?? SCHEDULER_DEFAULTS.retryBudgetRatio,
    retryBudgetMin: options.retryBudget?.min ?? SCHEDULER_DEFAULTS.retryBudgetMin,
  };
}

/** Pools and windows that functions may ask for, by name; what a task takes that does not say is 1 of the yard's own and 0 of others. */
export function functionDemands(config: SchedulerConfig): { name: string; index: number; amount: number }[] {
  // The ledger's order: host memory, the slots of the models, then these.
  const first = 1 + config.models.length;
  return [...config.pools, ...config.windows].map(({ name }, position) => ({
    name,
    index: first + position,
    amount: name === SLOTS_POOL || name === INTERVAL_WINDOW ? 1 : 0,
  }));
}

function functionPools(options: YardOptions): PoolConfig[] {
  const capacity = options.concurrency ?? DEFAULT_CONCURRENCY;
  return [
    { name: SLOTS_POOL, unit: 'slots', capacity, kept: [options.keepInteractive ?? 0] },
    ...Object.entries(options.pools ?? {}).map(([name, amount]): PoolConfig => {
      return { name, unit: 'units', capacity: amount, kept: [] };
    }),
  ];
}

function functionWindows(options: YardOptions): WindowConfig[] {
  const windows = Object.entries(options.windows ?? {}).map(([name, window]): WindowConfig => {
    const { limit, windowMs, mode = 'fixed', carriesOver = false } = window;
    return { name, limit, windowMs, mode, carriesOver };
  });
  const { interval, intervalCap, intervalMode = 'fixed', intervalCarriesOver = false } = options;
  if (interval !== undefined && intervalCap !== undefined) {
    windows.push({
      name: INTERVAL_WINDOW,
      limit: intervalCap,
      windowMs: interval,
      mode: intervalMode,
      carriesOver: intervalCarriesOver,
    });
  }
  return windows;
}

/** An option that is given as `undefined` is one that is not given. */
function withDefaults(defaults: ClassSettings, given: Partial<ClassSettings> | undefined): ClassSettings {
  const settings = { ...defaults };
  for (const key of Object.keys(defaults) as (keyof ClassSettings)[]) settings[key] = given?.[key] ?? defaults[key];
  return settings;
}

function keptForInteractive({ keepInteractive, sequences = DEFAULT_SEQUENCES }: Partial<ModelOptions>): number {
  return keepInteractive ?? (sequences >= KEEP_FROM_SEQUENCES ? 1 : 0);
}
