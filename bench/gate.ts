/** Measures what is promised again, within a limit of time, and says which are kept. */
import type { Bar } from './promises.js';
import { formatNumber, formatTable } from './report.js';
import { runSuite } from './run-suite.js';
import { medianRatio } from './statistics.js';
import type { Row, Skip, Suite } from './suite.js';

export interface GateOptions {
  /** The whole gate, ms. */
  limitMs: number;
  reps: number;
  seed: number;
  note: (line: string) => void;
  nowMs: () => number;
}

/**
 * `kept` and `lost` are measured. `skipped`: the suite says why it cannot run here, for instance without a model.
 * `unmeasured`: the time was up, the suite failed or it has no such figure; it counts as lost.
 */
export type Verdict = 'kept' | 'lost' | 'skipped' | 'unmeasured';

export interface Judgement {
  bar: Bar;
  verdict: Verdict;
  /** As the bar says: a ratio, or in its unit. */
  measured: number | undefined;
  /** Why nothing was measured. */
  reason: string | undefined;
}

export interface GateOutcome {
  judgements: readonly Judgement[];
  rows: readonly Row[];
  skips: readonly Skip[];
  /** False when a promise is lost or unmeasured. */
  passed: boolean;
}

class TimeUpError extends Error {}

/**
 * Runs, once each, the suites that the bars name, and of those only the workloads and contenders that the bars name.
 * @param suiteOf - finds a suite by name; undefined makes its bars unmeasured
 */
export async function runGate(
  bars: readonly Bar[],
  suiteOf: (name: string) => Promise<Suite | undefined>,
  options: GateOptions,
): Promise<GateOutcome> {
  const endMs = options.nowMs() + options.limitMs;
  const beforeRun = (timeoutMs: number): number => {
    const leftMs = endMs - options.nowMs();
    if (leftMs <= 0) throw new TimeUpError(`the gate's ${options.limitMs / 1000} s are over`);
    return Math.min(timeoutMs, leftMs);
  };
  const rows: Row[] = [];
  const skips: Skip[] = [];
  const failures = new Map<string, string>();
  for (const name of new Set(bars.map((bar) => bar.suite))) {
    const suite = await suiteOf(name);
    if (suite === undefined) {
      failures.set(name, 'there is no such suite');
      continue;
    }
    const workloads = new Map<string, Set<string>>();
    for (const bar of bars.filter((candidate) => candidate.suite === name)) {
      const contenders = workloads.get(bar.workload) ?? new Set<string>();
      workloads.set(bar.workload, contenders.add(bar.numerator));
      if (bar.denominator !== null) contenders.add(bar.denominator);
    }
    const outcome = await runSuite(suite, { ...options, smoke: false, workloads, beforeRun });
    rows.push(...outcome.rows);
    skips.push(...outcome.skips);
    if (outcome.error !== undefined) {
      failures.set(name, outcome.error instanceof Error ? outcome.error.message : String(outcome.error));
    }
  }
  const judgements = bars.map((bar) => judge(bar, rows, skips, failures.get(bar.suite)));
  const passed = judgements.every(({ verdict }) => verdict === 'kept' || verdict === 'skipped');
  return { judgements, rows, skips, passed };
}

/** @param failure - why the suite ended early, if it did */
export function judge(bar: Bar, rows: readonly Row[], skips: readonly Skip[], failure: string | undefined): Judgement {
  const samplesOf = (contender: string) =>
    rows.find(
      (row) =>
        row.suite === bar.suite &&
        row.workload === bar.workload &&
        row.metric === bar.metric &&
        row.contender === contender,
    )?.samples;
  const numerator = samplesOf(bar.numerator);
  const denominator = bar.denominator === null ? numerator?.map(() => 1) : samplesOf(bar.denominator);
  if (numerator === undefined || denominator === undefined) {
    const skip = skips.find((candidate) => candidate.suite === bar.suite && candidate.workload === bar.workload);
    return skip === undefined
      ? { bar, verdict: 'unmeasured', measured: undefined, reason: failure ?? 'the suite has no such figure' }
      : { bar, verdict: 'skipped', measured: undefined, reason: skip.reason };
  }
  const measured = medianRatio(numerator, denominator);
  return { bar, verdict: isKept(bar, measured) ? 'kept' : 'lost', measured, reason: undefined };
}

function isKept(bar: Bar, measured: number): boolean {
  switch (bar.must) {
    case 'reach':
      return measured >= bar.bound * (1 - bar.toleranceRatio);
    case 'stay within':
      return measured <= bar.bound * (1 + bar.toleranceRatio);
    default:
      return bar.must satisfies never;
  }
}

function withUnit({ unit }: Bar, value: string): string {
  return unit === undefined ? `${value}x` : `${value} ${unit}`;
}

export function formatJudgements(judgements: readonly Judgement[]): string {
  return formatTable(
    ['promise', 'promised', 'tolerance', 'measured', 'verdict'],
    judgements.map(({ bar, verdict, measured, reason }) => [
      bar.says,
      `${bar.must === 'reach' ? '≥' : '≤'} ${withUnit(bar, String(bar.bound))}`,
      `${Math.round(bar.toleranceRatio * 100)} %`,
      measured === undefined
        ? '-'
        : withUnit(bar, bar.unit === undefined ? measured.toFixed(2) : formatNumber(measured)),
      reason === undefined ? verdict : `${verdict}: ${reason}`,
    ]),
  );
}
