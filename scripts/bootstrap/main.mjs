// The set-up's order, what it tells, and the jobs.
import { addon } from './addon.mjs';
import { compileBenchmarks, compileLibrary } from './compile.mjs';
import { dependencies } from './dependencies.mjs';
import { engine } from './engine.mjs';
import { lockSetup } from './lock.mjs';
import { runJob } from './run-job.mjs';
import { inRoot, root } from './workspace.mjs';

const STEPS = [dependencies, engine, addon, compileLibrary];

const JOBS = {
  start: { steps: STEPS, script: 'dist/cli/main.js', args: ['serve'] },
  test: { steps: STEPS, script: 'node_modules/vitest/vitest.mjs', args: ['run'] },
  bench: { steps: [...STEPS, compileBenchmarks], script: '.agentyard/bench/bench/main.js', args: [] },
  // The steps alone; what failed before is tried again.
  setup: { steps: STEPS, again: true },
};

/** Runs a job by name; `args` go to it. Sets the exit code. */
export async function main([name, ...args]) {
  const job = JOBS[name];
  if (job === undefined) {
    process.stderr.write(`usage: node scripts/bootstrap.mjs ${Object.keys(JOBS).join('|')} [arguments]\n`);
    process.exitCode = 2;
    return;
  }
  if (!(await setUp(job))) {
    process.exitCode = 1;
    return;
  }
  if (job.script === undefined) return;
  process.exitCode = await runJob(inRoot(job.script), [...job.args, ...args], root);
}

/**
 * A step has `name`, `optional` (its failure is told, and the rest goes on), `needed({again})`: undefined when it is done already,
 * `{skipped: reason}` when it cannot be done here, else why it is to be done; and `run()`, which resolves with how it was done.
 */
async function setUp({ steps, again = false }) {
  let unlock;
  try {
    for (const step of steps) {
      let need = step.needed({ again });
      if (need?.skipped !== undefined) {
        say(step, need.skipped);
        continue;
      }
      if (need === undefined) continue;
      if (unlock === undefined) {
        unlock = await lockSetup((text) => process.stderr.write(`${text}\n`));
        // Another set-up may just have done it.
        need = step.needed({ again });
        if (need === undefined || need.skipped !== undefined) continue;
      }
      if (!(await runStep(step, need))) return false;
    }
    return true;
  } finally {
    unlock?.();
  }
}

async function runStep(step, need) {
  const begin = performance.now();
  const seconds = () => `${((performance.now() - begin) / 1000).toFixed(1)} s`;
  // Without a terminal, where nobody sees a line grow, the start of a long step is still told.
  say(step, `${need} …`);
  try {
    say(step, `${await step.run()}, ${seconds()}`);
    return true;
  } catch (error) {
    if (error.output === undefined) throw error;
    say(step, `${error.message} (${seconds()})`);
    if (error.output !== '') process.stderr.write(`${error.output.replace(/^/gm, '    ')}\n`);
    return step.optional === true && !error.fatal;
  }
}

function say(step, text) {
  process.stderr.write(`set-up: ${step.name}: ${text}\n`);
}
