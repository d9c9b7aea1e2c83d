/** Runs every file in examples/ as a user would, and fails when one fails, hangs, or prints nothing. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const TIMEOUT_MS = 60_000;
let failures = 0;
for (const name of readdirSync('examples').filter((file) => /\.[cm]?js$/.test(file))) {
  const begin = performance.now();
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [`examples/${name}`], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  const seconds = ((performance.now() - begin) / 1_000).toFixed(1);
  const isGood = status === 0 && stdout.trim() !== '';
  console.log(
    `--- examples/${name}: ${isGood ? 'ok' : `FAILED (${signal ?? status})`} in ${seconds} s\n${stdout.trim()}`,
  );
  if (!isGood) {
    console.error(stderr);
    failures++;
  }
}
process.exitCode = failures === 0 ? 0 : 1;
