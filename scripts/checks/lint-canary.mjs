/** Proves that the linter still flags a promise that nobody waits for: a rule that went silent would guard nothing. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';

const folder = '.agentyard/lint-canary';
const file = `${folder}/canary.ts`;
mkdirSync(folder, { recursive: true });
writeFileSync(file, 'async function work(): Promise<void> {}\nexport function lose(): void {\n  work();\n}\n');
try {
  const { status, stdout, stderr } = spawnSync(
    'npx',
    ['biome', 'lint', '--vcs-enabled=false', '--only=nursery/noFloatingPromises', file],
    { encoding: 'utf8' },
  );
  if (status === 0 || !`${stdout}${stderr}`.includes('noFloatingPromises')) {
    console.error(`The linter let a lost promise pass:\n${stdout}${stderr}`);
    process.exitCode = 1;
  } else {
    console.log('A lost promise is flagged.');
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
