/**
 * Where an engine keeps saved sessions: a folder that only this user can read, named after the process that owns it.
 *
 * In memory where there is a memory file system: saving to a disk stalls whenever the system writes back, and conversations do not
 * belong on one unless somebody asks for it. The folder goes with its engine; what a crash of everything leaves is removed at the next start.
 */
import { mkdtempSync, statfsSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What engines get by default: 16 conversations of 700 tokens of SmolLM2, which takes 23 kB for one. */
export const DEFAULT_SAVED_BYTES = 256 * 2 ** 20;
/** By default no more than this part of the memory that is free, and of the file system's room. */
const FREE_SHARE = 1 / 8;
const ROOM_SHARE = 1 / 2;
const MEMORY_FOLDER = '/dev/shm';
/** Type number of tmpfs in Linux' `statfs`. */
const TMPFS = 0x01021994;
const PREFIX = 'agentyard-sessions-';

/** Where sessions are saved, and how much. */
export interface SavedSessionPlace {
  /** An engine's folder is made in here. */
  root: string;
  bytesMax: number;
  /** What lies there is host memory. */
  isMemory: boolean;
}

/**
 * @param bytes - as configured; undefined chooses: up to 256 MiB, an eighth of the free memory and half of the memory file system; none
 * where there is no such file system
 * @param freeBytes - free host memory; undefined is unknown
 * @returns undefined for none
 */
export function savedSessionPlace(
  bytes: number | undefined,
  freeBytes: number | undefined,
): SavedSessionPlace | undefined {
  if (bytes === 0) return undefined;
  const roomBytes = memoryRoomBytes();
  if (bytes === undefined) {
    const bytesMax = Math.floor(Math.min(DEFAULT_SAVED_BYTES, (freeBytes ?? 0) * FREE_SHARE, roomBytes * ROOM_SHARE));
    return bytesMax > 0 ? { root: MEMORY_FOLDER, bytesMax, isMemory: true } : undefined;
  }
  if (bytes <= roomBytes) return { root: MEMORY_FOLDER, bytesMax: bytes, isMemory: true };
  const root = tmpdir();
  return { root, bytesMax: bytes, isMemory: isTmpfs(root) };
}

/** @returns the new folder; undefined where none can be made */
export function makeSessionFolder(root: string): string | undefined {
  try {
    return mkdtempSync(join(root, `${PREFIX}${process.pid}-`));
  } catch {
    return undefined;
  }
}

/** Removes what processes of this user left behind that are gone. A folder taken by mistake costs its engine time and nothing else. */
export async function sweepSessionFolders(root: string): Promise<void> {
  const names = await readdir(root).catch(() => []);
  for (const name of names) {
    const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
    if (!(pid > 0) || isAlive(pid)) continue;
    const folder = join(root, name);
    const found = await lstat(folder).catch(() => undefined);
    if (found?.isDirectory() !== true || found.uid !== process.getuid?.()) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** 0 where there is no memory file system. */
function memoryRoomBytes(): number {
  if (!isTmpfs(MEMORY_FOLDER)) return 0;
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
  return bavail * bsize;
}

function isTmpfs(path: string): boolean {
  try {
    return process.platform === 'linux' && statfsSync(path).type === TMPFS;
  } catch {
    return false;
  }
}
