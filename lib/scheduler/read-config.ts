/**
 * Makes the configuration that an event log begins with (config-line.ts) again.
 *
 * Orders and shares are made anew from their names and parameters, because they may hold state.
 * A field that is added to the configuration later gets a default in the schema below that means what was before.
 */
import { z } from 'zod';
import { InvalidEventLogError } from '../base/errors.js';
import { readNumber } from '../event/index.js';
import { ORDER_NAMES, type Order, orderByName, SHARE_NAMES, type Share, shareByName } from '../policy/index.js';
import type { SchedulerConfig } from './config.js';

export interface RecordedConfig {
  config: SchedulerConfig;
  /** Version of the package that recorded the log; undefined when it did not say. */
  agentyard: string | undefined;
}

/** Policies in place of those that a log names: for ones that only their owner can make. Fresh ones, since they may hold state. */
export interface PolicyOverrides {
  order?: Order;
  share?: Share;
}

/**
 * The configuration of a `configure` line.
 * @param configuration - the fields of the `configure` line
 * @throws {@link InvalidEventLogError} naming the field that is missing, unknown or of another type, or the unknown policy
 */
export function readConfig(
  configuration: Readonly<Record<string, unknown>>,
  line: number,
  overrides: PolicyOverrides = {},
): RecordedConfig {
  const result = schema.safeParse(configuration);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    const path = issue.path.map(String).join('.');
    throw new InvalidEventLogError(
      line,
      'a complete configuration',
      `${path === '' ? '' : `"${path}": `}${issue.message}`,
    );
  }
  const { agentyard, order, share, ...rest } = result.data;
  return {
    config: {
      ...rest,
      order: overrides.order ?? orderOf(order, line),
      share: overrides.share ?? shareOf(share, line),
    },
    agentyard,
  };
}

const number = z
  .custom<number | string | null>((value) => readNumber(value) !== undefined, 'expected a number')
  .transform((value) => readNumber(value)!);

const policySchema = z.object({ name: z.string() }).catchall(number);
type PolicyDescription = z.infer<typeof policySchema>;

const schema = z.strictObject({
  agentyard: z.string().optional(),
  order: policySchema,
  share: policySchema,
  classes: z.array(
    z.strictObject({ step: number, queueLimit: number, workLimit: number, boundMs: number, timeoutMs: number }),
  ),
  models: z.array(z.strictObject({ name: z.string(), keptSlots: z.array(number), baseBytes: number })),
  pools: z.array(
    z.strictObject({
      name: z.string(),
      unit: z.enum(['slots', 'bytes', 'units']),
      capacity: number,
      kept: z.array(number),
    }),
  ),
  windows: z.array(
    z.strictObject({
      name: z.string(),
      limit: number,
      windowMs: number,
      mode: z.enum(['fixed', 'sliding']),
      carriesOver: z.boolean(),
    }),
  ),
  groupLimit: number,
  headBlocks: z.boolean(),
  drainMs: number,
  maxDepth: number,
  retryBudgetRatio: number,
  retryBudgetMin: number,
  runBudget: number,
  shapesMax: number,
  searchDepth: number,
  leaseEndsAtTimeout: z.boolean(),
  memory: z.strictObject({ name: z.string(), capacityBytes: number, marginBytes: number }),
  overdueEvery: number,
  maxPrioritySpread: number,
  unreadTimeoutMs: number,
  maxAttempts: number,
  restartMsMin: number,
  restartMsMax: number,
});

function orderOf({ name, ...parameters }: PolicyDescription, line: number): Order {
  return made('order', ORDER_NAMES, name, line, () => orderByName(name, parameters));
}

function shareOf({ name, ...parameters }: PolicyDescription, line: number): Share {
  return made('share', SHARE_NAMES, name, line, () => shareByName(name, parameters));
}

function made<T>(what: string, known: readonly string[], name: string, line: number, make: () => T): T {
  if (!known.includes(name)) {
    const expected = `"${what}" to be one of ${known.join(', ')}, or one that is handed to the replay`;
    throw new InvalidEventLogError(line, expected, JSON.stringify(name));
  }
  try {
    return make();
  } catch (error) {
    throw new InvalidEventLogError(line, `parameters that "${name}" takes`, (error as Error).message);
  }
}
