import { describe, expect, it } from 'vitest';
import { createContext } from '../../bench/compare.js';
import { runContender } from '../../bench/process.js';
import { median, medianRatio, quantile } from '../../bench/statistics.js';
import type { Contender, Json } from '../../bench/suite.js';

const file = new URL('./toy-contender.mjs', import.meta.url);
const contender = (name: string, input: Json): Contender => ({ name, file, input });
const TIMEOUT_MS = 20_000;

function context(overrides: Partial<Parameters<typeof createContext>[0]> = {}) {
  const lines: string[] = [];
  const made = createContext({
    suite: 'toy',
    smoke: false,
    reps: 3,
    seed: 1,
    scratch: '/nowhere',
    shared: undefined,
    note: (line) => lines.push(line),
    ...overrides,
  });
  return { made, lines };
}

describe('statistics', () => {
  it('take the middle, or the mean of the two middle ones', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(() => median([])).toThrow(RangeError);
  });

  it('take quantiles by the nearest rank', () => {
    const values = [50, 15, 40, 20, 35];
    expect([0.05, 0.3, 0.4, 0.5, 1].map((ratio) => quantile(values, ratio))).toEqual([15, 20, 20, 35, 50]);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });

  it('compare run by run, so that a slow phase of the machine cancels out', () => {
    // Each run is twice as fast, though run 2 of both was ten times slower than the others.
    expect(medianRatio([20, 2, 24], [10, 1, 12])).toBe(2);
    expect(() => medianRatio([1], [1, 2])).toThrow(RangeError);
  });
});

describe('a contender', () => {
  it('fails the benchmark with what it says', async () => {
    await expect(runContender(contender('toy', { does: 'fail' }), TIMEOUT_MS)).rejects.toThrow('the toy broke');
  });

  it('fails the benchmark when it measures something else than numbers', async () => {
    await expect(runContender(contender('toy', { does: 'measure nonsense' }), TIMEOUT_MS)).rejects.toThrow(
      'expected a number',
    );
  });

  it('fails the benchmark when it ends without an answer', async () => {
    await expect(runContender(contender('toy', { does: 'crash' }), TIMEOUT_MS)).rejects.toThrow('exit code 3');
  });

  it('is killed when its time is up', async () => {
    await expect(runContender(contender('toy', { does: 'hang' }), 500)).rejects.toThrow('longer than 500 ms');
  });
});

describe('a comparison', () => {
  it('starts a fresh process for each run, interleaves the contenders and keeps median and spread', async () => {
    const { made, lines } = context();
    const rows = await made.compare('work', [
      contender('a', { does: 'measure', value: 10 }),
      contender('b', { does: 'measure', value: 20 }),
    ]);
    expect(rows.filter((row) => row.metric === 'rate')).toEqual([
      {
        suite: 'toy',
        workload: 'work',
        contender: 'a',
        metric: 'rate',
        unit: 'op/s',
        median: 10,
        min: 10,
        max: 10,
        reps: 3,
        samples: [10, 10, 10],
      },
      expect.objectContaining({ contender: 'b', median: 20, samples: [20, 20, 20] }),
    ]);
    const pids = rows.filter((row) => row.metric === 'pid').flatMap((row) => row.samples);
    expect(new Set(pids).size).toBe(6);
    expect(made.rows).toEqual(rows);
    const order = lines.map((line) => line.split(' · ')[1]);
    expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
  });

  it('runs once in a smoke run, whatever a workload asks for', async () => {
    const { made } = context({ smoke: true });
    const [row] = await made.compare('work', [contender('a', { does: 'measure', value: 1 })], { reps: 9 });
    expect(row?.reps).toBe(1);
  });

  it('passes over workloads and contenders that nobody asked for, and says which it skips and why', async () => {
    const workloads = new Map([
      ['wanted', new Set(['a'])],
      ['impossible', new Set<string>()],
    ]);
    const { made, lines } = context({ workloads, reps: 1 });
    const rows = await made.compare('wanted', [
      contender('a', { does: 'measure', value: 1 }),
      contender('b', { does: 'fail' }),
    ]);
    expect(new Set(rows.map((row) => row.contender))).toEqual(new Set(['a']));
    lines.length = 0;
    expect(await made.compare('other', [contender('a', { does: 'fail' })])).toEqual([]);
    made.skip('other', 'no model');
    made.skip('impossible', 'no model');
    expect(made.skips).toEqual([{ suite: 'toy', workload: 'impossible', reason: 'no model' }]);
    expect(lines).toEqual(['toy: impossible is skipped: no model']);
  });
});
