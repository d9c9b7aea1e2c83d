// What the checks share: a copy of the repository to work in, other versions of Node, and programs that must succeed.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** A check that does not hold; the message says what was expected. */
export class CheckError extends Error {}

export function expect(condition, message) {
  if (!condition) throw new CheckError(message);
}

/** Runs the body in a fresh temporary folder that is removed afterwards; a failed expectation ends the process with code 1. */
export async function check(name, body) {
  const folder = mkdtempSync(join(tmpdir(), `agentyard-${name}-`));
  try {
    await body(folder);
    console.log(`${name}: ok`);
  } catch (error) {
    console.error(`${name}: FAILED: ${error instanceof CheckError ? error.message : error.stack}`);
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Copies what git would track (so no build output) and links node_modules; the set-up refuses to install through that link. */
export function copyRepository(target) {
  mkdirSync(target, { recursive: true });
  const list = run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root, quiet: true });
  for (const name of list.split('\0').filter((path) => path !== '' && existsSync(join(root, path)))) {
    cpSync(join(root, name), join(target, name));
  }
  symlinkSync(join(root, 'node_modules'), join(target, 'node_modules'));
  return target;
}

/**
 * Runs a program and returns what it wrote to standard output (and standard error with `both`).
 * @throws CheckError with its last lines when it fails
 */
export function run(command, args, { cwd = root, env = {}, path, quiet = false, both = false } = {}) {
  const begin = performance.now();
  const PATH = path ?? process.env.PATH;
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 27,
    env: { ...process.env, ...env, PATH },
  });
  const text = `${command.split('/').at(-1)} ${args.join(' ')}`;
  if (status !== 0) {
    const output = `${stdout ?? ''}${stderr ?? ''}`.trimEnd().split('\n').slice(-25).join('\n');
    throw new CheckError(`${text} ended with ${error?.message ?? signal ?? `code ${status}`}\n${output}`);
  }
  if (!quiet) console.log(`  ${text.slice(0, 110)} (${((performance.now() - begin) / 1000).toFixed(1)} s)`);
  return both ? stdout + stderr : stdout;
}

/**
 * The versions of Node to check with: the running one, and the newest of each other major, installed from the registry into `folder`.
 * @returns {{version: string, home: string, node: string, path: string}[]} `home` holds bin/ and include/
 */
export function nodes(folder, majors) {
  const running = { version: process.versions.node, home: dirname(dirname(process.execPath)), node: process.execPath };
  const found = [running];
  for (const major of majors) {
    if (running.version.startsWith(`${major}.`)) continue;
    const home = join(folder, `node-${major}`);
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, 'package.json'), '{"private":true}\n');
    // The package for this platform has the whole of Node in it; "node" would fetch it by an install script.
    const name = `node-${process.platform}-${process.arch}`;
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${major}`], { cwd: home });
    const prefix = join(home, 'node_modules', name);
    const node = join(prefix, 'bin', 'node');
    found.push({ version: run(node, ['-p', 'process.versions.node'], { quiet: true }).trim(), home: prefix, node });
  }
  return found.map((entry) => ({ ...entry, path: dirname(entry.node) + delimiter + process.env.PATH }));
}
