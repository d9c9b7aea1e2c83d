import { AsyncLocalStorage } from 'node:async_hooks';
import { readFile } from 'node:fs/promises';
import { setTimeout as importedByName, promises } from 'node:timers';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../../lib/base/errors.js';
import { type VirtualClock, virtualClock } from '../../lib/testing/index.js';
import { Yard } from '../../lib/yard.js';
import { errorOf } from '../support/gate.js';

const HOUR_MS = 3_600_000;
const real = [Date, setTimeout, promises.setTimeout];

// Looked up at each call, as whoever imports it by its name has it.
const pause = <T>(ms: number, value?: T, options?: { signal?: AbortSignal }) => promises.setTimeout(ms, value, options);

let clock: VirtualClock;

beforeEach(() => {
  clock = virtualClock();
});

afterEach(() => {
  clock.restore();
});

describe('time', () => {
  it('stands still until it is moved, for every source of it', async () => {
    const begin = Date.now();
    expect([begin, performance.now(), clock.nowMs()]).toEqual([Date.UTC(2026, 0, 1), 0, 0]);
    await clock.advance(1_500.5);
    expect([performance.now(), clock.nowMs()]).toEqual([1_500.5, 1_500.5]);
    expect(Date.now() - begin).toBe(1_500);
    expect(new Date().toISOString()).toBe('2026-01-01T00:00:01.500Z');
    expect(new Date(5).getTime()).toBe(5);
    expect(new Date()).toBeInstanceOf(Date);
  });

  it('calls timers when they are due, those of one instant in the order in which they were set', async () => {
    const seen: string[] = [];
    const note = (name: string) => seen.push(`${name} at ${clock.nowMs()}`);
    setTimeout(note, 20, 'b');
    setTimeout(note, 10, 'a');
    setTimeout(note, 20, 'c');
    setTimeout(() => setTimeout(note, 5, 'later'), 10);
    clearTimeout(setTimeout(note, 12, 'never'));
    await clock.advance(9);
    expect(seen).toEqual([]);
    await clock.advance(11);
    expect(seen).toEqual(['a at 10', 'later at 15', 'b at 20', 'c at 20']);
  });

  it('rules every kind of timer', async () => {
    const seen: string[] = [];
    const repeated = setInterval(() => seen.push(`interval ${clock.nowMs()}`), 30);
    void pause(50, 'promise').then((value) => seen.push(`${value} ${clock.nowMs()}`));
    void promisify(setTimeout)(60, 'promisified').then((value) => seen.push(`${value} ${clock.nowMs()}`));
    importedByName(() => seen.push(`imported ${clock.nowMs()}`), 65);
    const signal = AbortSignal.timeout(70);
    signal.addEventListener('abort', () => seen.push(`${signal.reason.name} ${clock.nowMs()}`));
    void (async () => {
      for await (const value of promises.setInterval(45, 'each')) {
        seen.push(`${value} ${clock.nowMs()}`);
        break;
      }
    })();
    await clock.advance(70);
    clearInterval(repeated);
    await clock.advance(HOUR_MS);
    expect(seen).toEqual([
      'interval 30',
      'each 45',
      'promise 50',
      'promisified 60',
      'interval 60',
      'imported 65',
      'TimeoutError 70',
    ]);
  });

  it('lets a promise of a timer be aborted', async () => {
    const controller = new AbortController();
    const waiting = pause(HOUR_MS, undefined, { signal: controller.signal });
    controller.abort('enough');
    expect(await errorOf(waiting)).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' });
    expect(clock.pending).toBe(0);
    expect(await errorOf(pause(1, undefined, { signal: controller.signal }))).toMatchObject({ name: 'AbortError' });
  });

  it('calls timers back in the async context of whoever set them', async () => {
    const storage = new AsyncLocalStorage<string>();
    let seen: string | undefined;
    storage.run('mine', () => {
      setTimeout(() => {
        seen = storage.getStore();
      }, 5);
    });
    await clock.advance(5);
    expect(seen).toBe('mine');
  });

  it('waits for files before it moves', async () => {
    let readAtMs: number | undefined;
    void readFile(import.meta.filename).then(() => {
      readAtMs = clock.nowMs();
    });
    await clock.advance(1_000);
    expect(readAtMs).toBe(0);
  });

  it('lets work in later turns of the event loop end before it moves', async () => {
    const seen: number[] = [];
    const go = (left: number) => {
      seen.push(clock.nowMs());
      if (left > 0) setImmediate(() => setImmediate(() => go(left - 1)));
    };
    go(20);
    await clock.advance(1);
    expect(seen).toEqual(new Array(21).fill(0));
  });

  it('goes on like real timers, whatever the order in which they are set and cleared', async () => {
    const delays = fc.array(fc.record({ delayMs: fc.integer({ min: 1, max: 50 }), isCleared: fc.boolean() }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(delays, async (timers) => {
        const begin = clock.nowMs();
        const seen: string[] = [];
        const handles = timers.map(({ delayMs }, index) =>
          setTimeout(() => seen.push(`${index}: ${clock.nowMs() - begin}`), delayMs),
        );
        for (const [index, { isCleared }] of timers.entries()) if (isCleared) clearTimeout(handles[index]);
        await clock.advance(50);
        const expected = timers
          .map(({ delayMs, isCleared }, index) => ({ delayMs, isCleared, index }))
          .filter(({ isCleared }) => !isCleared)
          .sort((a, b) => a.delayMs - b.delayMs || a.index - b.index)
          .map(({ delayMs, index }) => `${index}: ${delayMs}`);
        expect(seen).toEqual(expected);
      }),
      { seed: 7, numRuns: 40 },
    );
  });
});

describe('until', () => {
  it('gives what the promise gives, however long that takes', async () => {
    expect(await clock.until(pause(HOUR_MS, 'done'))).toBe('done');
    expect(clock.nowMs()).toBe(HOUR_MS);
    expect(await errorOf(clock.until(pause(5).then(() => Promise.reject(new Error('no')))))).toMatchObject({
      message: 'no',
    });
  });

  it('says when it hangs, and why', async () => {
    const never = new Promise(() => {});
    expect(await errorOf(clock.until(never))).toMatchObject({ message: expect.stringContaining('nothing is left') });
    const timer = setInterval(() => {}, 10);
    const error = await errorOf(clock.until(never, { limitMs: 100 }));
    expect(error).toMatchObject({ message: expect.stringContaining('100 ms of virtual time are over') });
    clearInterval(timer);
  });

  it('notices work without end while time stands still', async () => {
    let isOver = false;
    const again = () => {
      if (!isOver) setImmediate(again);
    };
    again();
    expect(await errorOf(clock.settle())).toMatchObject({
      message: expect.stringContaining('while time stands still'),
    });
    isOver = true;
  });
});

describe('runToEnd', () => {
  it('runs until no timer is left that keeps a process alive', async () => {
    let fired = 0;
    const again = () => {
      fired++;
      if (fired < 5) setTimeout(again, 1_000);
    };
    again();
    setInterval(() => {}, 1_000).unref();
    await clock.runToEnd();
    expect([fired, clock.nowMs()]).toEqual([5, 4_000]);
  });

  it('gives up where timers go on for ever', async () => {
    const timer = setInterval(() => {}, 1_000);
    expect(await errorOf(clock.runToEnd({ limitMs: 10_000 }))).toMatchObject({
      message: expect.stringContaining('there are still timers'),
    });
    clearInterval(timer);
  });
});

describe('the process', () => {
  it('has its own time back afterwards, also where it was imported by name', async () => {
    clock.restore();
    expect(Date.now()).not.toBe(Date.UTC(2026, 0, 1));
    expect([Date, setTimeout, promises.setTimeout]).toEqual(real);
    await pause(1);
    expect(performance.now()).toBeGreaterThan(0);
    expect(Object.hasOwn(performance, 'now')).toBe(false);
  });

  it('has one virtual clock at a time', () => {
    expect(() => virtualClock()).toThrow(InvalidOptionError);
    clock.restore();
    using second = virtualClock();
    expect(second.nowMs()).toBe(0);
  });

  it('refuses to go back in time', async () => {
    expect(await errorOf(clock.advance(-1))).toBeInstanceOf(InvalidOptionError);
    expect(await errorOf(clock.advance(Number.NaN))).toBeInstanceOf(InvalidOptionError);
  });
});

describe('a yard', () => {
  it('lives an hour in milliseconds: rate windows, retries, time-outs', async () => {
    const yard = new Yard({ concurrency: 2, interval: 60_000, intervalCap: 10 }, { clock });
    const startedMs: number[] = [];
    let attempts = 0;
    const all = Array.from({ length: 600 }, () => yard.add(() => startedMs.push(clock.nowMs())));
    await clock.until(Promise.all(all));
    expect(startedMs.filter((ms) => ms === 0)).toHaveLength(10);
    expect(startedMs.at(-1)).toBe(59 * 60_000);
    const begin = clock.nowMs();
    const retried = yard.add(
      () => {
        attempts++;
        if (attempts < 3) throw new Error('not yet');
        return clock.nowMs() - begin;
      },
      { retry: { attempts: 3, minMs: 30_000, maxMs: 30_000 } },
    );
    expect(await clock.until(retried)).toBeGreaterThanOrEqual(30_000);
    const late = errorOf(yard.add(() => pause(HOUR_MS), { timeoutMs: 5_000 }));
    expect(await clock.until(late)).toMatchObject({ code: 'AY_TASK_TIMEOUT' });
    await yard.close();
  });
});
