// Step 3: the C++ addon, where a compiler is at hand. Without one the TypeScript core does the same work.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findOnPath, hashOf, inRoot, lastLines, readRecord, run, StepError, writeRecord } from './workspace.mjs';

const built = inRoot('build', 'Release', 'agentyard.node');
/** The folder that Node was installed into; its headers lie there when the installation has any. */
const nodeFolder = dirname(dirname(process.execPath));

export const addon = {
  name: 'addon',
  optional: true,

  needed({ again }) {
    const record = readRecord().addon;
    if (record?.key === keyOf(planBuild())) {
      if (record.reason !== undefined) return again ? 'trying again' : { skipped: record.reason };
      if (existsSync(built)) return undefined;
    }
    return 'native sources changed, or never built';
  },

  async run() {
    const plan = planBuild();
    const key = keyOf(plan);
    try {
      await build(plan);
      writeRecord('addon', { key });
      return `built with ${plan.tool}`;
    } catch (error) {
      const reason = `${error.message}; the TypeScript core runs`;
      writeRecord('addon', { key, reason });
      throw new StepError(reason, error.output);
    }
  },
};

/** Which tool can build here, or what is missing. */
function planBuild() {
  const cmake = findOnPath('cmake') !== undefined;
  // CXX may be a path, and may carry flags. On Windows compilers are not on PATH; CMake finds Visual Studio itself.
  const compilers = [process.env.CXX?.split(' ')[0], 'c++', 'g++', 'clang++'].filter((name) => name);
  const hasCompiler = compilers.some((name) =>
    name.includes('/') ? existsSync(name) : findOnPath(name) !== undefined,
  );
  if (!hasCompiler && !(process.platform === 'win32' && cmake)) {
    return { missing: 'no C++ compiler on PATH (looked for c++, g++ and clang++)' };
  }
  const make = findOnPath('make') !== undefined;
  if (cmake && (make || findOnPath('ninja') !== undefined || process.platform === 'win32')) return { tool: 'cmake-js' };
  if (!make || findOnPath('python3') === undefined) {
    return { missing: 'a C++ compiler, but neither cmake nor python3 together with make, on PATH' };
  }
  if (!existsSync(join(nodeFolder, 'include', 'node', 'node_api.h'))) {
    return { missing: `no Node headers in ${nodeFolder}/include/node, and no cmake, which would need none` };
  }
  return { tool: 'node-gyp' };
}

/** Changes with whatever could make a build turn out differently: the sources, the tool, the platform. */
function keyOf(plan) {
  const files = readdirSync(inRoot('native'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  files.push(inRoot('CMakeLists.txt'), inRoot('binding.gyp'));
  return hashOf(
    JSON.stringify([plan, process.platform, process.arch]),
    ...files.sort().map((file) => readFileSync(file)),
  );
}

async function build({ tool, missing }) {
  if (missing !== undefined) throw new StepError(missing);
  // What is there was built from other sources.
  rmSync(inRoot('build'), { recursive: true, force: true });
  const [script, ...args] =
    tool === 'cmake-js'
      ? // Its headers come with the npm package node-api-headers: nothing is downloaded.
        [inRoot('node_modules', 'cmake-js', 'bin', 'cmake-js'), 'compile']
      : [inRoot('node_modules', 'node-gyp', 'bin', 'node-gyp.js'), 'rebuild', `--nodedir=${nodeFolder}`];
  const result = await run(process.execPath, [script, ...args]);
  if (result.code !== 0) throw new StepError(`the build with ${tool} failed`, lastLines(result.output, 25));
  // Loaded in a process of its own: a binary that crashes must not end the set-up.
  const load = await run(process.execPath, ['-e', 'require(process.argv[1])', built]);
  if (load.code !== 0) {
    rmSync(built, { force: true });
    throw new StepError('what was built does not load', lastLines(load.output, 6));
  }
}
