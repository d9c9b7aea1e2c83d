/** From a yard's options to the scheduler's configuration. */
import { type HostMemory, hostMemoryCapacityBytes, hostMemoryMarginBytes } from './memory/index.js';
import { aged, orderByName, shareByName } from './policy/index.js';
import { SCHEDULER_DEFAULTS, type SchedulerConfig } from './scheduler/index.js';
import { type ClassSettings, DEFAULT_CLASSES, TASK_CLASSES } from './task/index.js';
import { DEFAULT_SEQUENCES, type ModelOptions, type YardOptions } from './yard-options.js';

/** Host memory of an engine process before it loads a model: 105 MB measured, rounded up (docs/memory.md). */
const ENGINE_BASE_BYTES = 112 * 2 ** 20;
/** From this many slots on, one is kept for interactive work by default. */
const KEEP_FROM_SEQUENCES = 4;

/** @param memory - as a probe sees it now; its capacity and margin hold for the yard's life */
export function schedulerConfig(options: YardOptions, memory: HostMemory): SchedulerConfig {
  const models = Object.entries(options.models);
  return {
    ...SCHEDULER_DEFAULTS,
    order:
      options.order === undefined || options.order === 'aged' ? aged(options.halfLifeMs) : orderByName(options.order),
    share: shareByName(options.share ?? 'vtc'),
    classes: TASK_CLASSES.map((name, index) => withDefaults(DEFAULT_CLASSES[index]!, options.classes?.[name])),
    models: models.map(([name, model]) => ({
      name,
      keptSlots: [keptForInteractive(typeof model === 'string' ? {} : model)],
      baseBytes: ENGINE_BASE_BYTES,
    })),
    memory: {
      name: 'host memory',
      capacityBytes: hostMemoryCapacityBytes(memory),
      marginBytes: options.memoryMarginBytes ?? hostMemoryMarginBytes(memory),
    },
    unreadTimeoutMs: options.unreadTimeoutMs ?? SCHEDULER_DEFAULTS.unreadTimeoutMs,
  };
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
