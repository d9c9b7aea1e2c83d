/**
 * `npm run bench -- NAME… [--smoke] [--json FILE] [--reps N] [--seed N]` runs suites; `npm run bench -- gate` measures again what
 * agentyard promises; without a name it lists the suites. Exit codes: 0 done (or every promise kept), 1 otherwise.
 */
import { readEnvironment } from './environment.js';
import { formatJudgements, runGate } from './gate.js';
import { GATE, type Options, readOptions, UsageError } from './options.js';
import { BARS } from './promises.js';
import { formatRows, type Report, writeReport } from './report.js';
import { runSuite } from './run-suite.js';
import type { Row, Skip, Suite } from './suite.js';
import { loadSuite, SUITE_NAMES } from './suites/index.js';

const GATE_LIMIT_MS = 10 * 60_000;
const GATE_REPS = 5;
const DEFAULT_REPS = 5;

/** Progress goes to standard error, results to standard output. */
function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function listSuites(): Promise<void> {
  print('npm run bench -- NAME… [--smoke] [--json FILE] [--reps N] [--seed N]\n');
  const width = Math.max(...[...SUITE_NAMES, GATE].map((name) => name.length));
  for (const name of SUITE_NAMES) print(`  ${name.padEnd(width)}  ${(await loadSuite(name)).description}`);
  print(`  ${GATE.padEnd(width)}  measures again what agentyard promises, in at most ten minutes`);
}

async function runSuites(options: Options): Promise<boolean> {
  const rows: Row[] = [];
  const skips: Skip[] = [];
  const suites: Suite[] = [];
  let succeeded = true;
  for (const name of options.names) {
    const suite = await loadSuite(name);
    suites.push(suite);
    const reps = options.smoke ? 1 : (options.reps ?? DEFAULT_REPS);
    const outcome = await runSuite(suite, { smoke: options.smoke, reps, seed: options.seed, note });
    rows.push(...outcome.rows);
    skips.push(...outcome.skips);
    print(`\n${suite.name}: ${suite.description}\n${suite.operation}\n`);
    if (options.smoke) print('A smoke run: the figures mean nothing.\n');
    if (outcome.rows.length > 0) print(formatRows(outcome.rows));
    for (const skip of outcome.skips) print(`\n${skip.workload}: skipped, ${skip.reason}`);
    if (outcome.error !== undefined) {
      note(`${suite.name} failed: ${outcome.error instanceof Error ? outcome.error.stack : String(outcome.error)}`);
      succeeded = false;
    }
  }
  await save(options, suites, rows, skips);
  return succeeded;
}

async function gate(options: Options): Promise<boolean> {
  const suites: Suite[] = [];
  const outcome = await runGate(
    BARS,
    async (name) => {
      if (!SUITE_NAMES.includes(name)) return undefined;
      const suite = await loadSuite(name);
      suites.push(suite);
      return suite;
    },
    {
      limitMs: GATE_LIMIT_MS,
      reps: options.reps ?? GATE_REPS,
      seed: options.seed,
      note,
      nowMs: () => performance.now(),
    },
  );
  print(formatJudgements(outcome.judgements));
  const lost = outcome.judgements.filter(({ verdict }) => verdict === 'lost' || verdict === 'unmeasured').length;
  const skipped = outcome.judgements.filter(({ verdict }) => verdict === 'skipped').length;
  print(`\n${BARS.length} promises: ${BARS.length - lost - skipped} kept, ${lost} lost, ${skipped} skipped.`);
  await save(options, suites, outcome.rows, outcome.skips);
  return outcome.passed;
}

async function save(
  options: Options,
  suites: readonly Suite[],
  rows: readonly Row[],
  skips: readonly Skip[],
): Promise<void> {
  if (options.json === undefined) return;
  const report: Report = {
    environment: readEnvironment(new Date()),
    smoke: options.smoke,
    seed: options.seed,
    suites: suites.map(({ name, operation }) => ({ name, operation })),
    rows,
    skips,
  };
  await writeReport(options.json, report);
  note(`Written to ${options.json}`);
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), SUITE_NAMES);
  if (options.names.length === 0) {
    await listSuites();
    return 0;
  }
  if (options.names.includes(GATE)) return (await gate(options)) ? 0 : 1;
  return (await runSuites(options)) ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const text = error instanceof UsageError ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`${text}\n`);
    process.exitCode = 1;
  },
);
