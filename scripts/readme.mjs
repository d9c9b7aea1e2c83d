/**
 * Writes the tables of measured figures in README.md and docs/performance.md from bench/results/*.json.
 * Usage: node scripts/readme.mjs [--check]. With --check it only says whether the tables are up to date, by its exit code.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const BEGIN = '<!-- measured -->';
const END = '<!-- /measured -->';

const results = join(root, 'bench/results');
const reports = readdirSync(results)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(results, name), 'utf8')));
if (reports.length === 0)
  throw new Error('bench/results/ is empty: npm run bench -- gate --json bench/results/gate.json');
const rows = reports.flatMap((report) => report.rows);

const round = (value) =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(value >= 10 ? 1 : 2);
const spread = (row) => `${round(row.median)} (${round(row.min)} to ${round(row.max)}) ${row.unit}`;
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

function pick(suite, workload, contender, metric) {
  const row = rows.find(
    (one) => one.suite === suite && one.workload === workload && one.contender === contender && one.metric === metric,
  );
  if (row === undefined) throw new Error(`No row for ${suite} / ${workload} / ${contender} / ${metric}.`);
  return row;
}

const workloadsOf = (suite) => [...new Set(rows.filter((row) => row.suite === suite).map((row) => row.workload))];

/** Plain functions: nothing when the suite was not run yet. */
function queueLines() {
  const lines = [
    ['plain functions, first in, first out, a task', 'first in, first out', 'time a task'],
    ['plain functions with random priorities, a task', 'random priorities', 'time a task'],
    ['one ends, one is added, 100,000 wait', 'steady backlog', 'time a task'],
    ['memory of a waiting function', 'memory', 'memory a waiting task'],
    ['100,000 functions that resolve at once: longest hold of the event loop', 'event loop', 'longest hold'],
    ["of a tenant's 10,000 functions, go before another's 100", 'fairness', 'share of the many done when the few were'],
  ].map(([what, workload, metric]) => {
    if (!workloadsOf('queue').includes(workload)) return undefined;
    const ours = pick('queue', workload, 'agentyard', metric);
    const theirs = pick('queue', workload, 'p-queue', metric);
    const ratio = median(ours.samples.map((value, i) => value / theirs.samples[i]));
    return `| ${what} | ${spread(ours)} | p-queue: ${spread(theirs)} | ${ratio.toFixed(2)} × |`;
  });
  if (workloadsOf('queue').includes('decision')) {
    const p99 = pick('queue', 'decision', 'agentyard core, vtc(aged)', 'one decision, p99');
    lines.push(`| one decision, 100,000 waiting tasks of 1,000 tenants, p99 | ${spread(p99)} | | |`);
  }
  if (workloadsOf('queue').includes('aborts')) {
    const aborts = pick('queue', 'aborts', 'agentyard', 'aborts, beyond an empty listener');
    lines.push(`| 50,000 of 100,000 waiting functions aborted, beyond Node's own events | ${spread(aborts)} | | |`);
  }
  return lines.filter((line) => line !== undefined);
}

/** The Markdown between the markers. */
function measured() {
  const [{ environment }] = reports;
  const lines = [
    `On ${environment.cpu} (${environment.cores} cores, no GPU), Node ${environment.node.replace(/^v/, '')}, node-llama-cpp 3.22.1: medians, with minimum and maximum.`,
    '',
    '| what | agentyard | beside it | ratio |',
    '| --- | --- | --- | --- |',
  ];
  const rate = 'generation rate, the better setting';
  for (const workload of workloadsOf('engine')) {
    const ours = pick('engine', workload, 'agentyard', rate);
    const theirs = pick('engine', workload, 'node-llama-cpp, free-running', rate);
    const ratio = median(ours.samples.map((value, i) => value / theirs.samples[i]));
    lines.push(
      `| generation, ${workload} | ${spread(ours)} | free-running sequences: ${spread(theirs)} | ${ratio.toFixed(2)} × |`,
    );
  }
  const [workload] = workloadsOf('responsiveness');
  const suites = [...new Set(rows.map((row) => row.suite))];
  const commands = new Intl.ListFormat('en').format(suites.map((suite) => `\`npm run bench -- ${suite}\``));
  const of = (contender, metric) => pick('responsiveness', workload, contender, metric);
  const [ours, firstCome] = ['agentyard defaults', 'first come, first served, nothing kept'];
  const first = of(ours, 'first token, median');
  const last = of(firstCome, 'first token, median');
  lines.push(
    `| first token of an interactive prompt among 24 batch prompts, ${workload} | ${spread(first)} | first come, first served: ${spread(last)} | ${(first.median / last.median).toFixed(2)} × |`,
    `| pause of a running stream, p99, same load | ${spread(of(ours, 'gap between tokens of a running stream, p99'))} | one chunk + one step: ${round(of(ours, 'one planned chunk').median + of(ours, 'one decode step, all sequences').median)} ms | ${of(ours, 'gap p99 / (chunk + step)').median.toFixed(2)} × |`,
    `| a client leaves in prefill: its slot is in use again, p95 | ${spread(of(ours, 'disconnect in prefill, slot in use again, p95'))} | | |`,
    ...queueLines(),
    '',
    `From ${commands}; files with commit and versions: [bench/results/](bench/results).`,
  );
  return lines.join('\n');
}

/** Every contender of the queue suite. */
function queueTables() {
  const workloads = workloadsOf('queue');
  if (workloads.length === 0) return 'Not measured yet: `npm run bench -- queue --json bench/results/queue.json`.';
  const { environment } = reports.find((report) => report.rows.some((row) => row.suite === 'queue'));
  const { packages } = environment;
  const versions = ['p-queue', 'fastq', 'async', 'p-limit', 'bottleneck'].map((name) => `${name} ${packages[name]}`);
  const lines = [
    `${environment.cpu}, ${environment.cores} cores, Node ${environment.node.replace(/^v/, '')}; ${versions.join(', ')}. Medians, with minimum and maximum.`,
  ];
  for (const workload of workloads) {
    const own = rows.filter((row) => row.suite === 'queue' && row.workload === workload);
    const metrics = [...new Set(own.map((row) => row.metric))];
    lines.push(
      '',
      `| ${workload} | ${metrics.join(' | ')} |`,
      `| --- |${' --- |'.repeat(metrics.length)}`,
      ...[...new Set(own.map((row) => row.contender))].map((contender) => {
        const cells = metrics.map((metric) => spread(pick('queue', workload, contender, metric)));
        return `| ${contender} | ${cells.join(' | ')} |`;
      }),
    );
  }
  return lines.join('\n');
}

const isCheck = process.argv.includes('--check');
for (const [page, tables] of [
  ['README.md', measured()],
  ['docs/performance.md', queueTables()],
]) {
  const path = join(root, page);
  const text = readFileSync(path, 'utf8');
  const at = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (at < 0 || end < at) throw new Error(`${page} has lost its markers.`);
  const next = `${text.slice(0, at)}${BEGIN}\n${tables}\n${text.slice(end)}`;
  if (!isCheck) writeFileSync(path, next);
  else if (next !== text) {
    console.error(`${page} does not show bench/results/: run node scripts/readme.mjs`);
    process.exitCode = 1;
  }
}
