/** One run of one contender in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ContenderReply } from './contender.js';
import type { Contender, Measurement } from './suite.js';

/** After its answer a contender has this long to end by itself. */
const GRACE_MS = 5_000;

/**
 * Starts the contender's file afresh, hands it its input, and returns what it measured once the process is gone.
 * What the contender prints goes to standard error.
 * @throws when it fails, answers with something else than finite numbers, ends without an answer, or takes longer than `timeoutMs`
 * (its process is then killed)
 */
export async function runContender(contender: Contender, timeoutMs: number): Promise<readonly Measurement[]> {
  const child = fork(fileURLToPath(contender.file), {
    execArgv: [],
    env: { ...process.env, ...contender.env },
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  try {
    const reply = await answerOf(child, contender, timeoutMs);
    if ('error' in reply) throw new Error(`Contender "${contender.name}" failed: ${reply.error}`);
    checkMeasurements(contender, reply.measurements);
    return reply.measurements;
  } finally {
    await ended(child);
  }
}

function answerOf(child: ChildProcess, contender: Contender, timeoutMs: number): Promise<ContenderReply> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`Contender "${contender.name}" took longer than ${timeoutMs} ms.`));
    }, timeoutMs);
    const settle = (action: () => void) => {
      clearTimeout(timer);
      action();
    };
    child.once('message', (reply: ContenderReply) => settle(() => resolve(reply)));
    child.once('error', (error) => settle(() => reject(error)));
    child.once('exit', (code, signal) =>
      settle(() =>
        reject(new Error(`Contender "${contender.name}" ended without an answer (${signal ?? `exit code ${code}`}).`)),
      ),
    );
    // A child that dies at once makes the send fail; its exit says more.
    child.send({ input: contender.input }, () => {});
  });
}

/** Resolves when the process is gone; one that outstays its grace is killed. The next contender must not share the machine with it. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function checkMeasurements(contender: Contender, measurements: readonly Measurement[]): void {
  const bad = measurements.find(({ value }) => !Number.isFinite(value));
  if (bad !== undefined) {
    throw new Error(
      `Contender "${contender.name}" measured ${String(bad.value)} for "${bad.metric}"; expected a number.`,
    );
  }
  if (measurements.length === 0) throw new Error(`Contender "${contender.name}" measured nothing.`);
}
