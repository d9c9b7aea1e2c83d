/**
 * Loads the compiled core (the C++ addon) and says which core runs and why.
 *
 * The addon is looked for by node-gyp-build: `build/Release` of the package, then `prebuilds/<platform>-<arch>`. Without one that
 * loads, every part that uses it runs its TypeScript twin instead, which behaves the same.
 * The environment variable `AGENTYARD_CORE` forces the choice: `native` or `ts`.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidOptionError, NativeUnavailableError } from './errors.js';

/** Refusals of the native heap in place of a handle or a count. */
export const NativeRefusal = { full: 0, argument: -1, noMemory: -2 } as const;

/** One native heap: plain functions, each bound to it. Arguments are checked, never trusted; refusals are {@link NativeRefusal}. */
export interface NativeHeap {
  /** One element: the priority of the item that the last `pop` or `peek` returned. */
  readonly priority: Float64Array;
  push(priority: number, value: number): number;
  pop(): number | undefined;
  peek(): number | undefined;
  size(): number;
  cancel(handle: number): boolean;
  /** 1 when updated, 0 when the handle's item is no longer queued. */
  update(handle: number, priority: number): number;
  pushMany(priorities: Float64Array, values: Float64Array, handles: Float64Array | undefined): number;
  popMany(priorities: Float64Array, values: Float64Array): number;
}

/** One control group with a memory limit. All figures are bytes; what is unknown is absent. */
export interface CgroupMemory {
  /** Below the mount point of its hierarchy; "/" for the mount point itself. */
  path: string;
  /** Version of the control group interface, 1 or 2. */
  version: number;
  /** Smaller of the hard limit and the throttling limit (memory.high). */
  limitBytes: number;
  usedBytes?: number;
  /** Page cache and slabs that the kernel would give up; 0 when unknown. */
  reclaimableBytes: number;
  /** limit − used + reclaimable, at least 0. */
  availableBytes?: number;
}

/** What the memory probe found; see `HostMemory` in `memory/host.ts`. */
export interface MemoryReading {
  totalBytes?: number;
  machineAvailableBytes?: number;
  limitBytes?: number;
  availableBytes?: number;
  tightest?: CgroupMemory;
}

/** What the CPU probe found; see `CpuQuota` in `memory/host.ts`. */
export interface CpuReading {
  quotaCpus?: number;
  affinityCpus?: number;
}

/** The addon's exports. */
export interface NativeCore {
  readonly interfaceVersion: number;
  /** Undefined when `capacity` is outside 1 to 2^26, or there is no memory. */
  createHeap(capacity: number): NativeHeap | undefined;
  /** Linux only: elsewhere the files it reads do not exist and nothing is known. */
  readHostMemory(procRoot: string, cgroupRoot: string): MemoryReading;
  readCpuQuota(procRoot: string, cgroupRoot: string): CpuReading;
}

/** Which core runs, and why. */
export interface NativeStatus {
  core: 'native' | 'typescript';
  /** For people: the file that was loaded, or why none was. */
  reason: string;
  /** Path of the addon in use. */
  file?: string;
}

/** Where to look and what to obey; for tests. */
export interface NativeLookup {
  /** Folder that holds `build/` or `prebuilds/`. Default: the folder of this package. */
  packageRoot?: string;
  /** Default: the environment variable `AGENTYARD_CORE`. */
  force?: string | undefined;
}

/** Result of {@link loadNativeCore}. `core` is undefined when the TypeScript core runs. */
export interface NativeLoad {
  core: NativeCore | undefined;
  status: NativeStatus;
}

/** Must equal `kInterfaceVersion` of native/binding/addon.cc: a binary of other sources is refused. */
const INTERFACE_VERSION = 1;

/**
 * Tries to load the addon, without remembering the result.
 * @throws {@link InvalidOptionError} when the choice is neither `native` nor `ts`
 * @throws {@link NativeUnavailableError} when `native` is forced and cannot be loaded
 */
export function loadNativeCore(lookup: NativeLookup = {}): NativeLoad {
  const force = 'force' in lookup ? lookup.force : process.env.AGENTYARD_CORE;
  if (force !== undefined && force !== '' && force !== 'native' && force !== 'ts') {
    throw new InvalidOptionError('AGENTYARD_CORE', `AGENTYARD_CORE is "native" or "ts"; got "${force}".`);
  }
  if (force === 'ts') return typescriptCore('AGENTYARD_CORE=ts asks for it');
  const load = tryToLoad(lookup.packageRoot ?? findPackageRoot());
  if (force === 'native' && load.core === undefined) throw new NativeUnavailableError(load.status.reason);
  return load;
}

let loaded: NativeLoad | undefined;

/**
 * The addon, loaded once per thread; undefined when the TypeScript core runs.
 * @throws as {@link loadNativeCore}
 */
export function nativeCore(): NativeCore | undefined {
  loaded ??= loadNativeCore();
  return loaded.core;
}

/**
 * Which core runs in this thread, and why.
 * @throws as {@link loadNativeCore}
 */
export function nativeStatus(): NativeStatus {
  loaded ??= loadNativeCore();
  return loaded.status;
}

function tryToLoad(packageRoot: string): NativeLoad {
  const require = createRequire(import.meta.url);
  const gypBuild = require('node-gyp-build') as { path(folder: string): string };
  let file: string;
  try {
    file = gypBuild.path(packageRoot);
  } catch {
    // It says which platform it looked for, over several lines; the folder is what a person can act on.
    return typescriptCore(`no addon for ${process.platform}-${process.arch} in ${packageRoot}`);
  }
  try {
    const core = require(file) as Partial<NativeCore>;
    if (core.interfaceVersion !== INTERFACE_VERSION) {
      return typescriptCore(
        `${file} was built from other sources: interface ${String(core.interfaceVersion)}, expected ${INTERFACE_VERSION}`,
      );
    }
    return { core: core as NativeCore, status: { core: 'native', reason: `loaded ${file}`, file } };
  } catch (error) {
    return typescriptCore(`${file} failed to load: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function typescriptCore(reason: string): NativeLoad {
  return { core: undefined, status: { core: 'typescript', reason } };
}

/** The closest folder above this file with a package.json: it is the package's root from the sources and from any build folder. */
function findPackageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return start;
  }
}
