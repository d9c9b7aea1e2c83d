// One set-up at a time per clone: two `npm ci` in one folder destroy each other's work.
//
// The lock is a folder with one file, whose name is the holder's: its process number and a word that no other holder has. Each change is
// one step of the file system that exactly one of several processes can do:
// - taking a free lock: a folder with the file inside is moved to the lock's place, which works only where nothing or an empty folder is;
// - inheriting from a holder that has died: its file is renamed to one's own, which works for the first only, and never hits a newer one;
// - giving back: one's own file is removed, then the folder, which works only while it is empty.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inRoot } from './workspace.mjs';

const RETRY_MS = 200;

/**
 * Waits until no other process sets up this clone.
 * @param {(text: string) => void} say told once, when it has to wait
 * @returns what gives the lock back; the end of this process does as well
 */
export async function lockSetup(say, folder = inRoot('.agentyard', 'setup.lock')) {
  mkdirSync(dirname(folder), { recursive: true });
  const name = `${process.pid}-${randomUUID()}`;
  for (let told = false; ; ) {
    const holder = readHolder(folder);
    const pid = Number.parseInt(holder, 10);
    if (holder === undefined) {
      if (take(folder, name)) break;
    } else if (!isAlive(pid)) {
      if (inherit(folder, holder, name)) break;
    } else if (!told) {
      say(`waiting for another set-up of this folder (process ${pid})`);
      told = true;
    }
    await sleep(RETRY_MS);
  }
  const release = () => giveBack(folder, name);
  process.once('exit', release);
  return () => {
    process.off('exit', release);
    release();
  };
}

/** The name of the holder's file; undefined when the lock is free. */
export function readHolder(folder) {
  try {
    const names = readdirSync(folder);
    // Others are strays: left by an earlier version of this file, or by a file manager.
    return names.find((name) => /^\d+-/.test(name)) ?? names[0];
  } catch (error) {
    // Denied: Windows is about to remove it.
    if (error.code === 'ENOENT' || isOccupied(error)) return undefined;
    throw error;
  }
}

/** Takes a free lock. @returns false when it is not free any more */
export function take(folder, name) {
  const aside = `${folder}.${name}`;
  mkdirSync(aside);
  writeFileSync(join(aside, name), '');
  try {
    // An empty one was left by a holder that died while it gave the lock back. Windows moves nothing onto it.
    removeEmpty(folder);
    renameSync(aside, folder);
    return true;
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (isOccupied(error)) return false;
    throw error;
  }
}

/** Takes the place of a holder that has died. @returns false when another was faster */
export function inherit(folder, deadHolder, name) {
  try {
    renameSync(join(folder, deadHolder), join(folder, name));
    return true;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

function giveBack(folder, name) {
  rmSync(join(folder, name), { force: true });
  removeEmpty(folder);
}

/** Removes the folder if it is empty: of one that is not, the file system refuses the removal. */
function removeEmpty(folder) {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (error.code !== 'ENOENT' && !isOccupied(error)) throw error;
  }
}

/** Windows says of a folder in the way that access is denied; that the place may be written to is known from the folder beside it. */
function isOccupied({ code }) {
  return (
    code === 'ENOTEMPTY' || code === 'EEXIST' || (process.platform === 'win32' && /^(EPERM|EACCES|EBUSY)$/.test(code))
  );
}

function isAlive(pid) {
  // A stray's name holds no number.
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
