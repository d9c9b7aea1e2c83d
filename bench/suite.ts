/**
 * What a benchmark suite is. A suite names workloads; for each it names contenders; the harness starts every repetition of
 * every contender in a fresh process, interleaves them (A B C, A B C, …) so that a drifting machine hurts all alike, and
 * keeps the median and the spread.
 *
 * To add one: a file in `suites/` that exports a {@link Suite}, a line in `suites/index.ts`, and a contender file that calls
 * `serveContender` of `contender.ts`.
 */

/** Plain data that survives a trip through JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** One number that a contender measured. */
export interface Measurement {
  /** What was measured, in words that hold for every contender: "throughput", "push". */
  metric: string;
  /** Its unit: "tok/s", "ns/op", "ms". */
  unit: string;
  /** A finite number. */
  value: number;
}

/** One of several ways to do the same work. */
export interface Contender {
  /** As it appears in tables, together with the setting that makes it the contender's best: "node-llama-cpp, free-running". */
  name: string;
  /** The compiled program to start, by `new URL('./engine-ours.js', import.meta.url)`. It calls `serveContender`. */
  file: URL;
  /** Handed to the program. */
  input: Json;
  /** Added to the environment of the program. */
  env?: Readonly<Record<string, string>>;
}

/** How often, and how long at most. */
export interface CompareOptions {
  /** Runs of each contender; default {@link SuiteContext.reps}. */
  reps?: number;
  /** One run may take this long before its process is killed and the suite fails, ms; default 120,000. */
  timeoutMs?: number;
}

/** The result of one metric of one contender on one workload. */
export interface Row {
  suite: string;
  workload: string;
  contender: string;
  metric: string;
  unit: string;
  median: number;
  min: number;
  max: number;
  reps: number;
  /** Every repetition's value, in the order of the runs: sample i of two contenders ran side by side in time. */
  samples: readonly number[];
}

/** A workload that could not run here, and why. */
export interface Skip {
  suite: string;
  workload: string;
  reason: string;
}

export interface SuiteContext {
  /** For correctness only: take the smallest size that still reaches the slow path. Figures of a smoke run mean nothing. */
  readonly smoke: boolean;
  /** Repetitions that the caller asked for: 1 in a smoke run, else 5 unless `--reps` says otherwise. */
  readonly reps: number;
  /** Seed for everything random. */
  readonly seed: number;
  /** An empty folder for this run's files; removed afterwards. */
  readonly scratch: string;
  /** Folder with the real models, when there is one: `AGENTYARD_SHARED`, default `../shared` beside the repository. */
  readonly shared: string | undefined;
  /** A line for the reader of the terminal. */
  note(line: string): void;
  /** Run the contenders of one workload and record their rows. Rejects when a contender fails; rows until then are kept. */
  compare(workload: string, contenders: readonly Contender[], options?: CompareOptions): Promise<readonly Row[]>;
  /** Record rows that are no comparison of timed contenders, such as shares of right answers. */
  record(rows: readonly Row[]): void;
  /** Say why a workload does not run here: nothing is left out silently. */
  skip(workload: string, reason: string): void;
}

export interface Suite {
  /** Word for the command line, kebab-case. */
  name: string;
  /** One line: what is compared. */
  description: string;
  /** What one operation is, and what is excluded from the time. Printed above the table. */
  operation: string;
  run(context: SuiteContext): Promise<void>;
}
