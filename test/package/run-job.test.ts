import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const RUN_JOB = new URL('../../scripts/bootstrap/run-job.mjs', import.meta.url).href;
const LAUNCHER = `
  const { runJob } = await import(${JSON.stringify(RUN_JOB)});
  process.exitCode = await runJob(process.argv[1], process.argv.slice(2), process.cwd());`;

/** A job that tells each signal it gets and its arguments. SIGUSR2 goes to it alone and marks the end of what came before. */
const JOB = `
  process.on('SIGINT', () => console.log('SIGINT'));
  process.on('SIGTERM', () => { console.log('SIGTERM'); process.exit(7); });
  process.on('SIGUSR2', () => console.log('mark'));
  setInterval(() => {}, 1000);
  console.log(process.pid + ' ' + process.argv.slice(2).join(' '));`;

let folder: string;
const started: number[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agentyard-job-'));
});
afterEach(() => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  }
  rmSync(folder, { recursive: true });
});

interface Launched {
  launcher: ChildProcess;
  jobPid: number;
  first: string;
  nextLine(): Promise<string | undefined>;
}

async function launch(source: string, ...args: string[]): Promise<Launched> {
  const script = join(folder, 'job.mjs');
  writeFileSync(script, source);
  const env = { ...process.env };
  // Under npm the launcher also watches npm; here its parent is the test.
  delete env.npm_lifecycle_event;
  const launcher = spawn(process.execPath, ['--input-type=module', '-e', LAUNCHER, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const lines = createInterface({ input: launcher.stdout! })[Symbol.asyncIterator]();
  const nextLine = async () => (await lines.next()).value as string | undefined;
  const first = (await nextLine()) ?? '';
  const jobPid = Number.parseInt(first, 10);
  for (const pid of [launcher.pid, jobPid]) if (pid !== undefined && pid > 0) started.push(pid);
  return { launcher, jobPid, first, nextLine };
}

const exitOf = (child: ChildProcess) =>
  new Promise<number | null>((resolve) => {
    if (child.exitCode !== null) resolve(child.exitCode);
    else child.once('exit', resolve);
  });

const onWindows = process.platform === 'win32';
if (onWindows) console.warn('run-job: skipped, Windows has no signals');

describe('telling copies of a signal apart', () => {
  it('takes what follows within 200 ms of the last copy as a copy', async () => {
    const { signalFilter } = (await import(RUN_JOB)) as {
      signalFilter(now: () => number): (signal: string) => boolean;
    };
    let nowMs = 1000;
    const isFirst = signalFilter(() => nowMs);
    const at = (ms: number, signal: string) => {
      nowMs = ms;
      return isFirst(signal);
    };
    expect(at(1000, 'SIGINT')).toBe(true);
    expect(at(1003, 'SIGINT')).toBe(false);
    expect(at(1010, 'SIGTERM')).toBe(true);
    expect(at(1150, 'SIGINT')).toBe(false);
    expect(at(1350, 'SIGINT')).toBe(true);
  });
});

describe.skipIf(onWindows)('running a job', () => {
  it('hands arguments to the job and its exit code back', async () => {
    const { launcher, first } = await launch(
      'console.log(process.pid + " " + process.argv.slice(2).join(" ")); process.exitCode = 5;',
      '--port',
      '0',
    );
    expect(first).toMatch(/^\d+ --port 0$/);
    expect(await exitOf(launcher)).toBe(5);
  });

  it('hands a signal that arrives in several copies to the job once', async () => {
    const { launcher, jobPid, nextLine } = await launch(JOB);
    // As in a terminal: the terminal's copy, then npm's.
    launcher.kill('SIGINT');
    launcher.kill('SIGINT');
    expect(await nextLine()).toBe('SIGINT');
    // A signal of another kind is no copy; in order, since both take the way through the launcher.
    launcher.kill('SIGTERM');
    expect(await nextLine()).toBe('SIGTERM');
    expect(await exitOf(launcher)).toBe(7);
    expect(jobPid).toBeGreaterThan(0);
  });

  it('is outside the process group of its launcher, which a terminal signals as a whole', async () => {
    const { launcher, jobPid, nextLine } = await launch(JOB);
    // Only a group leader can be signalled by the negative of its own number.
    process.kill(-jobPid, 'SIGUSR2');
    expect(await nextLine()).toBe('mark');
    launcher.kill('SIGTERM');
    expect(await nextLine()).toBe('SIGTERM');
    await exitOf(launcher);
  });

  it('ends when its launcher is killed', async () => {
    const { launcher, nextLine } = await launch(JOB);
    launcher.kill('SIGKILL');
    expect(await nextLine()).toBe('SIGTERM');
    expect(await nextLine()).toBeUndefined();
  });

  it('gives 128 and the number of the signal that ended it', async () => {
    const { launcher, jobPid } = await launch(JOB);
    process.kill(jobPid, 'SIGKILL');
    expect(await exitOf(launcher)).toBe(137);
  });
});
