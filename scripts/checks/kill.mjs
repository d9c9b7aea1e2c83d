/**
 * Kills engines under load, then servers: nothing may be lost, leaked or left behind.
 * Usage: node scripts/checks/kill.mjs [engine kills] [server kills]. Uses SmolLM2 where AGENTYARD_SHARED has it, else the stand-in.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const ENGINE_KILLS = Number(process.argv[2] ?? 20);
const SERVER_KILLS = Number(process.argv[3] ?? 5);
const CLIENTS = 12;
const LEDGER_LIMIT_MS = 500;
const ORPHAN_LIMIT_MS = 2_000;

if (process.platform !== 'linux') {
  console.log('Skipped: finding an engine by its parent needs /proc, and this is no Linux.');
  process.exit(0);
}

const real = resolve(
  process.env.AGENTYARD_SHARED ?? '../shared',
  'models/smollm2-135m-instruct/smollm2-135m-instruct-q8_0.gguf',
);
const modelArguments = existsSync(real) ? ['--model', `m=${real}`] : [];
console.log(`Model: ${existsSync(real) ? 'SmolLM2' : 'the stand-in'}`);

async function startServer() {
  const server = spawn(
    process.execPath,
    ['dist/cli/main.js', 'serve', '--port', '0', '--context', '1024', ...modelArguments],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let printed = '';
  server.stderr.setEncoding('utf8').on('data', (text) => {
    printed += text;
  });
  const url = await until(() => /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0], 10_000, 'the server to listen');
  await ready(url);
  const { data } = await (await fetch(`${url}/v1/models`)).json();
  return { server, url, model: data[0].id };
}

async function until(probe, limitMs, what) {
  const begin = performance.now();
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (performance.now() - begin > limitMs) throw new Error(`Waited ${limitMs} ms in vain for ${what}.`);
    await wait(5);
  }
}

const ready = (url) => until(async () => (await fetch(`${url}/health`)).ok, 30_000, 'every model to be ready');

/** The engine is the child whose program is child.js. */
function enginePids(parent) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [, state, ppid] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return (
          state !== 'Z' &&
          Number(ppid) === parent &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join('engine', 'child.js'))
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

const isAlive = (pid) => existsSync(`/proc/${pid}`) && !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

async function leased(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return [...text.matchAll(/^agentyard:pool_leased\{pool="[^"]+"\} (\S+)$/gm)].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );
}

/** One request to its end; never throws. */
async function ask({ url, model }, maxTokens) {
  try {
    const response = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, prompt: 'Tell me a story about queues', max_tokens: maxTokens, stream: true }),
    });
    const text = await response.text();
    if (!response.ok) return 'refused';
    return text.includes('[DONE]') ? 'completed' : text.includes('"error"') ? 'failed with an error event' : 'cut off';
  } catch {
    return 'connection lost';
  }
}

const quantile = (values, ratio) => values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(ratio * values.length) - 1)];

const problems = [];
const target = await startServer();
const ends = new Map();
let isOver = false;
let asked = 0;
const clients = Array.from({ length: CLIENTS }, async () => {
  while (!isOver) {
    asked++;
    const end = await ask(target, 200);
    ends.set(end, (ends.get(end) ?? 0) + 1);
    if (end === 'refused') await wait(20);
  }
});

const ledgerMs = [];
for (let kill = 1; kill <= ENGINE_KILLS; kill++) {
  await ready(target.url);
  await wait(150 + 40 * (kill % 7));
  const [pid] = enginePids(target.server.pid);
  process.kill(pid, 'SIGKILL');
  await until(() => !isAlive(pid), 2_000, 'the engine to be gone');
  const begin = performance.now();
  await until(async () => (await leased(target.url)) === 0, 5_000, 'the ledger to return to its base');
  ledgerMs.push(performance.now() - begin);
  await ready(target.url);
  const next = await ask(target, 4);
  if (next !== 'completed') problems.push(`after kill ${kill} the next request ended as "${next}"`);
}
isOver = true;
await Promise.all(clients);
const settled = [...ends.values()].reduce((sum, count) => sum + count, 0);
console.log(
  `${ENGINE_KILLS} engines killed under load: ${asked} requests asked, ${settled} settled:`,
  Object.fromEntries(ends),
);
console.log(
  `Ledger back at its base after p50 ${quantile(ledgerMs, 0.5).toFixed(0)} ms, at most ${Math.max(...ledgerMs).toFixed(0)} ms.`,
);
if (settled !== asked) problems.push(`${asked - settled} requests never settled`);
for (const end of ['cut off', 'connection lost']) if (ends.has(end)) problems.push(`${ends.get(end)} requests: ${end}`);
if (Math.max(...ledgerMs) > LEDGER_LIMIT_MS) problems.push(`the ledger took longer than ${LEDGER_LIMIT_MS} ms`);
await until(
  async () => /num_requests_running\{[^}]*\} 0$/m.test(await (await fetch(`${target.url}/metrics`)).text()),
  5_000,
  'no request to run',
);
target.server.kill('SIGINT');
await once(target.server, 'exit');

const orphanMs = [];
for (let kill = 1; kill <= SERVER_KILLS; kill++) {
  const { server, url, model } = await startServer();
  const [pid] = enginePids(server.pid);
  const lost = ask({ url, model }, 400);
  await wait(100);
  server.kill('SIGKILL');
  const begin = performance.now();
  await until(() => !isAlive(pid), 10_000, 'the orphaned engine to end');
  orphanMs.push(performance.now() - begin);
  await lost;
}
if (SERVER_KILLS > 0) {
  console.log(
    `${SERVER_KILLS} servers killed: the engine was gone after at most ${Math.max(...orphanMs).toFixed(0)} ms.`,
  );
  if (Math.max(...orphanMs) > ORPHAN_LIMIT_MS)
    problems.push(`an engine outlived its server by more than ${ORPHAN_LIMIT_MS} ms`);
}

for (const problem of problems) console.error(`FAILED: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
