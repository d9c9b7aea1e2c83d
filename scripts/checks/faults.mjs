/**
 * Proves that the checker of the scheduler sees: each of many small faults is put into a copy of the source, and the random load is played
 * against the copy until a statement of the checker, with a name, catches it.
 * Usage: node scripts/checks/faults.mjs [part of a fault's name]
 */
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import ts from 'typescript';
import { FAULTS } from './support/faults.mjs';
import { compiled, compileLoad } from './support/load.mjs';
import { check, expect, root } from './support/workplace.mjs';

const EVENTS_MAX = 300_000;
/** A fault may be one that never ends. */
const LIMIT_MS = 60_000;

const faults = FAULTS.filter(({ name }) => name.includes(process.argv[2] ?? ''));

await check('faults', async (folder) => {
  const misplaced = faults.filter(({ file, from }) => sourceOf(file).split(from).length !== 2);
  expect(
    misplaced.length === 0,
    `not exactly once in its file: ${misplaced.map(({ name, file }) => `${name} (${file})`).join('; ')}`,
  );
  compileLoad();
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const begin = performance.now();
  const results = [];
  const queue = [...faults.entries()];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, fault] = next;
      results[index] = await playAgainst(makeCopy(join(folder, String(index)), fault));
    }
  };
  await Promise.all(Array.from({ length: Math.min(8, availableParallelism()) }, work));
  for (const [index, { name }] of faults.entries()) {
    const { invariant, events, message } = results[index];
    const caught = invariant ?? (message === undefined ? 'NOTHING' : `no statement, but: ${message}`);
    console.log(`  ${name.padEnd(52)} ${caught.padEnd(60)} ${events} events`);
  }
  const missed = faults.filter((_, index) => results[index].invariant === undefined);
  console.log(
    `  ${faults.length - missed.length} of ${faults.length} faults caught in ${((performance.now() - begin) / 1_000).toFixed(0)} s`,
  );
  expect(missed.length === 0, `not caught by a statement of the checker: ${missed.map(({ name }) => name).join('; ')}`);
});

/** A copy of the compiled load and the library with one file compiled anew from its faulty source. */
function makeCopy(folder, { file, from, to }) {
  mkdirSync(folder);
  cpSync(compiled, folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true };
  const { outputText } = ts.transpileModule(sourceOf(file).split(from).join(to), { compilerOptions });
  writeFileSync(join(folder, 'lib', file.replace(/\.ts$/, '.js')), outputText);
  return folder;
}

function sourceOf(file) {
  return readFileSync(join(root, 'lib', file), 'utf8');
}

/** Each in a thread of its own, since it may never end. */
async function playAgainst(folder) {
  const worker = new Worker(new URL('./support/fault-worker.mjs', import.meta.url));
  const result = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve({ events: 0, message: `it went on for ${LIMIT_MS} ms` }), LIMIT_MS);
    worker.on('message', (message) => {
      clearTimeout(timer);
      resolve(message);
    });
    worker.on('error', reject);
    worker.postMessage({ folder, eventsMax: EVENTS_MAX });
  });
  await worker.terminate();
  rmSync(folder, { recursive: true, force: true });
  return result;
}
