/** What a figure depends on besides the code: recorded beside every result. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { packageRoot } from './product.js';

export interface Environment {
  /** ISO 8601, UTC. */
  date: string;
  /** Null outside a git checkout. */
  commit: string | null;
  /** Were there changes that the commit does not have? */
  dirty: boolean | null;
  cpu: string;
  /** Logical processors that this process may use, as Node tells it. */
  cores: number;
  memoryBytes: number;
  platform: string;
  node: string;
  /** Version by package: agentyard and the packages that benchmarks run. */
  packages: Readonly<Record<string, string>>;
}

const PACKAGES = ['node-llama-cpp', 'tinybench', 'p-queue', 'fastq', 'async', 'p-limit', 'bottleneck'] as const;

export function readEnvironment(now: Date): Environment {
  const root = packageRoot();
  const changes = git(root, 'status', '--porcelain');
  return {
    date: now.toISOString(),
    commit: git(root, 'rev-parse', 'HEAD'),
    dirty: changes === null ? null : changes !== '',
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    packages: Object.fromEntries([
      ['agentyard', versionOf(root)],
      ...PACKAGES.map((name) => [name, versionOf(join(root, 'node_modules', name))]),
    ]),
  };
}

function git(folder: string, ...args: string[]): string | null {
  try {
    return execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    // No git, or no repository (a packed tarball): the figure has no commit, and says so.
    return null;
  }
}

function versionOf(folder: string): string {
  try {
    return String((JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown }).version);
  } catch {
    return 'not installed';
  }
}
