/** The TypeScript twin of native/probe/host_memory.cc: same files, same rules; see host_memory.h for the formulas. */
import { readFileSync } from 'node:fs';
import type { CgroupMemory, CpuReading, MemoryReading } from '../base/index.js';
import { type CgroupLevel, cgroupLevels } from './host-cgroup.js';

/** Version 1 writes "no limit" as the largest multiple of the page size below 2^63; no machine has an exbibyte. */
const UNLIMITED_FROM_BYTES = 2 ** 60;

/** What the machine and the control groups above this process say about memory; unknown figures are absent. */
export function readMemoryOnLinux(procRoot: string, cgroupRoot: string): MemoryReading {
  const meminfo = readSmallFile(`${procRoot}/meminfo`);
  const totalKibibytes = fieldOf(meminfo, 'MemTotal:');
  const availableKibibytes = fieldOf(meminfo, 'MemAvailable:');
  const reading: MemoryReading = {};
  if (totalKibibytes !== undefined) reading.totalBytes = totalKibibytes * 1024;
  if (availableKibibytes !== undefined) reading.machineAvailableBytes = availableKibibytes * 1024;

  for (const level of cgroupLevels(procRoot, cgroupRoot, 'memory')) {
    const group = memoryOf(level);
    if (group === undefined) continue;
    reading.limitBytes = Math.min(reading.limitBytes ?? group.limitBytes, group.limitBytes);
    if (reading.tightest === undefined || leavesLess(group, reading.tightest)) reading.tightest = group;
  }

  const machine = reading.machineAvailableBytes;
  const group = reading.tightest === undefined ? machine : reading.tightest.availableBytes;
  if (machine !== undefined && group !== undefined) reading.availableBytes = Math.min(machine, group);
  return reading;
}

/** The smallest CPU quota above this process, and the CPUs of its affinity mask; what is unknown is absent. */
export function readCpusOnLinux(procRoot: string, cgroupRoot: string): CpuReading {
  const reading: CpuReading = {};
  for (const level of cgroupLevels(procRoot, cgroupRoot, 'cpu')) {
    const quota = quotaOf(level);
    if (quota !== undefined && quota < (reading.quotaCpus ?? Number.POSITIVE_INFINITY)) reading.quotaCpus = quota;
  }
  const list = /^Cpus_allowed_list:[ \t]*(.*)$/m.exec(readSmallFile(`${procRoot}/self/status`) ?? '')?.[1];
  const cpus = countOfList(list ?? '');
  if (cpus !== undefined) reading.affinityCpus = cpus;
  return reading;
}

function memoryOf(level: CgroupLevel): CgroupMemory | undefined {
  const stat = readSmallFile(`${level.folder}/memory.stat`);
  const limits =
    level.version === 2
      ? [numberIn(`${level.folder}/memory.max`), numberIn(`${level.folder}/memory.high`)]
      : [numberIn(`${level.folder}/memory.limit_in_bytes`), fieldOf(stat, 'hierarchical_memory_limit ')];
  const limitBytes = Math.min(...limits.map((limit) => limit ?? Number.POSITIVE_INFINITY));
  if (!(limitBytes < UNLIMITED_FROM_BYTES)) return undefined;
  const group: CgroupMemory = { path: level.path, version: level.version, limitBytes, reclaimableBytes: 0 };
  const usedBytes = numberIn(`${level.folder}/${level.version === 2 ? 'memory.current' : 'memory.usage_in_bytes'}`);
  if (usedBytes !== undefined) {
    group.usedBytes = usedBytes;
    // The files are read one after the other, so the reclaimable part may exceed what is in use.
    group.reclaimableBytes = Math.min(reclaimableOf(level, stat), usedBytes);
    group.availableBytes = Math.max(0, limitBytes - (usedBytes - group.reclaimableBytes));
  }
  return group;
}

function reclaimableOf(level: CgroupLevel, stat: string | undefined): number {
  // In version 1 the "total_" figures include the children, as the limit does; version 2 figures always do.
  const prefix = level.version === 1 ? 'total_' : '';
  const inactive = fieldOf(stat, `${prefix}inactive_file `) ?? 0;
  const active = fieldOf(stat, `${prefix}active_file `) ?? 0;
  const slab = level.version === 1 ? 0 : (fieldOf(stat, 'slab_reclaimable ') ?? 0);
  return inactive + Math.floor(active / 2) + slab;
}

function leavesLess(a: CgroupMemory, b: CgroupMemory): boolean {
  if (b.availableBytes === undefined) return false;
  return a.availableBytes === undefined || a.availableBytes < b.availableBytes;
}

function quotaOf(level: CgroupLevel): number | undefined {
  let quota: number | undefined;
  let period: number | undefined;
  if (level.version === 2) {
    const [first, second] = (readSmallFile(`${level.folder}/cpu.max`) ?? '').split(' ');
    quota = leadingNumber(first ?? '');
    period = leadingNumber(second ?? '');
  } else {
    quota = numberIn(`${level.folder}/cpu.cfs_quota_us`); // "-1" is not a number: no limit
    period = numberIn(`${level.folder}/cpu.cfs_period_us`);
  }
  return quota === undefined || period === undefined || period === 0 ? undefined : quota / period;
}

/** Counts the CPUs of a list such as "0-3,8,10-11". */
function countOfList(list: string): number | undefined {
  let count = 0;
  for (const range of list.trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first) return undefined;
    count += last - first + 1;
  }
  return count;
}

/** The number behind `name` at the start of a line: "name 123", "name: 123 kB". */
function fieldOf(text: string | undefined, name: string): number | undefined {
  const line = text?.split('\n').find((candidate) => candidate.startsWith(name));
  return line === undefined ? undefined : leadingNumber(line.slice(name.length));
}

function numberIn(path: string): number | undefined {
  return leadingNumber(readSmallFile(path) ?? ''); // "max" is not a number: no limit
}

function leadingNumber(text: string): number | undefined {
  const digits = /^[ \t]*(\d+)/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function readSmallFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
