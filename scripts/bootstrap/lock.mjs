// One set-up at a time per clone: two `npm ci` in one folder destroy each other's work.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inRoot } from './workspace.mjs';

const folder = inRoot('.agentyard', 'setup.lock');
const RETRY_MS = 200;

/** Waits until no other process sets up this clone. @returns what gives the lock back */
export async function lockSetup(say) {
  mkdirSync(inRoot('.agentyard'), { recursive: true });
  for (let told = false; ; ) {
    try {
      mkdirSync(folder);
      writeFileSync(join(folder, 'pid'), String(process.pid));
      const release = () => rmSync(folder, { recursive: true, force: true });
      process.once('exit', release);
      return () => {
        process.off('exit', release);
        release();
      };
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = readHolder();
    if (holder !== undefined && !isAlive(holder)) {
      rmSync(folder, { recursive: true, force: true });
      continue;
    }
    if (!told) say(`waiting for another set-up of this folder${holder === undefined ? '' : ` (process ${holder})`}`);
    told = true;
    await sleep(RETRY_MS);
  }
}

/** Undefined while the other has made the folder and not yet written its number. */
function readHolder() {
  try {
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
