import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEnvironment } from '../../bench/environment.js';
import { formatNumber, formatRows, formatTable, writeReport } from '../../bench/report.js';
import type { Row } from '../../bench/suite.js';

const row = (contender: string, value: number): Row => ({
  suite: 'toy',
  workload: 'eight sequences',
  contender,
  metric: 'throughput',
  unit: 'tok/s',
  median: value,
  min: value - 1,
  max: value + 1,
  reps: 3,
  samples: [value - 1, value, value + 1],
});

describe('the table', () => {
  it('aligns its columns', () => {
    expect(
      formatTable(
        ['name', 'value'],
        [
          ['long name', '1'],
          ['b', '200'],
        ],
      ),
    ).toBe(['name       value', '---------  -----', 'long name      1', 'b            200'].join('\n'));
  });

  it('writes numbers for people', () => {
    expect(formatNumber(0.123456)).toBe('0.1235');
    expect(formatNumber(12.3456)).toBe('12.35');
    expect(formatNumber(1_234_567.8)).toBe('1,234,568');
  });

  it('compares each contender with the first of its workload', () => {
    const text = formatRows([row('free-running', 100), row('agentyard', 218)]);
    expect(text.split('\n')[0]).toBe('eight sequences');
    expect(text).toMatch(/free-running +throughput +100 +99 to 101 +tok\/s +3 +1\.00x/);
    expect(text).toMatch(/agentyard +throughput +218 .*2\.18x/);
  });
});

describe('the file', () => {
  it('holds the rows and what they depend on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'agentyard-report-'));
    const path = join(folder, 'results', 'toy.json');
    const environment = readEnvironment(new Date(0));
    await writeReport(path, { environment, smoke: true, seed: 7, suites: [], rows: [row('a', 2)], skips: [] });
    const saved = JSON.parse(await readFile(path, 'utf8'));
    expect(saved).toMatchObject({ smoke: true, seed: 7, rows: [{ contender: 'a', median: 2, samples: [1, 2, 3] }] });
    expect(saved.environment).toMatchObject({ date: '1970-01-01T00:00:00.000Z', node: process.versions.node });
    expect(saved.environment.packages).toMatchObject({ agentyard: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(saved.environment.cores).toBeGreaterThan(0);
    await rm(folder, { recursive: true });
  });
});
