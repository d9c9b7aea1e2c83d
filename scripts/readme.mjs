/**
 * Writes the table of measured figures in README.md from bench/results/*.json.
 * Usage: node scripts/readme.mjs [--check]. With --check it only says whether the table is up to date, by its exit code.
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
  const of = (contender, metric) => pick('responsiveness', workload, contender, metric);
  const [ours, firstCome] = ['agentyard defaults', 'first come, first served, nothing kept'];
  const first = of(ours, 'first token, median');
  const last = of(firstCome, 'first token, median');
  lines.push(
    `| first token of an interactive prompt among 24 batch prompts, ${workload} | ${spread(first)} | first come, first served: ${spread(last)} | ${(first.median / last.median).toFixed(2)} × |`,
    `| pause of a running stream, p99, same load | ${spread(of(ours, 'gap between tokens of a running stream, p99'))} | one chunk + one step: ${round(of(ours, 'one planned chunk').median + of(ours, 'one decode step, all sequences').median)} ms | ${of(ours, 'gap p99 / (chunk + step)').median.toFixed(2)} × |`,
    `| a client leaves in prefill: its slot is in use again, p95 | ${spread(of(ours, 'disconnect in prefill, slot in use again, p95'))} | | |`,
    '',
    'From `npm run bench -- engine` and `npm run bench -- responsiveness`; files with commit and versions: [bench/results/](bench/results).',
  );
  return lines.join('\n');
}

const path = join(root, 'README.md');
const text = readFileSync(path, 'utf8');
const at = text.indexOf(BEGIN);
const end = text.indexOf(END);
if (at < 0 || end < at) throw new Error('README.md has lost its markers.');
const next = `${text.slice(0, at)}${BEGIN}\n${measured()}\n${text.slice(end)}`;
if (process.argv.includes('--check')) {
  if (next !== text) {
    console.error('README.md does not show bench/results/: run node scripts/readme.mjs');
    process.exitCode = 1;
  }
} else {
  writeFileSync(path, next);
}
