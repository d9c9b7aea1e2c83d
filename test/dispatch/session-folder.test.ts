import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DEFAULT_SAVED_BYTES,
  makeSessionFolder,
  savedSessionPlace,
  sweepSessionFolders,
} from '../../lib/dispatch/engine/session-folder.js';

const TMPFS = 0x01021994;
const hasMemoryFiles = process.platform === 'linux' && existsSync('/dev/shm') && statfsSync('/dev/shm').type === TMPFS;
if (!hasMemoryFiles) console.log('There is no memory file system here: its choice as the default place is not tested.');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'agentyard-folders-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A process id that was in use and is not. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

describe('the folder of an engine', () => {
  it('is new each time, carries its owner, and is closed to others', () => {
    const [one, two] = [makeSessionFolder(root)!, makeSessionFolder(root)!];
    expect(one).not.toBe(two);
    expect(basename(one)).toMatch(new RegExp(`^agentyard-sessions-${process.pid}-`));
    if (process.platform !== 'win32') expect(statSync(one).mode & 0o777).toBe(0o700);
    expect(makeSessionFolder(join(root, 'missing'))).toBeUndefined();
  });

  it('is swept once its owner is gone, and nothing else is', async () => {
    const make = (name: string) => {
      const path = join(root, name);
      mkdirSync(path);
      writeFileSync(join(path, '1'), 'state');
      return path;
    };
    const left = make(`agentyard-sessions-${deadPid()}-abc`);
    const others = [
      make(`agentyard-sessions-${process.pid}-abc`),
      make('agentyard-sessions-none'),
      make(`other-${deadPid()}-abc`),
    ];
    await sweepSessionFolders(root);
    expect(existsSync(left)).toBe(process.platform === 'win32');
    for (const path of others) expect(existsSync(join(path, '1'))).toBe(true);
    await sweepSessionFolders(join(root, 'missing'));
  });
});

describe('the place', () => {
  it('is none where saving is off', () => {
    expect(savedSessionPlace(0, 1e12)).toBeUndefined();
  });

  it('is the temporary folder for more than fits into memory files', () => {
    expect(savedSessionPlace(1e18, 1e12)).toMatchObject({ root: tmpdir(), bytesMax: 1e18 });
  });

  it.skipIf(!hasMemoryFiles)('is memory by default, within an eighth of what is free', () => {
    expect(savedSessionPlace(undefined, 800)).toEqual({ root: '/dev/shm', bytesMax: 100, isMemory: true });
    expect(savedSessionPlace(undefined, 1e15)!.bytesMax).toBeLessThanOrEqual(DEFAULT_SAVED_BYTES);
    expect(savedSessionPlace(undefined, undefined)).toBeUndefined();
    expect(savedSessionPlace(4_096, undefined)).toEqual({ root: '/dev/shm', bytesMax: 4_096, isMemory: true });
  });
});
