/** Ends a server in good order: no new work, time for the old, then the end; at once when asked a second time. */
import type { FastifyInstance } from 'fastify';
import type { YardService } from '../runtime/service.js';

/** After the last answer was made, its reader has so long to take it. */
const LAST_BYTES_MS = 1_000;
/**
 * A forced stop still ends the engine processes: longer than the two seconds after which a yard kills an engine that hangs, since one
 * that still computes when this process exits would go on without it.
 */
const FORCED_MS = 3_000;

export interface Shutdown {
  app: FastifyInstance;
  yard: YardService;
  drainMs: number;
  /** Resolves when the stop shall happen now. */
  forced: Promise<void>;
  say(line: string): void;
}

/** @returns whether every accepted task came to its own end */
export async function shutDown({ app, yard, drainMs, forced, say }: Shutdown): Promise<boolean> {
  const { running, queued } = yard.stats();
  if (running + queued > 0) {
    say(
      `Stopping: ${running} running and ${queued} waiting get up to ${drainMs / 1000} s. Press Ctrl-C again to stop now.`,
    );
  } else {
    say('Stopping.');
  }
  let cut = 0;
  const unsubscribe = yard.onSettled(({ errorCode, outcome }) => {
    if (errorCode === 'AY_CLOSED' && outcome !== 'refused') cut++;
  });
  const closing = app.close();
  const drained = yard.close({ drainMs });
  const isForced = await Promise.race([drained.then(() => false), forced.then(() => true)]);
  if (isForced) {
    say('Stopping now.');
    // A second close without time to drain ends the first.
    await within(yard.close(), FORCED_MS);
    app.server.closeAllConnections();
  } else if (!(await within(closing, LAST_BYTES_MS))) {
    app.server.closeAllConnections();
  }
  await within(closing, FORCED_MS);
  unsubscribe();
  if (cut > 0) say(`${cut} ${cut === 1 ? 'task was' : 'tasks were'} cut off.`);
  return !isForced && cut === 0;
}

/** Did the promise settle within the limit? */
async function within(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  try {
    return await Promise.race([promise.then(() => true), limit]);
  } finally {
    clearTimeout(timer);
  }
}
