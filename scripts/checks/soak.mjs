/**
 * Ten million random events on the scheduler, each held against the design by a witness (test/support/witness): what must stay true, after
 * every event. A broken invariant ends it, with the seed that shows it again.
 * Usage: node scripts/checks/soak.mjs [events] [first seed]; node scripts/checks/soak.mjs --replay <scenario> <seed>
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { compileLoad, importLoad } from './support/load.mjs';
import { check, expect } from './support/workplace.mjs';

const EVENTS_EACH = 5_000;
/** Each edge of a task's life is to be taken so often in ten million events. */
const EDGES_MIN = 1_000;
const OVERLOAD_MIN = 0.3;
/** Where rounding errors of fractions alone decide a choice, nothing is said about it; that is to be rare. */
const UNSURE_MAX = 0.01;

const [first, ...rest] = process.argv.slice(2);

await check('soak', async () => {
  compileLoad();
  const load = await importLoad();
  if (first === '--replay') replay(load, rest[0], Number(rest[1]));
  else await soak(load, Number(first ?? 10_000_000), Number(rest[0] ?? 1));
});

function replay({ RandomLoad, SCENARIOS }, name, seed) {
  const scenario = SCENARIOS.find((one) => one.name === name);
  expect(scenario !== undefined, `there is no scenario "${name}"`);
  const load = new RandomLoad(scenario, seed);
  load.run(EVENTS_EACH);
  load.drain();
  console.log(`${load.events} events, digest ${load.digest.toString(16)}`);
}

async function soak({ SCENARIOS, TASK_EDGES, TASK_STATE_NAMES, OUTCOME_NAMES, RULE_NAMES }, events, firstSeed) {
  const totals = SCENARIOS.map(() => ({ events: 0, overloaded: 0, grants: 0, unsure: 0, ms: 0 }));
  const sums = { edges: [], rules: [], outcomes: [], backfilled: 0, boundOverruns: 0, digest: 0 };
  const begin = performance.now();
  await play({ episodes: Math.ceil(events / EVENTS_EACH), eventsEach: EVENTS_EACH, firstSeed }, (result) => {
    for (const key of Object.keys(totals[0])) totals[result.index][key] += result[key];
    for (const key of ['edges', 'rules', 'outcomes']) {
      for (const [i, times] of result[key].entries()) sums[key][i] = (sums[key][i] ?? 0) + times;
    }
    for (const key of ['backfilled', 'boundOverruns']) sums[key] += result[key];
    // Episodes end in any order.
    sums.digest = (sums.digest ^ result.digest) >>> 0;
  });
  const seconds = (performance.now() - begin) / 1_000;
  const all = totals.reduce((a, b) => Object.fromEntries(Object.keys(a).map((key) => [key, a[key] + b[key]])));
  for (const [index, { events, overloaded, grants, ms }] of totals.entries()) {
    const each = `${((ms * 1_000) / events).toFixed(1)} µs an event`;
    console.log(
      `  ${SCENARIOS[index].name.padEnd(26)} ${events} events, ${percent(overloaded / events)} overload, ${grants} grants, ${each}`,
    );
  }
  const edges = TASK_EDGES.map(([from, to]) => ({
    name: `${TASK_STATE_NAMES[from]} → ${TASK_STATE_NAMES[to]}`,
    times: sums.edges[from * 8 + to],
  }));
  console.log(`  edges: ${edges.map(({ name, times }) => `${name} ${times}`).join(', ')}`);
  console.log(
    `  grants: ${RULE_NAMES.map((name, i) => `${name} ${sums.rules[i]}`).join(', ')}; ${sums.backfilled} backfilled`,
  );
  console.log(
    `  outcomes: ${OUTCOME_NAMES.map((name, i) => `${name} ${sums.outcomes[i]}`).join(', ')}; ${sums.boundOverruns} bounds overrun`,
  );
  console.log(
    `  ${all.events} events in ${seconds.toFixed(0)} s, ${percent(all.overloaded / all.events)} in overload; rounding decided ` +
      `${all.unsure} of ${all.grants} grants; digest ${sums.digest.toString(16)}`,
  );
  expect(all.events >= events, `${all.events} events were played`);
  const least = Math.floor((EDGES_MIN * events) / 10_000_000);
  for (const { name, times } of edges) expect(times >= least, `${name} was taken ${times} times, not ${least}`);
  for (const [i, name] of RULE_NAMES.entries())
    expect(sums.rules[i] >= least, `rule ${name} decided ${sums.rules[i]} grants`);
  expect(Math.min(sums.backfilled, sums.boundOverruns) >= least, 'too little was backfilled or overran its bound');
  expect(all.overloaded / all.events >= OVERLOAD_MIN, `only ${percent(all.overloaded / all.events)} was overload`);
  expect(all.unsure / all.grants <= UNSURE_MAX, `rounding decided ${all.unsure} grants`);
}

/** Plays all episodes on the cores there are. */
async function play(task, onResult) {
  const counter = new SharedArrayBuffer(4);
  const workers = Array.from({ length: Math.max(1, Math.min(8, availableParallelism())) }, () => {
    const worker = new Worker(new URL('./support/soak-worker.mjs', import.meta.url), {
      workerData: { ...task, counter },
    });
    return new Promise((resolve, reject) => {
      worker.on('error', reject);
      worker.on('exit', resolve);
      worker.on('message', ({ failure, ...result }) => {
        if (failure === undefined) onResult(result);
        else reject(new Error(failed(failure)));
      });
    });
  });
  await Promise.all(workers);
}

function failed({ scenario, seed, event, message }) {
  return `${scenario}, seed ${seed}, event ${event}: ${message}\nAgain: node scripts/checks/soak.mjs --replay "${scenario}" ${seed}`;
}

function percent(ratio) {
  return `${(100 * ratio).toFixed(1)} %`;
}
