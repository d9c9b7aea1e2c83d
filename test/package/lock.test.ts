/** The set-up's lock, between processes and at the single steps that a race is decided by. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const LOCK = new URL('../../scripts/bootstrap/lock.mjs', import.meta.url).href;
const { inherit, lockSetup, readHolder, take } = (await import(LOCK)) as {
  lockSetup(say: (text: string) => void, folder: string): Promise<() => void>;
  readHolder(folder: string): string | undefined;
  take(folder: string, name: string): boolean;
  inherit(folder: string, deadHolder: string, name: string): boolean;
};

/** Takes the lock, writes down that it is in and that it is out again, and gives the lock back. */
const CONTENDER = `
  import { appendFileSync } from 'node:fs';
  const { lockSetup } = await import(${JSON.stringify(LOCK)});
  const [folder, journal] = process.argv.slice(1);
  console.log('ready');
  process.stdin.once('data', async () => {
    const unlock = await lockSetup(() => {}, folder);
    appendFileSync(journal, 'in ' + process.pid + '\\n');
    // Others get their chance to break in.
    for (let turn = 0; turn < 200; turn++) await new Promise((go) => setImmediate(go));
    appendFileSync(journal, 'out ' + process.pid + '\\n');
    unlock();
    process.exit();
  });`;

const HOLDER = `
  const { lockSetup } = await import(${JSON.stringify(LOCK)});
  await lockSetup(() => {}, process.argv[1]);
  console.log('holds');
  setInterval(() => {}, 1000);`;

let directory: string;
let folder: string;
const started: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'agentyard-lock-'));
  folder = join(directory, 'setup.lock');
});

afterEach(() => {
  for (const child of started.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

/** Starts a process and resolves when it has said its first line. */
async function start(source: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', source, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  started.push(child);
  await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next();
  return child;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}

/** The lock of a process that was killed while it held it. @returns its holder's name */
async function abandonedLock(): Promise<string> {
  const child = await start(HOLDER, folder);
  child.kill('SIGKILL');
  await ended(child);
  return readHolder(folder)!;
}

describe('the lock', () => {
  it('is free again after it was given back, and leaves nothing behind', async () => {
    const silent = () => expect.unreachable('nobody else holds it');
    (await lockSetup(silent, folder))();
    expect(readdirSync(directory)).toEqual([]);
    (await lockSetup(silent, folder))();
  });

  it('names the process that is waited for', async () => {
    const unlock = await lockSetup(() => undefined, folder);
    let next: Promise<() => void> | undefined;
    const text = await new Promise<string>((resolve) => {
      next = lockSetup(resolve, folder);
    });
    expect(text).toContain(`process ${process.pid}`);
    unlock();
    (await next!)();
  });

  it('is inherited from a holder that was killed', async () => {
    const dead = await abandonedLock();
    const unlock = await lockSetup(() => expect.unreachable('the holder is dead'), folder);
    expect(readHolder(folder)).not.toBe(dead);
    unlock();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is held by one at a time when many find a dead holder at once', async () => {
    await abandonedLock();
    const journal = join(directory, 'journal');
    const contenders = await Promise.all(Array.from({ length: 6 }, () => start(CONTENDER, folder, journal)));
    for (const contender of contenders) contender.stdin!.write('go\n');
    await Promise.all(contenders.map(ended));
    const lines = readFileSync(journal, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(12);
    for (let i = 0; i < lines.length; i += 2) expect(lines[i + 1]).toBe(lines[i]!.replace('in', 'out'));
  });

  it.each([
    ['an empty folder, of a holder killed while it gave back', () => mkdirSync(folder)],
    [
      'the file of an earlier version',
      () => {
        mkdirSync(folder);
        writeFileSync(join(folder, 'pid'), '');
      },
    ],
  ])('is not held by %s', async (_what, leave) => {
    leave();
    (await lockSetup(() => expect.unreachable('nobody holds it'), folder))();
  });
});

describe('of two that saw the same', () => {
  it('dead holder, the second does not take the lock from the first', async () => {
    const dead = await abandonedLock();
    expect(inherit(folder, dead, '1-first')).toBe(true);
    expect(inherit(folder, dead, '1-second')).toBe(false);
    expect(readdirSync(folder)).toEqual(['1-first']);
  });

  it('free lock, one takes it', () => {
    expect(take(folder, '1-first')).toBe(true);
    expect(take(folder, '1-second')).toBe(false);
    expect(readdirSync(directory)).toEqual(['setup.lock']);
    expect(readdirSync(folder)).toEqual(['1-first']);
  });
});
