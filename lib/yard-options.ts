/** The options of a yard, checked where they enter. */
import { z } from 'zod';
import { type AnyAgent, isAgent, type ReuseLimits } from './agents/index.js';
import { InvalidOptionError } from './base/errors.js';
import { nearest } from './base/nearest.js';
import { ORDER_NAMES, SHARE_NAMES } from './policy/index.js';
import { type ClassSettings, TASK_CLASSES, type TaskClassName } from './task/index.js';

const positiveInteger = z.int().min(1);
const milliseconds = z.number().positive().finite();
const endless = (value: unknown): boolean => value === Number.POSITIVE_INFINITY;
const millisecondsOrInfinity = z.custom<number>(
  (value) => endless(value) || milliseconds.safeParse(value).success,
  'expected milliseconds, more than 0, or Infinity',
);
const countOrInfinity = z.custom<number>(
  (value) => endless(value) || positiveInteger.safeParse(value).success,
  'expected a whole number of at least 1, or Infinity',
);
const amountOrInfinity = z.custom<number>(
  (value) => typeof value === 'number' && value >= 0,
  'expected a number of at least 0, or Infinity',
);

const modelSchema = z.strictObject({
  path: z.string().min(1),
  sequences: positiveInteger.max(256).optional(),
  contextTokens: positiveInteger.min(64).optional(),
  keepInteractive: z.int().min(0).optional(),
  threads: positiveInteger.optional(),
  flashAttention: z.boolean().optional(),
  gpu: z.union([z.literal(false), z.enum(['auto', 'cuda', 'metal', 'vulkan'])]).optional(),
  gapBoundMs: milliseconds.optional(),
  chunkTokens: positiveInteger.optional(),
  savedSessionBytes: z.int().min(0).optional(),
});

const classSchema = z.strictObject({
  step: z.number().finite().optional(),
  queueLimit: z.int().min(0).optional(),
  workLimit: amountOrInfinity.optional(),
  boundMs: millisecondsOrInfinity.optional(),
  timeoutMs: millisecondsOrInfinity.optional(),
});

const windowSchema = z.strictObject({
  limit: z.number().positive().finite(),
  windowMs: milliseconds,
  mode: z.enum(['fixed', 'sliding']).optional(),
  carriesOver: z.boolean().optional(),
});

const retryBudgetSchema = z.strictObject({
  ratio: z.number().min(0).finite().optional(),
  min: z.number().min(0).finite().optional(),
});

const reuseSchema = z.strictObject({
  resultBytes: z.int().min(0).optional(),
  embeddingBytes: z.int().min(0).optional(),
});

const yardSchema = z.strictObject({
  models: z.record(z.string().min(1), z.union([z.string().min(1), modelSchema])).optional(),
  agents: z.array(z.custom<AnyAgent>(isAgent, 'expected an agent, as defineAgent returns it')).optional(),
  reuse: reuseSchema.optional(),
  concurrency: countOrInfinity.optional(),
  autoStart: z.boolean().optional(),
  pools: z.record(z.string().min(1), amountOrInfinity).optional(),
  windows: z.record(z.string().min(1), windowSchema).optional(),
  interval: milliseconds.optional(),
  intervalCap: z.number().positive().finite().optional(),
  intervalMode: z.enum(['fixed', 'sliding']).optional(),
  intervalCarriesOver: z.boolean().optional(),
  groupConcurrency: countOrInfinity.optional(),
  keepInteractive: z.int().min(0).optional(),
  timeoutMs: milliseconds.optional(),
  leaseEndsAtTimeout: z.boolean().optional(),
  headBlocks: z.boolean().optional(),
  drainMs: millisecondsOrInfinity.optional(),
  maxDepth: z.int().min(0).optional(),
  runBudget: amountOrInfinity.optional(),
  retryBudget: retryBudgetSchema.optional(),
  eventLog: z.strictObject({ path: z.string().min(1), checkEvery: positiveInteger.optional() }).optional(),
  order: z.enum(ORDER_NAMES as [string, ...string[]]).optional(),
  share: z.enum(SHARE_NAMES as [string, ...string[]]).optional(),
  halfLifeMs: milliseconds.optional(),
  classes: z.strictObject(Object.fromEntries(TASK_CLASSES.map((name) => [name, classSchema.optional()]))).optional(),
  streamBufferBytes: positiveInteger.optional(),
  unreadTimeoutMs: milliseconds.optional(),
  maxTenants: positiveInteger.optional(),
  memoryMarginBytes: z.int().min(0).optional(),
});

/** How one model is served. */
export interface ModelOptions {
  /** GGUF file. */
  path: string;
  /** Slots: how many requests run at once. 1…256, default 4. */
  sequences?: number;
  /** Longest prompt plus answer of one request, tokens. Default: what the model was trained for, at most 4,096. */
  contextTokens?: number;
  /** Slots that only interactive work may use. Default 1 with four sequences or more, else 0. Less than `sequences`. */
  keepInteractive?: number;
  /** Threads of the engine. Default: what the CPU quota and affinity allow. */
  threads?: number;
  /** Default: chosen by the engine for the hardware. */
  flashAttention?: boolean;
  /** Default "auto". `false` computes on the CPU. */
  gpu?: false | 'auto' | 'cuda' | 'metal' | 'vulkan';
  /** Longest pause that a running stream should feel because another prompt is read, ms. Default 150. Decides the chunk size. */
  gapBoundMs?: number;
  /** Prompt tokens per chunk, instead of what `gapBoundMs` leads to. */
  chunkTokens?: number;
  /**
   * What named sessions (`session` of a request) may take beside the slots, bytes ≥ 0: a prefix that is worth it is saved before another task
   * overwrites its slot, and brought back when the session goes on. In a memory file system (`/dev/shm`) where one has so much room, else
   * in the temporary folder; part of the model's lease where it is memory. 0 is off. Default: 256 MiB, at most an eighth of the free
   * memory and half of the memory file system; 0 where there is none, so that no conversation is written to a disk unasked. See docs/engine.md.
   */
  savedSessionBytes?: number;
}

/** A rate window: so much may be started per window of time. */
export interface WindowOptions {
  /** Amount per window, > 0. */
  limit: number;
  /** Length of the window, ms. */
  windowMs: number;
  /**
   * `fixed` (default): counts from zero again when a window is over; the first start after a pause begins a window. `sliding`: no window
   * of this length, wherever it begins, sees more than the limit.
   */
  mode?: 'fixed' | 'sliding';
  /** Fixed windows: what still runs when a window ends counts in the next one too. Default false. */
  carriesOver?: boolean;
}

export interface YardOptions {
  /** Models by the name that requests use; a string is the path. Default: none, for a yard that runs functions only. */
  models?: Readonly<Record<string, string | ModelOptions>>;
  /** Agents that can be run by name, and that every face offers. More can be registered later: `yard.agents.register`. */
  agents?: readonly AnyAgent[] | undefined;
  /** How much of what agents did is kept; see docs/agents.md. */
  reuse?: ReuseLimits | undefined;
  /** Functions that run at once: the capacity of the pool `slots`. A whole number ≥ 1, or Infinity. Default 16. */
  concurrency?: number;
  /** False: nothing is started until `start()`. Default true. */
  autoStart?: boolean;
  /** Resources that functions ask for by name (`demand`), with their capacities ≥ 0. */
  pools?: Readonly<Record<string, number>>;
  /** Rate windows that functions ask for by name (`demand`). */
  windows?: Readonly<Record<string, WindowOptions>>;
  /** With `intervalCap`: a rate window named `interval`, of so many ms, of which every function takes 1. */
  interval?: number;
  /** Functions that may be started per `interval`. */
  intervalCap?: number;
  /** See {@link WindowOptions.mode}. Default "fixed". */
  intervalMode?: 'fixed' | 'sliding';
  /** See {@link WindowOptions.carriesOver}. */
  intervalCarriesOver?: boolean;
  /** Functions of one group that run at once. Default 1. */
  groupConcurrency?: number;
  /** Slots of functions that only interactive work may use; less than `concurrency`. Default 0. */
  keepInteractive?: number;
  /** Longest run of one attempt of a function that names no `timeoutMs` itself, ms. Default: no limit. */
  timeoutMs?: number;
  /**
   * What a function holds comes back at once when it is timed out or cancelled, although it may still run; so more than `concurrency`
   * may run for a while. Default false: when it has really ended.
   */
  leaseEndsAtTimeout?: boolean;
  /** A task at the head that does not fit blocks everything behind it. Default false: others go first, but not for ever. */
  headBlocks?: boolean;
  /** How long what is freed is held for a large task at the head when nothing that runs declares a `bound`, ms. Default 10,000. */
  drainMs?: number;
  /** Most generations of children below a task. Default 16. */
  maxDepth?: number;
  /** Work of a run's tasks (weights of functions, tokens of models) from which on they no longer go before new runs of their tenant. Default
   * 1,000; with models 100,000. */
  runBudget?: number;
  /** Retries that may be made in all: `ratio` (default 0.2) for each submitted task, and `min` (default 100) to begin with. */
  retryBudget?: { ratio?: number; min?: number };
  /**
   * Records every decision in a file that can be replayed; see docs/event-log.md. A file that exists is replaced. `checkEvery` (default 1,000):
   * a replay that decides differently is located to within so many events.
   */
  eventLog?: { path: string; checkEvery?: number };
  /** Who goes first inside a tenant: "aged" (default), "priority", "fcfs", "seed". */
  order?: 'aged' | 'fcfs' | 'priority' | 'seed';
  /** Whose turn it is between tenants: "vtc" (default), "none". */
  share?: 'none' | 'vtc';
  /** Half-life of waiting for the order "aged", ms. Default 20,000. */
  halfLifeMs?: number;
  /**
   * Per class: head start, queue limit in tasks and in work, wait bound, time-out. Defaults in docs/tasks.md; a yard without models
   * has a queue limit of 1,000,000 tasks and no time-out.
   */
  classes?: Partial<Record<TaskClassName, Partial<ClassSettings>>>;
  /** Unread text that a stream buffers before its task is paused, bytes. Default 65,536. */
  streamBufferBytes?: number;
  /** A paused stream that nobody reads for this long expires, ms. Default 60,000. */
  unreadTimeoutMs?: number;
  /** Tenants told apart at a time; beyond, those without tasks are forgotten. Default 10,000. */
  maxTenants?: number;
  /** Host memory that is never leased, bytes. Default: 512 MiB or 3 %, in a cgroup 64 MiB or 5 %, whichever is more. 0 turns it off. */
  memoryMarginBytes?: number;
}

/** @throws {@link InvalidOptionError} naming the option, what came and what is allowed; unknown names get a suggestion */
export function checkYardOptions(options: YardOptions): YardOptions {
  const result = yardSchema.safeParse(options);
  if (!result.success) throw optionError(result.error.issues[0]!, options);
  checkFunctionOptions(options);
  for (const [name, model] of Object.entries(options.models ?? {})) {
    if (typeof model === 'string') continue;
    const { keepInteractive, sequences = DEFAULT_SEQUENCES } = model;
    if (keepInteractive !== undefined && keepInteractive >= sequences) {
      throw new InvalidOptionError(
        `models.${name}.keepInteractive`,
        `Model "${name}" keeps ${keepInteractive} of ${sequences} sequences for interactive work; at least one must be left for the rest.`,
      );
    }
  }
  return options;
}

/** Names that a yard gives to pools and windows of its own. */
export const SLOTS_POOL = 'slots';
export const INTERVAL_WINDOW = 'interval';
export const DEFAULT_CONCURRENCY = 16;

/** @throws {@link InvalidOptionError} naming `option` unless slots are left for work that is not interactive */
export function checkKept(option: string, keepInteractive: number, concurrency: number): void {
  if (keepInteractive < concurrency) return;
  throw new InvalidOptionError(
    option,
    `The yard keeps ${keepInteractive} of ${concurrency} slots for interactive work; at least one must be left for the rest.`,
  );
}

function checkFunctionOptions(options: YardOptions): void {
  const {
    concurrency = DEFAULT_CONCURRENCY,
    keepInteractive = 0,
    interval,
    intervalCap,
    pools = {},
    windows = {},
  } = options;
  checkKept('keepInteractive', keepInteractive, concurrency);
  if ((interval === undefined) !== (intervalCap === undefined)) {
    const missing = interval === undefined ? 'interval' : 'intervalCap';
    throw new InvalidOptionError(missing, `"interval" and "intervalCap" belong together; "${missing}" is missing.`);
  }
  if (interval === undefined) {
    for (const name of ['intervalMode', 'intervalCarriesOver'] as const) {
      if (options[name] !== undefined)
        throw new InvalidOptionError(name, `"${name}" needs "interval" and "intervalCap".`);
    }
  }
  for (const name of [...Object.keys(pools), ...Object.keys(windows)]) {
    const option = Object.hasOwn(pools, name) ? `pools.${name}` : `windows.${name}`;
    const isOurs = name === SLOTS_POOL || name === INTERVAL_WINDOW || name.startsWith('slots:') || name === MEMORY_POOL;
    if (isOurs) throw new InvalidOptionError(option, `The name "${name}" is the yard's own; choose another.`);
    if (Object.hasOwn(pools, name) && Object.hasOwn(windows, name)) {
      throw new InvalidOptionError(option, `"${name}" is both a pool and a window; choose another name for one.`);
    }
  }
}

export const MEMORY_POOL = 'host memory';
export const DEFAULT_SEQUENCES = 4;
export const DEFAULT_CONTEXT_TOKENS_MAX = 4_096;

function optionError(issue: z.core.$ZodIssue, options: YardOptions): InvalidOptionError {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const unknown = issue.keys[0]!;
    const known = knownKeys(issue.path);
    const name = path === '' ? unknown : `${path}.${unknown}`;
    return new InvalidOptionError(
      name,
      `Unknown option "${name}"; known: ${known.join(', ')}.`,
      nearest(unknown, known),
    );
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const inner = issue.errors
      .flat()
      .find((candidate) => candidate.path.length > 0 || candidate.code === 'unrecognized_keys');
    if (inner !== undefined) return optionError({ ...inner, path: [...issue.path, ...inner.path] }, options);
  }
  let received: unknown = options;
  for (const key of issue.path) received = (received as Record<PropertyKey, unknown> | undefined)?.[key];
  const shown =
    typeof received === 'string' || typeof received === 'number' ? JSON.stringify(received) : typeof received;
  return new InvalidOptionError(path, `Option "${path}" is wrong (got ${shown}): ${issue.message}.`);
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  if (path[0] === 'models') return Object.keys(modelSchema.shape);
  if (path[0] === 'windows') return Object.keys(windowSchema.shape);
  if (path[0] === 'retryBudget') return Object.keys(retryBudgetSchema.shape);
  if (path[0] === 'reuse') return Object.keys(reuseSchema.shape);
  if (path[0] === 'eventLog') return ['path', 'checkEvery'];
  if (path[0] === 'classes') return path.length === 1 ? [...TASK_CLASSES] : Object.keys(classSchema.shape);
  return Object.keys(yardSchema.shape);
}
