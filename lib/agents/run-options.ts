/** The options of a call, checked where they enter, and what its task is added with. */
import { InvalidAgentError } from '../base/agent-errors.js';
import { InvalidOptionError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import type { AddOptions } from '../dispatch/function/index.js';
import type { AnyAgent } from './agent.js';
import type { ChildOptions } from './agent-context.js';
import type { RunOptions } from './agent-service.js';

/** Options that become the task's, and are checked with it. */
const TASK_OPTIONS = ['id', 'tenant', 'class', 'priority', 'deadlineMs', 'timeoutMs', 'budget', 'signal'] as const;
const RUN_OPTIONS = [...TASK_OPTIONS, 'idempotencyKey', 'model', 'reuse', 'onProgress', 'onPart'] as const;
const CHILD_OPTIONS: readonly (keyof ChildOptions)[] = [
  'class',
  'priority',
  'deadlineMs',
  'timeoutMs',
  'budget',
  'signal',
  'model',
  'onProgress',
  'onPart',
];

/** A key is joined to the agent's name, and both fit into the key of a task. */
const KEY_LENGTH_MAX = 128;

const isFunction = (value: unknown): boolean => typeof value === 'function';
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

const RULES: Readonly<Record<string, { accepts(value: unknown): boolean; expected: string }>> = {
  model: { accepts: isText, expected: 'the name of a model' },
  reuse: { accepts: (value) => typeof value === 'boolean', expected: 'true or false' },
  onProgress: { accepts: isFunction, expected: 'a function' },
  onPart: { accepts: isFunction, expected: 'a function' },
  idempotencyKey: {
    accepts: (value) => isText(value) && (value as string).length <= KEY_LENGTH_MAX,
    expected: `a text of 1 to ${KEY_LENGTH_MAX} characters`,
  },
};

/** @throws {@link InvalidOptionError} for an unknown option, with a suggestion, or a wrong one that is not the task's */
export function checkRunOptions(options: RunOptions | ChildOptions, isChild: boolean): void {
  if (typeof options !== 'object' || options === null) {
    const got = options === null ? 'null' : typeof options;
    throw new InvalidOptionError('options', `The options of a call are an object; got ${got}.`);
  }
  const known: readonly string[] = isChild ? CHILD_OPTIONS : RUN_OPTIONS;
  for (const key in options) {
    const value = (options as Record<string, unknown>)[key];
    if (value === undefined) continue;
    if (!known.includes(key)) {
      const message = `Unknown option "${key}"; known: ${known.join(', ')}.`;
      throw new InvalidOptionError(key, message, nearest(key, known));
    }
    const rule = RULES[key];
    if (rule === undefined || rule.accepts(value)) continue;
    throw new InvalidOptionError(key, `Option "${key}" is wrong (got ${typeof value}): expected ${rule.expected}.`);
  }
}

/**
 * What the task of a call is added with; undefined when neither the agent nor the caller says anything about it, which is the
 * cheapest task.
 * @throws {@link InvalidAgentError} for a weight or an estimate of the agent's that is none
 */
export function addOptionsOf(agent: AnyAgent, input: unknown, options: RunOptions | undefined): AddOptions | undefined {
  const { demand, weight, estimateMs, timeoutMs } = agent;
  const saysNothing =
    demand === undefined && weight === undefined && estimateMs === undefined && timeoutMs === undefined;
  if (saysNothing && options === undefined) return undefined;
  const add: AddOptions = {};
  if (options !== undefined) {
    for (const name of TASK_OPTIONS) if (options[name] !== undefined) add[name] = options[name] as never;
    // Of two agents with one key, the second must not get the result of the first.
    if (options.idempotencyKey !== undefined) add.idempotencyKey = `${agent.id} ${options.idempotencyKey}`;
  }
  if (demand !== undefined) add.demand = typeof demand === 'function' ? demand(input) : demand;
  if (weight !== undefined) add.weight = amountOf(agent, 'weight', weight, input);
  if (estimateMs !== undefined) add.estimateMs = amountOf(agent, 'estimateMs', estimateMs, input);
  if (add.timeoutMs === undefined && timeoutMs !== undefined) add.timeoutMs = timeoutMs;
  return add;
}

function amountOf(
  agent: AnyAgent,
  field: string,
  amount: number | ((input: unknown) => number),
  input: unknown,
): number {
  if (typeof amount === 'number') return amount;
  const made: unknown = amount(input);
  if (typeof made === 'number' && Number.isFinite(made) && made > 0) return made;
  throw new InvalidAgentError(
    field,
    `Agent "${agent.id}" gives ${typeof made === 'number' ? made : typeof made} as its "${field}" for this input: expected a finite number, more than 0.`,
  );
}
