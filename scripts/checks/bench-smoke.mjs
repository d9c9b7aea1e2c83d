/** Runs every benchmark once at its smallest size: for correctness only, the figures mean nothing. */
import { spawnSync } from 'node:child_process';

const bench = (args, options) =>
  spawnSync('npm', ['run', '--silent', 'bench', '--', ...args], { encoding: 'utf8', ...options });

const list = bench([]);
const names = [...list.stdout.matchAll(/^ {2}([a-z][a-z0-9-]*) +\S/gm)].map(([, name]) => name);
const suites = names.filter((name) => name !== 'gate');
if (suites.length === 0) {
  console.error(`The list of benchmarks could not be read:\n${list.stdout}${list.stderr}`);
  process.exit(1);
}
console.log(`Smoke run of ${suites.join(', ')}.`);
process.exitCode = bench([...suites, '--smoke'], { stdio: 'inherit' }).status ?? 1;
