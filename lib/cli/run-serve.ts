/** What `agentyard serve` does once its options are read: listen, load in the background, serve, and end in good order. */
import { isAgentyardError } from '../base/index.js';
import type { YardService } from '../runtime/service.js';
import { createServer, type LogOptions, requireKeysBeyondLoopback } from '../server/index.js';
import { shutDown } from './shutdown.js';
import { FORCED_EXIT, type StopSignal } from './stop-signal.js';

export type { StopSignal } from './stop-signal.js';

export interface ServeSettings {
  host: string;
  /** 0 takes a free one. */
  port: number;
  apiKeys: Readonly<Record<string, string>>;
  drainMs: number;
  log: LogOptions | false;
}

/** What the command stands on; tests put their own in its place. */
export interface ServeWorld {
  version: string;
  /** Which core runs, in words. */
  core: string;
  makeYard(): YardService;
  /** For people; on standard error. */
  say(line: string): void;
  /** Calls `listener` for each SIGINT and SIGTERM; returns what ends that. */
  onSignal(listener: (signal: StopSignal) => void): () => void;
}

/**
 * Serves until a signal comes or a model cannot be loaded.
 * @returns the exit code: 0 after a clean stop, 1 when it could not serve, 130 or 143 when work was cut off
 */
export async function runServe(settings: ServeSettings, world: ServeWorld): Promise<number> {
  const { host, apiKeys, log } = settings;
  let yard: YardService | undefined;
  let app: ReturnType<typeof createServer>;
  try {
    requireKeysBeyondLoopback(host, apiKeys);
    yard = world.makeYard();
    app = createServer({ yard, apiKeys, host, log });
  } catch (error) {
    await yard?.close().catch(() => undefined);
    return complain(error, world);
  }
  // From here on a signal must find somebody who ends the engines, even while the port is still being opened.
  const stop = watchSignals(world);
  try {
    await app.listen({ host, port: settings.port, listenTextResolver: () => 'listening' });
    announce(app.server.address(), settings, yard, world);
    const ready = yard.ready().then(() => announceReady(yard, world));
    ready.catch(() => undefined);
    // Only a failure to load ends the wait: once ready, the server serves until it is told to stop.
    const signal = await Promise.race([stop.first, ready.then(() => stop.first)]);
    const clean = await shutDown({ app, yard, drainMs: settings.drainMs, forced: stop.second, say: world.say });
    return clean ? 0 : FORCED_EXIT[signal];
  } catch (error) {
    await yard.close().catch(() => undefined);
    app.server.closeAllConnections?.();
    await app.close();
    return complain(error, world, settings);
  } finally {
    stop.end();
  }
}

interface StopWatch {
  first: Promise<StopSignal>;
  second: Promise<void>;
  end(): void;
}

function watchSignals({ onSignal }: ServeWorld): StopWatch {
  let first!: (signal: StopSignal) => void;
  let second!: () => void;
  let count = 0;
  const end = onSignal((signal) => (++count === 1 ? first(signal) : second()));
  return {
    first: new Promise((resolve) => {
      first = resolve;
    }),
    second: new Promise((resolve) => {
      second = resolve;
    }),
    end,
  };
}

/** One line a person can act on; a stack only for what is a bug. */
function complain(error: unknown, { say }: ServeWorld, settings?: ServeSettings): number {
  const { code, message, stack } = error as NodeJS.ErrnoException;
  const place = `${settings?.host}:${settings?.port}`;
  if (code === 'EADDRINUSE')
    say(`agentyard: ${place} is in use. Stop what listens there, or choose another port with --port.`);
  else if (code === 'EACCES')
    say(`agentyard: ${place} may not be opened by this user. Choose a port above 1023 with --port.`);
  else if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    say(`agentyard: this machine has no address "${settings?.host}".`);
  else say(`agentyard: ${isAgentyardError(error) ? message : (stack ?? String(error))}`);
  return 1;
}

function announce(
  address: string | { address: string; port: number; family: string } | null,
  { host, port, apiKeys }: ServeSettings,
  yard: YardService,
  { version, core, say }: ServeWorld,
): void {
  const at = typeof address === 'object' && address !== null ? address.port : port;
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${at}`;
  const models = yard.models();
  say(`agentyard ${version} listens on ${origin}`);
  say(`Core: ${core}`);
  for (const { name, sequences } of models)
    say(`Model: ${name}, ${sequences} sequences, loading; requests wait for it`);
  const key = Object.keys(apiKeys).length > 0 ? ` -H 'authorization: Bearer YOUR-KEY'` : '';
  const body = JSON.stringify({ model: models[0]?.name, messages: [{ role: 'user', content: 'Hello' }] });
  say('Try:');
  say(
    `  curl ${origin}/v1/chat/completions -H 'content-type: application/json'${key} -d '${body.replaceAll("'", "'\\''")}'`,
  );
}

function announceReady(yard: YardService, { say }: ServeWorld): void {
  for (const { name, standIn, sequences, contextTokens, description } of yard.models()) {
    say(
      `Ready: ${name}, ${sequences} sequences of ${contextTokens} tokens${description === undefined ? '' : `; ${description}`}`,
    );
    if (standIn)
      say(
        `Note: ${name} is a generated stand-in that only strings words together. Give a real model with --model path.gguf.`,
      );
  }
}
