// Step 1: node_modules as package-lock.json says.
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { hashOf, inRoot, lastLines, readJson, runNpm, StepError, writeJson } from './workspace.mjs';

// Inside node_modules, so that it goes when node_modules goes.
const recordFile = inRoot('node_modules', '.agentyard.json');

export const dependencies = {
  name: 'dependencies',

  needed() {
    if (!existsSync(inRoot('node_modules'))) return 'node_modules is missing';
    const lockHash = hashOfLock();
    if (readJson(recordFile)?.lockHash === lockHash) return undefined;
    if (installedMatchesLock()) {
      writeJson(recordFile, { lockHash });
      return undefined;
    }
    return 'package-lock.json has changed';
  },

  async run() {
    // npm would empty the folder that the link points to, which belongs to somebody else.
    if (lstatSync(inRoot('node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw new StepError(
        'node_modules is a link to a folder that does not match package-lock.json: install there, or remove the link',
      );
    }
    // No install script of a dependency runs: none is needed, and npm is about to refuse them by default.
    // --include=dev: with NODE_ENV=production npm would leave out the compiler that the next steps need.
    const { code, output } = await runNpm(['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund']);
    if (code !== 0) {
      throw new StepError('npm ci failed. Is an npm registry in reach?', lastLines(output, 15));
    }
    writeJson(recordFile, { lockHash: hashOfLock() });
    return 'npm ci';
  },
};

function hashOfLock() {
  return hashOf(readFileSync(inRoot('package-lock.json')));
}

/** Did somebody else install exactly this lock file? npm leaves a lock file of what it installed in node_modules. */
function installedMatchesLock() {
  const installed = readJson(inRoot('node_modules', '.package-lock.json'))?.packages;
  const wanted = readJson(inRoot('package-lock.json'))?.packages;
  if (installed === undefined || wanted === undefined) return false;
  for (const [path, { version, integrity, optional }] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    if (found === undefined ? !optional : found.version !== version || found.integrity !== integrity) return false;
  }
  return Object.keys(installed).every((path) => path in wanted);
}
