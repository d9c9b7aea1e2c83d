import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Yard } from '../../lib/yard.js';

describe('the event loop', () => {
  it('turns while functions that resolve at once chain', async () => {
    const yard = new Yard({ concurrency: 4 });
    let turns = 0;
    let left = 60_000;
    // Each end adds the next one: without turns in between, this would be one long microtask.
    const chain = async (): Promise<void> => {
      if (left-- > 0) void yard.add(chain);
    };
    for (let i = 0; i < 4; i++) void yard.add(chain);
    const count = () => {
      turns++;
      if (left > 0) setImmediate(count);
    };
    setImmediate(count);
    await yard.onIdle();
    expect(left).toBeLessThanOrEqual(0);
    expect(turns).toBeGreaterThan(5);
  });

  it('turns between functions that are slow and synchronous', async () => {
    const yard = new Yard({ concurrency: 100, autoStart: false });
    const spin = () => {
      const endMs = performance.now() + 5;
      while (performance.now() < endMs);
    };
    let begun = 0;
    let begunInFirstTurn = 0;
    for (let i = 0; i < 20; i++) {
      void yard.add(() => {
        begun++;
        spin();
      });
    }
    setImmediate(() => {
      begunInFirstTurn = begun;
    });
    yard.start();
    await yard.onIdle();
    expect(begun).toBe(20);
    expect(begunInFirstTurn).toBeLessThan(10);
  });

  it('is kept by nothing of a yard that has nothing to do', async () => {
    const program = fileURLToPath(new URL('../support/idle-functions.mjs', import.meta.url));
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 20_000 });
    let said = '';
    child.stdout.on('data', (data) => {
      said += data;
    });
    const [code] = await once(child, 'close');
    expect(said).toBe('done\n');
    expect(code).toBe(0);
  });
});
