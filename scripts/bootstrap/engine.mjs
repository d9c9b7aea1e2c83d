// Step 2: the one binary of node-llama-cpp that fits this machine.
//
// node-llama-cpp names all its binaries as optional dependencies: 715 MB on Linux x64 alone. package.json stubs them ("overrides")
// but the common one; where another fits, it is installed into a folder of its own and linked to where node-llama-cpp looks first.
// None of this concerns users of the published package, who install node-llama-cpp themselves.
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { BUNDLED, chooseEngine, thisHost } from './engine-choice.mjs';
import {
  hashOf,
  inRoot,
  lastLines,
  readJson,
  readRecord,
  runNpm,
  StepError,
  writeJson,
  writeRecord,
} from './workspace.mjs';

const SCOPE = '@node-llama-cpp';
const library = inRoot('node_modules', 'node-llama-cpp');
// Closer to the importing file than the stubs in node_modules/@node-llama-cpp, so Node finds these first.
const linkFolder = join(library, 'node_modules', SCOPE);
const installFolder = inRoot('.agentyard', 'engine');

export const engine = {
  name: 'engine',
  optional: true,

  needed({ again }) {
    const version = libraryVersion();
    if (version === undefined) return undefined; // not installed, so nothing to complete
    const choice = chooseEngine(thisHost());
    const key = keyOf(choice, version);
    const failed = readRecord().engine;
    if (!again && failed?.key === key) return { skipped: failed.reason };
    if (choice.error !== undefined) return choice.error;
    const packages = extraPackages(choice);
    const complete = packages.every((name) => readJson(join(linkFolder, name, 'package.json'))?.version === version);
    return complete && linked().length === packages.length ? undefined : choice.reason;
  },

  async run() {
    const version = libraryVersion();
    const choice = chooseEngine(thisHost());
    if (choice.invalid) throw new StepError(choice.error, '', { fatal: true });
    const key = keyOf(choice, version);
    try {
      if (choice.error !== undefined) throw new StepError(choice.error);
      const packages = extraPackages(choice);
      if (packages.length > 0) await install(packages, version);
      else rmSync(installFolder, { recursive: true, force: true });
      link(packages);
      writeRecord('engine', undefined);
      return `${choice.packages.join(', ')} (${choice.reason})`;
    } catch (error) {
      const reason = `${error.message}; local models ${existsSync(bundledFolder()) ? 'run on the CPU' : 'cannot run'}`;
      writeRecord('engine', { key, reason });
      throw new StepError(reason, error.output);
    }
  },
};

const keyOf = (choice, version) => hashOf(JSON.stringify(choice), String(version));
const bundledFolder = () => inRoot('node_modules', SCOPE, BUNDLED, 'bins');
const extraPackages = (choice) => choice.packages.filter((name) => name !== BUNDLED);

function libraryVersion() {
  return readJson(join(library, 'package.json'))?.version;
}

function linked() {
  return existsSync(linkFolder) ? readdirSync(linkFolder) : [];
}

/** Installs by a lock file of just these packages, so that npm checks them against the recorded hashes. */
async function install(names, version) {
  const { integrity } = readJson(inRoot('scripts', 'bootstrap', 'engines.json'));
  const dependencies = {};
  const packages = {};
  for (const name of names) {
    dependencies[`${SCOPE}/${name}`] = version;
    packages[`node_modules/${SCOPE}/${name}`] = { version, integrity: integrity[`${name}@${version}`] };
  }
  const manifest = { name: 'agentyard-engine', private: true, dependencies };
  writeJson(join(installFolder, 'package.json'), manifest);
  writeJson(join(installFolder, 'package-lock.json'), {
    name: manifest.name,
    lockfileVersion: 3,
    requires: true,
    packages: { '': { name: manifest.name, dependencies }, ...packages },
  });
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', installFolder];
  const { code, output } = await runNpm(args, installFolder);
  if (code !== 0) throw new StepError(`the engine ${names.join(', ')} could not be installed`, lastLines(output, 8));
}

function link(names) {
  for (const name of linked()) rmSync(join(linkFolder, name), { recursive: true });
  mkdirSync(linkFolder, { recursive: true });
  for (const name of names) {
    const target = join(installFolder, 'node_modules', SCOPE, name);
    const path = join(linkFolder, name);
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) rmSync(path, { recursive: true });
    // A junction needs no privilege on Windows, but an absolute target.
    if (process.platform === 'win32') symlinkSync(target, path, 'junction');
    else symlinkSync(relative(dirname(path), target), path);
  }
}
