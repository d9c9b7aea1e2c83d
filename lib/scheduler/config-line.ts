/**
 * The first line of an event log: the configuration as data, complete, so that a log needs nothing else to be replayed.
 * Orders and shares are written by name with their parameters. Reading it: read-config.ts.
 */
import { EVENT_LOG_VERSION, writeNumber } from '../event/index.js';
import type { Order, Share } from '../policy/index.js';
import type { SchedulerConfig } from './config.js';

/**
 * The configuration as a log's first line, without its end.
 * @param nowMs - instant of the start, on the clock of the events
 * @param agentyard - version of the package that takes the decisions
 */
export function configLine(config: SchedulerConfig, nowMs: number, agentyard?: string): string {
  const { order, share, ...rest } = config;
  return toJson({
    v: EVENT_LOG_VERSION,
    agentyard,
    t: nowMs,
    event: 'configure',
    order: describe(order),
    share: describe(share),
    ...rest,
  });
}

function describe({ name, parameters }: Order | Share): Readonly<Record<string, string | number>> {
  return { name, ...parameters };
}

/** JSON with every double in it kept: see log-lines.ts. */
function toJson(value: unknown): string {
  if (typeof value === 'number') return writeNumber(value);
  if (Array.isArray(value)) return `[${value.map(toJson).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${toJson(field)}`).join()}}`;
}
