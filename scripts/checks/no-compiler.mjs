// Sets up a clone where no compiler is on PATH, and one where the compiler fails: both must say so, and run the TypeScript core.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, copyRepository, expect, run } from './support/workplace.mjs';

await check('no-compiler', (folder) => {
  const tree = copyRepository(join(folder, 'tree'));
  const bare = join(folder, 'bin');
  mkdirSync(bare);
  symlinkSync(process.execPath, join(bare, 'node'));
  const setUp = (path) =>
    run(process.execPath, ['scripts/bootstrap.mjs', 'setup'], {
      cwd: tree,
      path,
      both: true,
      env: { CXX: '', AGENTYARD_ENGINE: 'cpu' },
    });

  const without = setUp(bare);
  expect(without.includes('no C++ compiler on PATH'), `the set-up must name what is missing; it said\n${without}`);
  expect(without.includes('the TypeScript core runs'), `the set-up must say what runs instead; it said\n${without}`);
  checkCore(tree, 'typescript');
  checkHeap(tree);

  // A compiler that fails, with the real cmake: what it said last must be shown.
  const broken = join(folder, 'broken');
  mkdirSync(broken);
  for (const name of ['c++', 'g++', 'clang++']) {
    writeFileSync(join(broken, name), '#!/bin/sh\necho "this compiler is broken" >&2\nexit 1\n', { mode: 0o755 });
  }
  const failing = setUp(`${broken}:${process.env.PATH}`);
  expect(
    /the build with \S+ failed; the TypeScript core runs/.test(failing),
    `a failed build must be told:\n${failing}`,
  );
  expect(failing.includes('this compiler is broken'), `the compiler's last lines must be shown:\n${failing}`);
  checkCore(tree, 'typescript');

  // With a working compiler the same clone gets its addon after all.
  setUp(process.env.PATH);
  checkCore(tree, 'native');
});

function checkCore(tree, wanted) {
  const script = `import { nativeStatus } from './dist/index.js'; console.log(JSON.stringify(nativeStatus()));`;
  const status = JSON.parse(run(process.execPath, ['--input-type=module', '-e', script], { cwd: tree, quiet: true }));
  console.log(`  core: ${status.core} (${status.reason})`);
  expect(status.core === wanted, `expected the ${wanted} core, got ${status.core}: ${status.reason}`);
}

function checkHeap(tree) {
  const script = `import { createPriorityHeap } from './dist/heap/index.js';
    const heap = createPriorityHeap({ capacity: 2 }); heap.push(1, 1); heap.push(2, 2); console.log(heap.pop());`;
  const value = run(process.execPath, ['--input-type=module', '-e', script], { cwd: tree, quiet: true }).trim();
  expect(value === '2', `the TypeScript heap popped ${value}, expected 2`);
}
