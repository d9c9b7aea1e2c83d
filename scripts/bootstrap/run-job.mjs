// Runs the job as a child of this process and hands signals on, each once.
//
// Why a process group of its own? A Ctrl-C in a terminal goes to the whole foreground group, and npm hands its copy on as well: a
// child in the group would get it two or three times, and a server takes the second as "stop at once". So the child is outside the
// group, this process gets every copy, and copies that follow within COPY_MS are one signal.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Longer than npm takes to hand a signal on, shorter than two presses of a person who means it. */
const COPY_MS = 200;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const PARENT_CHECK_MS = 250;
/** On Windows a console event reaches every process by itself, once. */
const forwards = process.platform !== 'win32';

/**
 * Starts `node script ...args` in the same terminal and resolves when it has ended, with the exit code for this process.
 * A child that died by a signal gives 128 + the signal's number, as a shell does.
 */
export async function runJob(script, args, cwd) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('job.mjs', import.meta.url)), script, ...args], {
    cwd,
    detached: forwards,
    // The fourth is how the child learns that this process is gone, however it ended.
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
  const stopForwarding = forwardSignals(child);
  const stopWatching = watchNpm(() => child.kill('SIGTERM'));
  try {
    return await ended;
  } finally {
    stopForwarding();
    stopWatching();
  }
}

/**
 * Tells the first copy of a signal from those that follow within {@link COPY_MS}.
 * @param {() => number} now monotonic milliseconds
 * @returns {(signal: string) => boolean} is this one to be handed on?
 */
export function signalFilter(now = () => performance.now()) {
  const lastAt = new Map();
  return (signal) => {
    const at = now();
    const isFirst = at - (lastAt.get(signal) ?? Number.NEGATIVE_INFINITY) >= COPY_MS;
    lastAt.set(signal, at);
    return isFirst;
  };
}

function forwardSignals(child) {
  const isFirst = signalFilter();
  const forward = (signal) => {
    if (isFirst(signal) && forwards) child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, forward);
  return () => {
    for (const signal of SIGNALS) process.off(signal, forward);
  };
}

/**
 * npm hands SIGTERM to the shell it runs scripts in, and where that shell stays (dash does) it dies of it and tells nobody: the
 * server would go on without npm. Another parent than at the start means that this has happened.
 */
function watchNpm(onGone) {
  if (process.env.npm_lifecycle_event === undefined || !forwards) return () => undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, PARENT_CHECK_MS);
  return () => clearInterval(timer);
}
