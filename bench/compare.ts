/** The context that a suite runs in: compares contenders and collects rows. */
import { runContender } from './process.js';
import { median } from './statistics.js';
import type { CompareOptions, Contender, Measurement, Row, Skip, SuiteContext } from './suite.js';

const DEFAULT_TIMEOUT_MS = 120_000;

export interface ContextOptions {
  suite: string;
  smoke: boolean;
  reps: number;
  seed: number;
  scratch: string;
  shared: string | undefined;
  /** Only these workloads run, and of each only these contenders; the others are passed over in silence. Undefined: all. */
  workloads?: ReadonlyMap<string, ReadonlySet<string>>;
  /** Told before each run, for instance to stop when time is up; may throw. Returns the longest that the run may take, ms. */
  beforeRun?: (timeoutMs: number) => number;
  note: (line: string) => void;
}

export interface CollectingContext extends SuiteContext {
  readonly rows: readonly Row[];
  readonly skips: readonly Skip[];
}

export function createContext(options: ContextOptions): CollectingContext {
  const { suite } = options;
  const rows: Row[] = [];
  const skips: Skip[] = [];
  const wanted = (workload: string) => options.workloads === undefined || options.workloads.has(workload);
  return {
    smoke: options.smoke,
    reps: options.reps,
    seed: options.seed,
    scratch: options.scratch,
    shared: options.shared,
    rows,
    skips,
    note: options.note,
    skip(workload, reason) {
      if (!wanted(workload)) return;
      skips.push({ suite, workload, reason });
      options.note(`${suite}: ${workload} is skipped: ${reason}`);
    },
    record(recorded) {
      rows.push(...recorded.filter(({ workload }) => wanted(workload)));
    },
    async compare(workload, contenders, compareOptions = {}) {
      if (!wanted(workload)) return [];
      const chosen = contenders.filter(({ name }) => options.workloads?.get(workload)?.has(name) ?? true);
      const samples = await interleave(workload, chosen, compareOptions, options);
      const added = chosen.flatMap((contender) => rowsOf(suite, workload, contender, samples.get(contender)!));
      rows.push(...added);
      return added;
    },
  };
}

/** Repetition by repetition; each one starts with another contender, since the first after a pause finds a cooler machine. */
async function interleave(
  workload: string,
  contenders: readonly Contender[],
  { reps, timeoutMs = DEFAULT_TIMEOUT_MS }: CompareOptions,
  options: ContextOptions,
): Promise<Map<Contender, (readonly Measurement[])[]>> {
  const samples = new Map<Contender, (readonly Measurement[])[]>(contenders.map((contender) => [contender, []]));
  const repetitions = options.smoke ? 1 : (reps ?? options.reps);
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(turn + repetition) % contenders.length]!;
      const limitMs = options.beforeRun?.(timeoutMs) ?? timeoutMs;
      const measurements = await runContender(contender, limitMs);
      samples.get(contender)!.push(measurements);
      const shown = measurements
        .map(({ metric, value, unit }) => `${metric} ${value.toPrecision(4)} ${unit}`)
        .join(', ');
      options.note(`${workload} · ${contender.name} · run ${repetition + 1} of ${repetitions}: ${shown}`);
    }
  }
  return samples;
}

function rowsOf(
  suite: string,
  workload: string,
  contender: Contender,
  runs: readonly (readonly Measurement[])[],
): Row[] {
  return (runs[0] ?? []).map(({ metric, unit }) => {
    const samples = runs.map((run) => {
      const measurement = run.find((candidate) => candidate.metric === metric && candidate.unit === unit);
      if (measurement === undefined)
        throw new Error(`Contender "${contender.name}" did not measure "${metric}" in every run.`);
      return measurement.value;
    });
    return {
      suite,
      workload,
      contender: contender.name,
      metric,
      unit,
      median: median(samples),
      min: Math.min(...samples),
      max: Math.max(...samples),
      reps: samples.length,
      samples,
    };
  });
}
