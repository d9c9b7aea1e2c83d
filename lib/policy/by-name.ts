/** Policies by the names that options and the command line use. A new object each time, since a policy may hold state. */
import { InvalidOptionError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import { aged } from './aged.js';
import { fcfs } from './fcfs.js';
import { none } from './none.js';
import type { Order, Parameters, Share } from './policy.js';
import { priority } from './priority.js';
import { seed } from './seed.js';
import { vtc } from './vtc.js';

const ORDERS: Readonly<Record<string, (parameters: Parameters) => Order>> = {
  aged: ({ halfLifeMs }) => aged(halfLifeMs),
  fcfs,
  priority,
  seed,
};
const SHARES: Readonly<Record<string, (parameters: Parameters) => Share>> = { none, vtc };

export const ORDER_NAMES: readonly string[] = Object.keys(ORDERS);
export const SHARE_NAMES: readonly string[] = Object.keys(SHARES);

/**
 * @param parameters - as the policy's own `parameters` say them; what is left out takes its default
 * @throws {@link InvalidOptionError} for an unknown name, with the nearest known one
 */
export function orderByName(name: string, parameters: Parameters = {}): Order {
  return lookUp('order', ORDERS, name)(parameters);
}

/**
 * @param parameters - as the policy's own `parameters` say them; what is left out takes its default
 * @throws {@link InvalidOptionError} for an unknown name, with the nearest known one
 */
export function shareByName(name: string, parameters: Parameters = {}): Share {
  return lookUp('share', SHARES, name)(parameters);
}

function lookUp<T>(option: string, known: Readonly<Record<string, T>>, name: string): T {
  if (Object.hasOwn(known, name)) return known[name]!;
  const names = Object.keys(known);
  throw new InvalidOptionError(
    option,
    `Unknown ${option} "${name}"; known: ${names.join(', ')}.`,
    nearest(name, names),
  );
}
