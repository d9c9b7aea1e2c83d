/** The options of a yard, checked where they enter. */
import leven from 'leven';
import { z } from 'zod';
import { InvalidOptionError } from './base/errors.js';
import { ORDER_NAMES, SHARE_NAMES } from './policy/index.js';
import { TASK_CLASSES, type TaskClassName } from './task/index.js';

const positiveInteger = z.int().min(1);
const milliseconds = z.number().positive().finite();

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
});

const classSchema = z.strictObject({
  step: z.number().finite().optional(),
  queueLimit: z.int().min(0).optional(),
  boundMs: milliseconds.optional(),
  timeoutMs: milliseconds.optional(),
});

const yardSchema = z.strictObject({
  models: z.record(z.string().min(1), z.union([z.string().min(1), modelSchema])),
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
}

export interface YardOptions {
  /** Models by the name that requests use; a string is the path. */
  models: Readonly<Record<string, string | ModelOptions>>;
  /** Who goes first inside a tenant: "aged" (default), "priority", "fcfs", "seed". */
  order?: 'aged' | 'fcfs' | 'priority' | 'seed';
  /** Whose turn it is between tenants: "vtc" (default), "none". */
  share?: 'none' | 'vtc';
  /** Half-life of waiting for the order "aged", ms. Default 20,000. */
  halfLifeMs?: number;
  /** Per class: head start, queue limit, wait bound, time-out. Defaults in docs/scheduling.md. */
  classes?: Partial<
    Record<TaskClassName, { step?: number; queueLimit?: number; boundMs?: number; timeoutMs?: number }>
  >;
  /** Unread text that a stream buffers before its task is paused, bytes. Default 65,536. */
  streamBufferBytes?: number;
  /** A paused stream that nobody reads for this long expires, ms. Default 60,000. */
  unreadTimeoutMs?: number;
  /** Tenants told apart; further names share one tenant. Default 10,000. */
  maxTenants?: number;
  /** Host memory that is never leased, bytes. Default: 512 MiB or 3 %, in a cgroup 64 MiB or 5 %, whichever is more. 0 turns it off. */
  memoryMarginBytes?: number;
}

/** @throws {@link InvalidOptionError} naming the option, what came and what is allowed; unknown names get a suggestion */
export function checkYardOptions(options: YardOptions): YardOptions {
  const result = yardSchema.safeParse(options);
  if (!result.success) throw optionError(result.error.issues[0]!, options);
  for (const [name, model] of Object.entries(options.models)) {
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

export const DEFAULT_SEQUENCES = 4;
export const DEFAULT_CONTEXT_TOKENS_MAX = 4_096;

function optionError(issue: z.core.$ZodIssue, options: YardOptions): InvalidOptionError {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const unknown = issue.keys[0]!;
    const known = knownKeys(issue.path);
    const nearest = known.toSorted((a, b) => leven(a, unknown) - leven(b, unknown))[0];
    const close = nearest !== undefined && leven(nearest, unknown) <= 3 ? nearest : undefined;
    const name = path === '' ? unknown : `${path}.${unknown}`;
    return new InvalidOptionError(name, `Unknown option "${name}"; known: ${known.join(', ')}.`, close);
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
  if (path[0] === 'classes') return path.length === 1 ? [...TASK_CLASSES] : Object.keys(classSchema.shape);
  return Object.keys(yardSchema.shape);
}
