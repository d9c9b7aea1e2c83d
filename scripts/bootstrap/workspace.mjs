// What the steps of the set-up share: where things are, what was done before, and how to run a program.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A path inside the package. */
export const inRoot = (...names) => join(root, ...names);

/**
 * A step cannot be done; the message says what to do. `output` is what the failed program said last; `fatal` ends the set-up even
 * where the step is optional.
 */
export class StepError extends Error {
  constructor(message, output = '', { fatal = false } = {}) {
    super(message);
    this.output = output;
    this.fatal = fatal;
  }
}

const recordFile = inRoot('.agentyard', 'setup.json');

/** What earlier runs recorded, by step; {} when nothing or unreadable. */
export function readRecord() {
  return readJson(recordFile) ?? {};
}

/** Replaces one step's record. Written aside and renamed, so that a killed run leaves no half file. */
export function writeRecord(step, value) {
  writeJson(recordFile, { ...readRecord(), [step]: value });
}

/** The parsed file, or undefined when it is absent or no JSON. */
export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

export function writeJson(file, value) {
  mkdirSync(dirname(file), { recursive: true });
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(aside, file);
}

export function hashOf(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}

/** The path of a program, or undefined when it is not on PATH. */
export function findOnPath(name) {
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', ''] : [''];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const suffix of suffixes) {
      const file = join(folder, name + suffix);
      try {
        accessSync(file, constants.X_OK);
        if (statSync(file).isFile()) return file;
      } catch {
        // Not here; look on.
      }
    }
  }
  return undefined;
}

/**
 * Runs a program to its end and keeps the end of what it says.
 * @returns {Promise<{code: number | string, output: string}>} `code` is the exit code, or the name of the signal or error
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
      env: { ...process.env, ...options.env },
    });
    let output = '';
    const keep = (text) => {
      output = (output + text).slice(-20_000);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', (error) => resolve({ code: error.code ?? 'error', output: error.message }));
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

/** Runs npm in a folder; the npm that started this process, if one did. */
export function runNpm(args, folder = root) {
  // Inside `npm start` the variable names the npm that runs; it is a file for Node to run, on every system.
  const script = process.env.npm_execpath;
  const options = { cwd: folder };
  if (script?.endsWith('.js') && existsSync(script)) {
    return run(process.execPath, [script, ...args], options);
  }
  return run('npm', args, { ...options, shell: process.platform === 'win32' });
}

/** The end of what a program said, without empty lines. */
export function lastLines(text, count) {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-count).join('\n');
}
