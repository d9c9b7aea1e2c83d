/** A stop that cannot wait: how long engines that hang are waited for. */
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { shutDown } from '../../lib/cli/shutdown.js';
import { FakeYard } from '../server/fake-yard.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** How long an engine that is told to end may take before it is killed. */
function engineGraceMs(): number {
  const source = readFileSync(new URL('../../lib/dispatch/engine/engine-backend.ts', import.meta.url), 'utf8');
  return Number(/CLOSE_GRACE_MS = ([\d_]+)/.exec(source)![1]!.replaceAll('_', ''));
}

/** A yard whose engine ends `ms` after it was told to. */
class HungYard extends FakeYard {
  isGone = false;
  readonly #endsAfterMs: number;

  constructor(endsAfterMs: number) {
    super();
    this.#endsAfterMs = endsAfterMs;
  }

  override close(): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(() => {
        this.isGone = true;
        resolve();
      }, this.#endsAfterMs);
    });
  }
}

/** Stops by force: did the engine outlive that? `app` has nothing open. */
async function outlives(yard: HungYard): Promise<boolean> {
  const app = { close: async () => undefined, server: { closeAllConnections: () => undefined } };
  const clean = await shutDown({
    app: app as unknown as FastifyInstance,
    yard,
    drainMs: 10_000,
    forced: Promise.resolve(),
    say: () => undefined,
  });
  expect(clean).toBe(false);
  return !yard.isGone;
}

it('a forced stop waits until an engine that hangs was killed', async () => {
  // Killed when its grace is over; the system then takes a moment to say that it has ended.
  const stopped = outlives(new HungYard(engineGraceMs() + 500));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await stopped).toBe(false);
});

it('a forced stop does not wait for ever', async () => {
  const stopped = outlives(new HungYard(30_000));
  await vi.advanceTimersByTimeAsync(engineGraceMs() * 2);
  expect(await stopped).toBe(true);
});
