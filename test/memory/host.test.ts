import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readCpuQuota, readHostMemory } from '../../lib/memory/host.js';
import { availableCores } from '../heap/cores.js';

const MIB = 2 ** 20;
const root = mkdtempSync(join(tmpdir(), 'agentyard-host-'));
afterAll(() => rmSync(root, { recursive: true }));

let machines = 0;

/** Writes a machine: `files` maps "proc/..." and "cgroup/..." to contents. */
function machine(files: Readonly<Record<string, string>>): { procRoot: string; cgroupRoot: string } {
  const base = join(root, String(machines++));
  mkdirSync(join(base, 'cgroup'), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    const path = join(base, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return { procRoot: join(base, 'proc'), cgroupRoot: join(base, 'cgroup') };
}

const MEMINFO = 'MemTotal:       16777216 kB\nMemFree:          100000 kB\nMemAvailable:    8388608 kB\n';
const bytes = (mebibytes: number) => `${mebibytes * MIB}\n`;
const stat = (values: Record<string, number>) =>
  Object.entries(values)
    .map(([name, mebibytes]) => `${name} ${mebibytes * MIB}\n`)
    .join('');

describe.each(availableCores('host probes'))('host memory, %s core', (core) => {
  const read = (files: Readonly<Record<string, string>>) => readHostMemory({ ...machine(files), core });

  it('takes MemAvailable where no control group has a limit', () => {
    const memory = read({
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '0::/user.slice\n',
      'cgroup/user.slice/memory.max': 'max\n',
      'cgroup/user.slice/memory.current': bytes(900),
    });
    expect(memory).toEqual({
      totalBytes: 16384 * MIB,
      availableBytes: 8192 * MIB,
      machineAvailableBytes: 8192 * MIB,
      limitBytes: undefined,
      tightest: undefined,
      source: core,
    });
  });

  it('counts page cache and slabs of a limited ancestor as available, half of the active pages', () => {
    const memory = read({
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '0::/pod/leaf\n',
      'cgroup/pod/leaf/memory.max': 'max\n',
      'cgroup/pod/leaf/memory.current': bytes(1800),
      'cgroup/pod/memory.max': bytes(2048),
      'cgroup/pod/memory.current': bytes(1900),
      'cgroup/pod/memory.stat': stat({ anon: 700, inactive_file: 900, active_file: 160, slab_reclaimable: 40 }),
    });
    // 2048 - (1900 - 900 - 160/2 - 40)
    expect(memory.availableBytes).toBe(1168 * MIB);
    expect(memory.limitBytes).toBe(2048 * MIB);
    expect(memory.tightest).toEqual({
      path: '/pod',
      version: 2,
      limitBytes: 2048 * MIB,
      usedBytes: 1900 * MIB,
      reclaimableBytes: 1020 * MIB,
      availableBytes: 1168 * MIB,
    });
  });

  it('finds the tightest of several limits, which need not be the smallest limit', () => {
    const memory = read({
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '0::/a/b/c\n',
      'cgroup/a/memory.max': bytes(4000),
      'cgroup/a/memory.current': bytes(3900),
      'cgroup/a/b/memory.max': bytes(1000),
      'cgroup/a/b/memory.current': bytes(500),
      'cgroup/a/b/c/memory.max': bytes(3000),
      'cgroup/a/b/c/memory.current': bytes(400),
    });
    expect(memory.tightest?.path).toBe('/a');
    expect(memory.availableBytes).toBe(100 * MIB);
    expect(memory.limitBytes).toBe(1000 * MIB);
  });

  it('obeys memory.high, from which on the kernel throttles', () => {
    const memory = read({
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '0::/a\n',
      'cgroup/a/memory.max': bytes(4000),
      'cgroup/a/memory.high': bytes(1000),
      'cgroup/a/memory.current': bytes(1200),
    });
    expect(memory.availableBytes).toBe(0);
    expect(memory.limitBytes).toBe(1000 * MIB);
  });

  it('reads the container itself where the path is the host’s and the mount point is its own group', () => {
    const memory = read({
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '0::/kubepods/pod1/container/sub\n',
      'cgroup/memory.max': bytes(500),
      'cgroup/memory.current': bytes(100),
      'cgroup/sub/memory.max': bytes(300),
      'cgroup/sub/memory.current': bytes(50),
    });
    expect(memory.tightest?.path).toBe('/sub');
    expect(memory.availableBytes).toBe(250 * MIB);
  });

  it('walks version 1 groups and their hierarchical limit', () => {
    const memory = read({
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '4:memory:/docker/x\n1:cpu,cpuacct:/docker/x\n0::/\n',
      'cgroup/unified/cgroup.procs': '',
      'cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      'cgroup/memory/memory.usage_in_bytes': bytes(9000),
      'cgroup/memory/docker/x/memory.limit_in_bytes': '9223372036854771712\n',
      'cgroup/memory/docker/x/memory.usage_in_bytes': bytes(600),
      'cgroup/memory/docker/x/memory.stat': `inactive_file 5\n${stat({ hierarchical_memory_limit: 1000, total_inactive_file: 200, total_active_file: 100 })}`,
    });
    expect(memory.tightest).toEqual({
      path: '/docker/x',
      version: 1,
      limitBytes: 1000 * MIB,
      usedBytes: 600 * MIB,
      reclaimableBytes: 250 * MIB,
      availableBytes: 650 * MIB,
    });
  });

  it('knows nothing of what is available when a limited group’s use cannot be read', () => {
    const memory = read({
      'proc/meminfo': MEMINFO,
      'proc/self/cgroup': '0::/a/b\n',
      'cgroup/a/memory.max': bytes(1000),
      'cgroup/a/b/memory.max': bytes(500),
      'cgroup/a/b/memory.current': bytes(100),
    });
    expect(memory.availableBytes).toBeUndefined();
    expect(memory.tightest).toEqual({ path: '/a', version: 2, limitBytes: 1000 * MIB, reclaimableBytes: 0 });
    expect(memory.machineAvailableBytes).toBe(8192 * MIB);
  });

  it('knows nothing of what is available without MemAvailable', () => {
    const memory = read({ 'proc/meminfo': 'MemTotal: 1024 kB\nMemFree: 1000 kB\n' });
    expect(memory.totalBytes).toBe(MIB);
    expect(memory.availableBytes).toBeUndefined();
  });

  it('reads this machine', () => {
    const memory = readHostMemory({ core });
    expect(memory.totalBytes).toBeGreaterThan(100 * MIB);
    if (memory.availableBytes !== undefined) {
      expect(memory.availableBytes).toBeGreaterThan(0);
      expect(memory.availableBytes).toBeLessThanOrEqual(memory.totalBytes);
    }
  });
});

describe.each(availableCores('host probes'))('CPU quota, %s core', (core) => {
  const read = (files: Readonly<Record<string, string>>) => readCpuQuota({ ...machine(files), core });
  const STATUS = 'Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t0-5,8,10-11\n';

  it('counts the affinity mask where no quota is set', () => {
    const cpus = read({
      'proc/self/status': STATUS,
      'proc/self/cgroup': '0::/a\n',
      'cgroup/a/cpu.max': 'max 100000\n',
    });
    expect(cpus).toEqual({ cpus: 9, quotaCpus: undefined, affinityCpus: 9, source: 'affinity' });
  });

  it('takes the smallest quota of all ancestors, rounded down', () => {
    const cpus = read({
      'proc/self/status': STATUS,
      'proc/self/cgroup': '0::/a/b\n',
      'cgroup/a/cpu.max': '250000 100000\n',
      'cgroup/a/b/cpu.max': '800000 100000\n',
    });
    expect(cpus).toEqual({ cpus: 2, quotaCpus: 2.5, affinityCpus: 9, source: 'quota' });
  });

  it('never says less than one CPU', () => {
    const cpus = read({
      'proc/self/status': STATUS,
      'proc/self/cgroup': '0::/\n',
      'cgroup/cpu.max': '30000 100000\n',
    });
    expect(cpus.cpus).toBe(1);
    expect(cpus.quotaCpus).toBe(0.3);
  });

  it('reads version 1 quotas, from the folder of either name', () => {
    const files = { 'proc/self/status': STATUS, 'proc/self/cgroup': '3:cpu,cpuacct:/a\n' };
    const quota = (folder: string) => ({
      ...files,
      [`cgroup/${folder}/cpu.cfs_quota_us`]: '-1\n',
      [`cgroup/${folder}/cpu.cfs_period_us`]: '100000\n',
      [`cgroup/${folder}/a/cpu.cfs_quota_us`]: '150000\n',
      [`cgroup/${folder}/a/cpu.cfs_period_us`]: '50000\n',
    });
    expect(read(quota('cpu,cpuacct')).quotaCpus).toBe(3);
    expect(read(quota('cpu')).quotaCpus).toBe(3);
  });

  it('falls back to what the system says', () => {
    const cpus = read({});
    expect(cpus).toMatchObject({ quotaCpus: undefined, affinityCpus: undefined, source: 'system' });
    expect(cpus.cpus).toBeGreaterThanOrEqual(1);
  });
});

const cores = availableCores('host twins');
describe.skipIf(cores.length < 2)('host probes, compiled and TypeScript', () => {
  it('agree on any tree', () => {
    const amount = fc.oneof(
      fc.nat(4000).map(bytes),
      fc.constantFrom('max\n', '', '9223372036854771712\n', '-1\n', 'x\n'),
    );
    const level = (folder: string) =>
      fc
        .record(
          {
            'memory.max': amount,
            'memory.high': amount,
            'memory.current': amount,
            'memory.limit_in_bytes': amount,
            'memory.usage_in_bytes': amount,
            'memory.stat': fc
              .dictionary(
                fc.constantFrom(
                  'inactive_file',
                  'active_file',
                  'slab_reclaimable',
                  'total_inactive_file',
                  'total_active_file',
                  'hierarchical_memory_limit',
                ),
                fc.nat(2000),
              )
              .map(stat),
            'cpu.max': fc.constantFrom('max 100000\n', '150000 100000\n', '100000 0\n', '5', ''),
            'cpu.cfs_quota_us': fc.constantFrom('-1\n', '250000\n', '70000\n'),
            'cpu.cfs_period_us': fc.constantFrom('100000\n', '0\n'),
          },
          { requiredKeys: [] },
        )
        .map((files) =>
          Object.fromEntries(Object.entries(files).map(([name, text]) => [`cgroup/${folder}${name}`, text])),
        );
    const tree = fc
      .tuple(
        fc.constantFrom('0::/a/b\n', '4:memory:/a\n3:cpu,cpuacct:/a\n', '4:cpu,memory:/a\n0::/b\n', '0::/../a:x\n', ''),
        fc.constantFrom(MEMINFO, 'MemTotal: 5 kB\n', ''),
        fc.constantFrom(
          'A:\t1\nCpus_allowed_list:\t0-3,7\n',
          'A:\t1\nCpus_allowed_list:\t\n',
          'A:\t1\nCpus_allowed_list:\t3-1\n',
          '',
        ),
        ...['', 'a/', 'a/b/', 'b/', 'memory/', 'memory/a/', 'cpu/a/', 'cpu,memory/', 'unified/b/'].map((folder) =>
          fc.option(level(folder), { nil: {} }),
        ),
      )
      .map(
        ([membership, meminfo, status, ...levels]) =>
          Object.assign(
            { 'proc/self/cgroup': membership, 'proc/meminfo': meminfo, 'proc/self/status': status },
            ...levels,
          ) as Record<string, string>,
      );
    fc.assert(
      fc.property(tree, (files) => {
        const roots = machine(files);
        const [native, twin] = (['native', 'typescript'] as const).map((core) => ({
          memory: { ...readHostMemory({ ...roots, core }), source: undefined },
          cpus: readCpuQuota({ ...roots, core }),
        }));
        expect(native).toEqual(twin);
      }),
      { numRuns: 80, seed: 20_26 },
    );
  });
});

/** Makes a version 1 memory group with a limit; undefined and the reason where that is not permitted. */
function makeLimitedGroup(limitBytes: number): { folder: string } | { reason: string } {
  try {
    const own = /^\d+:memory:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
    if (own === undefined) return { reason: 'the memory controller is not in version 1 here' };
    const folder = join('/sys/fs/cgroup/memory', own, `agentyard-test-${process.pid}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'memory.limit_in_bytes'), String(limitBytes));
    return { folder };
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

const LIMIT = 400 * MIB;
const group = makeLimitedGroup(LIMIT);
if ('reason' in group) console.warn(`real version 1 control group: skipped, ${group.reason}`);

describe.skipIf('reason' in group)('a real version 1 control group', () => {
  const folder = 'folder' in group ? group.folder : '';
  afterAll(() => {
    if (folder !== '') rmdirSync(folder);
  });

  it.each(availableCores('real control group'))('limits what a process in it sees as available, %s core', (core) => {
    // The probe runs here, with the membership file of a process that was moved into the group.
    const move = `echo $$ > "${folder}/cgroup.procs" && cat /proc/self/cgroup`;
    const membership = spawnSync('sh', ['-c', move], { encoding: 'utf8' });
    expect(membership.status, membership.stderr).toBe(0);
    const { procRoot } = machine({
      'proc/meminfo': readFileSync('/proc/meminfo', 'utf8'),
      'proc/self/cgroup': membership.stdout,
    });
    const memory = readHostMemory({ procRoot, cgroupRoot: '/sys/fs/cgroup', core });
    expect(memory.limitBytes).toBeLessThanOrEqual(LIMIT);
    expect(memory.availableBytes).toBeGreaterThan(0);
    expect(memory.availableBytes).toBeLessThanOrEqual(LIMIT);
    expect(memory.tightest?.version).toBe(1);
  });
});
