/** The server's options, their defaults, and the check of their names. */

import type { AgentService } from '../agents/index.js';
import { InvalidOptionError, nearest } from '../base/index.js';
import type { YardService } from '../runtime/service.js';

/** Where log lines go and which ones; false for none. */
export interface LogOptions {
  /** Default "info": one line a request, those of probers (`/health`, `/metrics`) apart, which are at "debug". "warn" leaves all out. */
  level?: 'error' | 'warn' | 'info' | 'debug';
  /** Default: standard output. */
  stream?: { write(line: string): void };
}

export interface ServerOptions {
  /** What carries the work out. Its agents are served when it has some. The server never closes it. */
  yard: YardService & Partial<AgentService>;
  /**
   * API keys by tenant name: whoever shows the key works as that tenant. Default: none; then only loopback connections are answered.
   */
  apiKeys?: Readonly<Record<string, string>>;
  /**
   * The name that it listens under. Without API keys it is the only one that a Host header may hold besides localhost and loopback
   * addresses. Default "localhost".
   */
  host?: string;
  /** Longest body, bytes. Default 16 MiB. */
  bodyLimitBytes?: number;
  /** A waiting stream gets a comment when nothing else was sent for so long, ms. Default 10,000. */
  keepAliveMs?: number;
  /** A stream whose client takes nothing for so long is cut off, ms. Default 90,000: later than the yard gives its slot away. */
  unreadMs?: number;
  log?: LogOptions | false;
}

export type ResolvedOptions = Required<ServerOptions>;

const DEFAULTS = {
  apiKeys: {},
  host: 'localhost',
  bodyLimitBytes: 16 * 2 ** 20,
  keepAliveMs: 10_000,
  unreadMs: 90_000,
  log: {},
} satisfies Omit<ResolvedOptions, 'yard'>;

/**
 * Options with their defaults.
 * @throws {@link InvalidOptionError} for an unknown name or a number out of range
 */
export function resolveOptions(options: ServerOptions): ResolvedOptions {
  const known = ['yard', ...Object.keys(DEFAULTS)];
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new InvalidOptionError(name, `The server has no option "${name}".`, nearest(name, known));
    }
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const resolved = { ...DEFAULTS, ...given } as ResolvedOptions;
  for (const name of ['bodyLimitBytes', 'keepAliveMs', 'unreadMs'] as const) checkPositive(name, resolved[name]);
  return resolved;
}

function checkPositive(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new InvalidOptionError(name, `Option "${name}": expected a whole number of at least 1; got ${value}.`);
}
