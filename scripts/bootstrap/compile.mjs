// Step 4: TypeScript to JavaScript: lib/ to dist/, and bench/ to .agentyard/bench/ for the benchmarks.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { hashOf, inRoot, lastLines, readRecord, root, run, StepError, writeRecord } from './workspace.mjs';

/** What a compilation reads and writes; `entry` must exist for it to count as done. */
const library = {
  name: 'compile',
  project: 'tsconfig.build.json',
  sources: ['lib'],
  outputOf: (source) => join('dist', relative('lib', source)),
  entry: 'dist/index.js',
};
const benchmarks = {
  name: 'compile bench',
  project: 'tsconfig.bench.json',
  // The benchmarks take their types from the library's sources.
  sources: ['bench', 'lib'],
  outputOf: (source) => join('.agentyard', 'bench', source),
  entry: '.agentyard/bench/bench/main.js',
};

export const compileLibrary = stepOf(library);
export const compileBenchmarks = stepOf(benchmarks);

function stepOf(task) {
  return {
    name: task.name,

    needed() {
      const record = readRecord()[task.name];
      if (statSync(inRoot(task.entry), { throwIfNoEntry: false }) === undefined) return `${task.entry} is missing`;
      return record?.key === keyOf(task, listSources(task)) ? undefined : 'sources changed';
    },

    async run() {
      const sources = listSources(task);
      const key = keyOf(task, sources);
      removeStale(task, sources);
      const compiler = inRoot('node_modules', 'typescript', 'bin', 'tsc');
      const { code, output } = await run(process.execPath, [compiler, '-p', task.project]);
      if (code !== 0) throw new StepError(`tsc -p ${task.project} failed`, lastLines(output, 40));
      writeRecord(task.name, { key, sources });
      return task.project;
    },
  };
}

/** Paths of the TypeScript files, relative to the root. */
function listSources({ sources }) {
  return sources
    .flatMap((folder) =>
      readdirSync(inRoot(folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    )
    .filter((path) => path.endsWith('.ts'))
    .sort();
}

/** Size and time of each source; contents would take longer to read than the compiler's own check. */
function keyOf({ project }, sources) {
  const stamps = sources.map((path) => {
    const { size, mtimeMs } = statSync(inRoot(path));
    return `${path} ${size} ${mtimeMs}`;
  });
  const settings = ['tsconfig.json', project, 'package-lock.json'].map((path) => readFileSync(inRoot(path)));
  return hashOf(...stamps, ...settings);
}

/** The compiler never deletes: without this, the output of a deleted source would live on, and be packed. */
function removeStale(task, sources) {
  const now = new Set(sources);
  for (const source of readRecord()[task.name]?.sources ?? []) {
    if (now.has(source)) continue;
    const stem = task.outputOf(source).replace(/\.ts$/, '');
    for (const suffix of ['.js', '.d.ts']) rmSync(join(root, stem + suffix), { force: true });
  }
}
