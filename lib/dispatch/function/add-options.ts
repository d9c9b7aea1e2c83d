/** The options of a task, checked where they enter. By hand, and not by a schema: this is on the path of every task. */
import { DeadlineError, InvalidOptionError } from '../../base/errors.js';
import { nearest } from '../../base/nearest.js';
import { TASK_CLASSES, taskClassIndex } from '../../task/index.js';
import type { AddOptions, RetryOptions } from './types.js';

interface Rule {
  accepts(value: unknown): boolean;
  expected: string;
}

/** Times in whole ms are kept in 32 bits by the core. */
export const TIME_MS_MAX = 2 ** 31 - 1;
const NAME_LENGTH_MAX = 256;

const isNumber = (value: unknown): value is number => typeof value === 'number';
const isFiniteNumber = (value: unknown): value is number => Number.isFinite(value);
const isAbove = (value: unknown): boolean => isNumber(value) && value > 0;
const isName = (value: unknown): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= NAME_LENGTH_MAX;
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const name: Rule = { accepts: isName, expected: `a text of 1 to ${NAME_LENGTH_MAX} characters` };
const duration: Rule = { accepts: isAbove, expected: 'milliseconds, more than 0' };
const attempts: Rule = {
  accepts: (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 255,
  expected: 'a whole number from 1 to 255',
};

const RETRY_RULES: Readonly<Record<keyof RetryOptions, Rule>> = {
  attempts,
  minMs: { accepts: (value) => isFiniteNumber(value) && value >= 0, expected: 'milliseconds, at least 0' },
  maxMs: { accepts: (value) => isFiniteNumber(value) && value >= 0, expected: 'milliseconds, at least 0' },
  factor: { accepts: (value) => isFiniteNumber(value) && value >= 1, expected: 'a number of at least 1' },
  when: { accepts: (value) => typeof value === 'function', expected: 'a function' },
};

const RULES: Readonly<Record<keyof AddOptions, Rule>> = {
  id: name,
  tenant: name,
  class: {
    accepts: (value) => typeof value === 'string' && taskClassIndex(value) >= 0,
    expected: `one of ${TASK_CLASSES.join(', ')}`,
  },
  priority: { accepts: isFiniteNumber, expected: 'a finite number' },
  deadlineMs: { accepts: isNumber, expected: 'milliseconds from now' },
  timeoutMs: duration,
  demand: { accepts: isObject, expected: 'amounts by pool name' },
  bound: duration,
  weight: { accepts: (value) => isFiniteNumber(value) && value > 0, expected: 'a finite number, more than 0' },
  estimateMs: { accepts: (value) => isFiniteNumber(value) && value > 0, expected: 'milliseconds, more than 0' },
  signal: {
    // By shape: signals of other realms are no instances of ours.
    accepts: (value) =>
      isObject(value) &&
      typeof value.aborted === 'boolean' &&
      typeof value.addEventListener === 'function' &&
      typeof value.removeEventListener === 'function',
    expected: 'an AbortSignal',
  },
  retry: { accepts: (value) => isNumber(value) || isObject(value), expected: 'a number of attempts, or an object' },
  idempotencyKey: name,
  parent: name,
  budget: { accepts: (value) => isNumber(value) && value >= 0, expected: 'a number of at least 0' },
  group: name,
};

/**
 * An option that is given as `undefined` is one that is not given.
 * @throws {@link InvalidOptionError} naming the option, what came and what is allowed; {@link DeadlineError} for a deadline in the past
 */
export function checkAddOptions(options: AddOptions): void {
  check(options, RULES, '');
  if (options.deadlineMs !== undefined && !(options.deadlineMs > 0)) {
    if (Number.isNaN(options.deadlineMs)) throw wrong('deadlineMs', options.deadlineMs, RULES.deadlineMs);
    throw new DeadlineError(
      `The deadline is in the past: deadlineMs is ${options.deadlineMs}, in milliseconds from now.`,
    );
  }
  const { retry, id } = options;
  if (isNumber(retry)) {
    if (!attempts.accepts(retry)) throw wrong('retry', retry, attempts);
  } else if (retry !== undefined) {
    check(retry, RETRY_RULES, 'retry.');
    if (retry.attempts === undefined) throw wrong('retry.attempts', undefined, attempts);
  }
  if (id !== undefined && options.parent === id) {
    throw new InvalidOptionError('parent', `Task "${id}" cannot be its own parent.`);
  }
}

/** Options that name one task cannot be those of several; nor can what starts together start one by one. */
export function checkShared(options: AddOptions, together: boolean): InvalidOptionError | undefined {
  for (const name of ['id', 'idempotencyKey'] as const) {
    if (options[name] !== undefined) {
      return new InvalidOptionError(name, `Option "${name}" names one task; a call that adds several cannot have it.`);
    }
  }
  if (typeof together !== 'boolean') {
    return new InvalidOptionError('together', 'Option "together" is wrong: expected true or false.');
  }
  if (together && options.group !== undefined) {
    return new InvalidOptionError('group', 'Functions that start together cannot wait for their turn in a group.');
  }
  return undefined;
}

/** @throws {@link InvalidOptionError} unless `amount` is a finite number of at least 0 */
export function checkAmount(pool: string, amount: unknown): asserts amount is number {
  if (isFiniteNumber(amount) && amount >= 0) return;
  throw wrong(`demand.${pool}`, amount, { accepts: isFiniteNumber, expected: 'a finite number of at least 0' });
}

/** The error for a name that is not among `known`, with the nearest one when it is near. */
export function unknownName(
  option: string,
  what: string,
  unknown: string,
  known: readonly string[],
): InvalidOptionError {
  const list = known.length === 0 ? 'none' : known.join(', ');
  return new InvalidOptionError(option, `Unknown ${what} "${unknown}"; known: ${list}.`, nearest(unknown, known));
}

function check(given: object, rules: Readonly<Record<string, Rule>>, prefix: string): void {
  for (const key in given) {
    const value = (given as Record<string, unknown>)[key];
    if (value === undefined) continue;
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (rule === undefined) throw unknownName(`${prefix}${key}`, 'option', key, Object.keys(rules));
    if (!rule.accepts(value)) throw wrong(`${prefix}${key}`, value, rule);
  }
}

function wrong(option: string, value: unknown, rule: Rule): InvalidOptionError {
  const shown =
    typeof value === 'string'
      ? JSON.stringify(value.slice(0, NAME_LENGTH_MAX))
      : isObject(value)
        ? 'an object'
        : String(value);
  return new InvalidOptionError(option, `Option "${option}" is wrong (got ${shown}): expected ${rule.expected}.`);
}
