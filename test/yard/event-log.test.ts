import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../../lib/base/random.js';
import { replayFile } from '../../lib/runtime/replay-log.js';
import { Yard } from '../../lib/yard.js';
import { makeGate } from '../support/gate.js';

it('records a run of functions that replays to the same decisions', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'agentyard-'));
  try {
    const path = join(folder, 'run.jsonl');
    const yard = new Yard({ concurrency: 3, pools: { gpu: 4 }, maxTenants: 3, eventLog: { path } });
    const random = new Random(11);
    const work: Promise<unknown>[] = [];
    const gate = makeGate();
    void yard.add(gate.run, { timeoutMs: 60_000 }).catch(() => {});
    for (let i = 0; i < 300; i++) {
      const controller = new AbortController();
      const task = yard.add(
        async (ctx) => {
          if (random.next() < 0.2 && ctx.attempt === 1) throw new Error('once');
          ctx.grow('gpu', 1);
          if (random.next() < 0.1) await ctx.add(() => {}, { demand: { slots: 0 } });
        },
        {
          tenant: `tenant ${random.below(6)}`,
          priority: random.below(5),
          demand: { gpu: random.below(4) },
          retry: { attempts: 2, minMs: 1 },
          signal: controller.signal,
          ...(random.next() < 0.2 && { group: `group ${random.below(3)}` }),
        },
      );
      work.push(task.catch(() => {}));
      if (random.next() < 0.1) controller.abort();
      if (random.next() < 0.05) yard.concurrency = 1 + random.below(6);
    }
    await Promise.all(work);
    gate.open();
    await yard.onIdle();
    expect(yard.tasks()).toEqual([]);
    expect(yard.stats().pools).toMatchObject({ slots: { leased: 0 }, gpu: { leased: 0 } });
    await yard.close();
    const result = await replayFile(path);
    expect(result).toMatchObject({ isClosed: true, matches: true });
    expect(result.events).toBeGreaterThan(600);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
