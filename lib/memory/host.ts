/** What the host's memory and CPUs allow this process, control groups included. */
import { availableParallelism, totalmem } from 'node:os';
import { type CgroupMemory, type CpuReading, type MemoryReading, nativeCore } from '../base/index.js';
import { readCpusOnLinux, readMemoryOnLinux } from './host-linux.js';

/** Memory of the host as this process may use it. All figures are bytes; `undefined` is unknown, never "none". */
export interface HostMemory {
  /** Physical memory of the machine. */
  totalBytes: number;
  /**
   * What can still be allocated without swapping or being killed: the smallest of the machine's MemAvailable and, for every control
   * group above this process that has a limit, limit − used + reclaimable. Undefined when one of these cannot be read.
   */
  availableBytes: number | undefined;
  /** The machine's MemAvailable alone. */
  machineAvailableBytes: number | undefined;
  /** Smallest limit of all control groups above this process; undefined when none has one. */
  limitBytes: number | undefined;
  /** The control group that leaves least room; undefined when none has a limit. */
  tightest: CgroupMemory | undefined;
  /** Where the figures come from: the compiled probe, its TypeScript twin, or Node's own figures (systems without /proc). */
  source: 'native' | 'typescript' | 'node';
}

/** CPUs that this process may keep busy. */
export interface CpuQuota {
  /** Whole CPUs, at least 1: the smallest of quota, affinity and what the system has, rounded down. Use as many threads. */
  cpus: number;
  /** Smallest CPU quota of all control groups above this process, in CPUs; undefined when none has one. */
  quotaCpus: number | undefined;
  /** CPUs in the affinity mask; undefined when unknown. */
  affinityCpus: number | undefined;
  /** What decided `cpus`. */
  source: 'quota' | 'affinity' | 'system';
}

export interface HostProbeOptions {
  /** Default "/proc". Set together with `cgroupRoot` to read a recorded machine. */
  procRoot?: string;
  /** Default "/sys/fs/cgroup". */
  cgroupRoot?: string;
  /** Default: the core that runs, see `nativeStatus()`. */
  core?: 'native' | 'typescript';
}

/**
 * Reads the memory figures. About 30 small files, some tens of microseconds; do not call it per task.
 * Rules: native/probe/host_memory.h. On systems without /proc: total and available memory as Node reports them.
 */
export function readHostMemory(options: HostProbeOptions = {}): HostMemory {
  const { procRoot, cgroupRoot, native } = probeOf(options);
  const reading: MemoryReading =
    native === undefined ? readMemoryOnLinux(procRoot, cgroupRoot) : native.readHostMemory(procRoot, cgroupRoot);
  if (reading.totalBytes === undefined && options.procRoot === undefined && process.platform !== 'linux') {
    return {
      totalBytes: totalmem(),
      availableBytes: process.availableMemory(),
      machineAvailableBytes: process.availableMemory(),
      limitBytes: undefined,
      tightest: undefined,
      source: 'node',
    };
  }
  return {
    totalBytes: reading.totalBytes ?? totalmem(),
    availableBytes: reading.availableBytes,
    machineAvailableBytes: reading.machineAvailableBytes,
    limitBytes: reading.limitBytes,
    tightest: reading.tightest,
    source: native === undefined ? 'typescript' : 'native',
  };
}

/**
 * How many CPUs this process may keep busy. `os.availableParallelism()` knows the affinity mask but no control group quota; an
 * inference engine with more threads than its quota runs up to 77 times slower, since threads that spin at a barrier use up the
 * quota of the one they wait for.
 */
export function readCpuQuota(options: HostProbeOptions = {}): CpuQuota {
  const { procRoot, cgroupRoot, native } = probeOf(options);
  const reading: CpuReading =
    native === undefined ? readCpusOnLinux(procRoot, cgroupRoot) : native.readCpuQuota(procRoot, cgroupRoot);
  const { quotaCpus, affinityCpus } = reading;
  const allowedCpus = affinityCpus ?? availableParallelism();
  const decidedByQuota = quotaCpus !== undefined && quotaCpus < allowedCpus;
  return {
    cpus: Math.max(1, Math.floor(decidedByQuota ? quotaCpus : allowedCpus)),
    quotaCpus,
    affinityCpus,
    source: decidedByQuota ? 'quota' : affinityCpus === undefined ? 'system' : 'affinity',
  };
}

function probeOf(options: HostProbeOptions) {
  return {
    procRoot: options.procRoot ?? '/proc',
    cgroupRoot: options.cgroupRoot ?? '/sys/fs/cgroup',
    native: options.core === 'typescript' ? undefined : nativeCore(),
  };
}
