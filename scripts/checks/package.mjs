// Packs the package, installs it into an empty project as a user would, and uses it there by import and by require, on every supported
// major version of Node. Installing must run no script and compile nothing.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { check, copyRepository, expect, nodes, run } from './support/workplace.mjs';

const MAJORS = [20, 22, 24];
/** Of one prebuilt binary, stripped. */
const BINARY_BYTES_MAX = 100 * 1024;
/** That of node-llama-cpp's own binaries. */
const GLIBC_MAX = [2, 34];

/** The compiled heap must run, a yard and a queue must do their work, in both module systems. */
const USE = `
  const heap = createPriorityHeap({ capacity: 4, core: 'native' });
  heap.push(1, 10); heap.push(2, 20);
  if (heap.pop() !== 20) throw new Error('the heap is wrong');
  const queues = [new Yard({ concurrency: 1 }), new PQueue({ concurrency: 1 })];
  Promise.all(queues.map((queue) => queue.add(() => 7))).then((answers) => {
    if (answers.join() !== '7,7') throw new Error('a queue is wrong');
    console.log(nativeStatus().core);
  });`;
const USES = {
  import: [
    '--input-type=module',
    '-e',
    `import { Yard, nativeStatus } from 'agentyard'; import { createPriorityHeap } from 'agentyard/heap'; import PQueue from 'agentyard/p-queue';${USE}`,
  ],
  // The flag ends the warning of the versions in which this is still called experimental.
  require: [
    '--disable-warning=ExperimentalWarning',
    '-e',
    `const { Yard, nativeStatus } = require('agentyard'); const { createPriorityHeap } = require('agentyard/heap'); const { default: PQueue } = require('agentyard/p-queue');${USE}`,
  ],
};

await check('package', (folder) => {
  const tree = copyRepository(join(folder, 'tree'));
  run('npm', ['run', 'compile'], { cwd: tree });
  run(process.execPath, ['scripts/prebuild.mjs'], { cwd: tree });
  for (const file of prebuilds(tree)) checkBinary(file);
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: tree }));
  checkContents(packed, tree);

  const project = join(folder, 'project');
  install(project, join(folder, packed.filename), folder);
  const installed = join(project, 'node_modules', 'agentyard');
  expect(!existsSync(join(installed, 'build')), 'installing must not build anything');
  for (const { version, node } of nodes(folder, MAJORS)) {
    for (const [how, args] of Object.entries(USES)) {
      console.log(`  ${how} on Node ${version}: ${run(node, args, { cwd: project, quiet: true }).trim()}`);
    }
    const cli = run(node, [join(installed, 'dist', 'cli', 'main.js'), '--version'], { quiet: true }).trim();
    expect(cli === packed.version, `agentyard --version says ${cli}, the package is ${packed.version}`);
  }
});

function prebuilds(tree) {
  const files = readdirSync(join(tree, 'prebuilds'), { recursive: true, encoding: 'utf8' });
  return files.filter((name) => name.endsWith('.node')).map((name) => join(tree, 'prebuilds', name));
}

function checkBinary(file) {
  const { size } = statSync(file);
  console.log(`  ${file.split('/').slice(-3).join('/')}: ${size} bytes`);
  expect(size <= BINARY_BYTES_MAX, `${file} has ${size} bytes; at most ${BINARY_BYTES_MAX} are meant to be`);
  if (process.platform !== 'linux') return;
  // Version names are plain text in the file: no tool is needed to find them.
  for (const [, major, minor] of readFileSync(file, 'latin1').matchAll(/GLIBC_(\d+)\.(\d+)/g)) {
    expect(
      Number(major) < GLIBC_MAX[0] || Number(minor) <= GLIBC_MAX[1],
      `${file} needs glibc ${major}.${minor}; at most ${GLIBC_MAX.join('.')} is meant to be needed`,
    );
  }
  const libraries = run('ldd', [file], { quiet: true });
  expect(!/cuda|nvidia|vulkan|libhip|libze_/.test(libraries), `${file} is linked to a GPU library:\n${libraries}`);
}

function checkContents({ files, filename, size, unpackedSize }, tree) {
  const names = files.map(({ path }) => path);
  console.log(`  ${filename}: ${names.length} files, ${size} bytes packed, ${unpackedSize} unpacked`);
  const manifest = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8'));
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) {
    expect(manifest.scripts[script] === undefined, `package.json must have no ${script} script`);
  }
  expect(manifest.gypfile === false, 'without "gypfile": false npm compiles binding.gyp on every install');
  for (const wanted of ['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'LICENSE', 'README.md']) {
    expect(names.includes(wanted), `${wanted} is missing in the package`);
  }
  const platform = `prebuilds/${process.platform}-${process.arch}/`;
  expect(
    names.some((name) => name.startsWith(platform) && name.endsWith('.node')),
    `no addon below ${platform}`,
  );
  const stray = names.filter((name) => /\.tsbuildinfo$|^(lib|test|bench|build|node_modules)\//.test(name));
  expect(stray.length === 0, `the package must not carry ${stray.join(', ')}`);
}

/** Installs with compilers on PATH that only leave a mark: proof that none was called. */
function install(project, tarball, folder) {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"name":"project","private":true}\n');
  const traps = join(folder, 'traps');
  const mark = join(folder, 'compiled');
  mkdirSync(traps);
  for (const name of ['cc', 'c++', 'gcc', 'g++', 'make', 'cmake', 'python3']) {
    writeFileSync(join(traps, name), `#!/bin/sh\necho ${name} >> '${mark}'\nexit 1\n`, { mode: 0o755 });
  }
  // Its own scripts may run here, if it had any; foreground shows their names.
  run('npm', ['install', '--foreground-scripts', '--no-audit', '--no-fund', tarball], {
    cwd: project,
    path: traps + delimiter + process.env.PATH,
  });
  expect(!existsSync(mark), `installing called ${existsSync(mark) ? readFileSync(mark, 'utf8') : ''}`);
}
