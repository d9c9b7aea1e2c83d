import { describe, expect, it } from 'vitest';
import { formatJudgements, judge, runGate } from '../../bench/gate.js';
import { BARS, type Bar } from '../../bench/promises.js';
import type { Json, Row, Suite } from '../../bench/suite.js';
import { SUITE_NAMES } from '../../bench/suites/index.js';

const bar: Bar = {
  id: 'toy',
  says: 'Ours is twice as fast',
  suite: 'toy',
  workload: 'work',
  metric: 'rate',
  numerator: 'ours',
  denominator: 'theirs',
  must: 'reach',
  bound: 2,
  toleranceRatio: 0.1,
};

const row = (contender: string, ...samples: number[]): Row => ({
  suite: 'toy',
  workload: 'work',
  contender,
  metric: 'rate',
  unit: 'op/s',
  median: samples[0]!,
  min: Math.min(...samples),
  max: Math.max(...samples),
  reps: samples.length,
  samples,
});

const verdict = (changes: Partial<Bar>, ours: number, theirs: number) =>
  judge({ ...bar, ...changes }, [row('ours', ours), row('theirs', theirs)], [], undefined).verdict;

describe('a judgement', () => {
  it('keeps a ratio that must be reached down to its tolerance', () => {
    expect(verdict({}, 30, 10)).toBe('kept');
    expect(verdict({}, 18, 10)).toBe('kept');
    expect(verdict({}, 17.9, 10)).toBe('lost');
  });

  it('keeps a ratio that must be stayed within up to its tolerance', () => {
    expect(verdict({ must: 'stay within' }, 22, 10)).toBe('kept');
    expect(verdict({ must: 'stay within' }, 22.1, 10)).toBe('lost');
  });

  it('takes a metric that is a ratio already as it is', () => {
    expect(verdict({ denominator: null, must: 'stay within' }, 2.1, 10)).toBe('kept');
    expect(verdict({ denominator: null, must: 'stay within' }, 2.3, 10)).toBe('lost');
  });

  it('shows a figure that is promised as it is in its own unit', () => {
    const limit: Bar = { ...bar, denominator: null, must: 'stay within', bound: 450, unit: 'B' };
    const table = formatJudgements([judge(limit, [row('ours', 432.1)], [], undefined)]);
    expect(table).toContain('≤ 450 B');
    expect(table).toContain('432.1 B');
    expect(table).toContain('kept');
  });

  it('tells what the suite skipped from what was never measured', () => {
    const skip = { suite: 'toy', workload: 'work', reason: 'no model' };
    expect(judge(bar, [], [skip], undefined)).toMatchObject({ verdict: 'skipped', reason: 'no model' });
    expect(judge(bar, [row('ours', 1)], [], 'it broke')).toMatchObject({ verdict: 'unmeasured', reason: 'it broke' });
  });
});

describe('the gate', () => {
  const file = new URL('./toy-contender.mjs', import.meta.url);
  const toy = (ours: Json, theirs: Json): Suite => ({
    name: 'toy',
    description: '',
    operation: '',
    async run(context) {
      await context.compare('unpromised', [{ name: 'ours', file, input: { does: 'fail' } }]);
      await context.compare('work', [
        { name: 'ours', file, input: ours },
        { name: 'theirs', file, input: theirs },
        { name: 'unpromised', file, input: { does: 'fail' } },
      ]);
    },
  });
  const run = (suite: Suite | undefined, nowMs: () => number = () => 0) =>
    runGate([bar], async () => suite, { limitMs: 60_000, reps: 2, seed: 1, note: () => {}, nowMs });

  it('passes when every promise is kept, and runs promised workloads and contenders only', async () => {
    const outcome = await run(toy({ does: 'measure', value: 21 }, { does: 'measure', value: 10 }));
    expect(outcome.passed).toBe(true);
    expect(outcome.judgements[0]).toMatchObject({ verdict: 'kept', measured: 2.1 });
    expect(formatJudgements(outcome.judgements)).toContain('≥ 2x');
  });

  it('fails when one is lost', async () => {
    const outcome = await run(toy({ does: 'measure', value: 15 }, { does: 'measure', value: 10 }));
    expect(outcome.passed).toBe(false);
    expect(outcome.judgements[0]).toMatchObject({ verdict: 'lost', measured: 1.5 });
  });

  it('fails when a contender does, saying why', async () => {
    const outcome = await run(toy({ does: 'fail' }, { does: 'measure', value: 10 }));
    expect(outcome.passed).toBe(false);
    expect(outcome.judgements[0]).toMatchObject({
      verdict: 'unmeasured',
      reason: expect.stringContaining('toy broke'),
    });
  });

  it('fails when its time is over before all was measured', async () => {
    let calls = 0;
    const nowMs = () => (calls++ === 0 ? 0 : 61_000);
    const outcome = await run(toy({ does: 'measure', value: 21 }, { does: 'measure', value: 10 }), nowMs);
    expect(outcome.passed).toBe(false);
    expect(outcome.judgements[0]!.reason).toContain('60 s are over');
  });

  it('fails for a suite that does not exist', async () => {
    expect((await run(undefined)).judgements[0]).toMatchObject({
      verdict: 'unmeasured',
      reason: 'there is no such suite',
    });
  });
});

describe('the list of promises', () => {
  it('names suites that exist, each promise once, with tolerances below a half', () => {
    expect(BARS.length).toBeGreaterThan(0);
    expect(new Set(BARS.map(({ id }) => id)).size).toBe(BARS.length);
    for (const promised of BARS) {
      expect(SUITE_NAMES).toContain(promised.suite);
      expect(promised.bound).toBeGreaterThan(0);
      expect(promised.toleranceRatio).toBeGreaterThanOrEqual(0);
      expect(promised.toleranceRatio).toBeLessThan(0.5);
    }
  });
});
