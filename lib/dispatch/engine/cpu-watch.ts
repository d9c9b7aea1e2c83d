/** How many CPUs other processes leave to this one, as the operating system counts their time. */
import { availableParallelism, cpus } from 'node:os';

/** The counters advance in steps of 10 ms; over this long they are exact enough. */
const WINDOW_MS = 250;
/** Older figures say nothing about now. */
const WINDOW_MS_MAX = 1_000;

export class CpuWatch {
  /** False where this process may use only some of the machine's CPUs: nothing says which of them the others run on. */
  readonly knows = availableParallelism() === cpus().length;
  #busyMs = 0;
  #ownMs = 0;
  #beganMs = Number.NEGATIVE_INFINITY;

  /**
   * CPUs that nobody else kept busy in the last quarter of a second or more; undefined until so much time has been watched. To be
   * called again and again while the answer matters. Reading the counters takes some tenths of a millisecond, once a window.
   */
  free(nowMs: number): number | undefined {
    const elapsedMs = nowMs - this.#beganMs;
    if (elapsedMs < WINDOW_MS) return undefined;
    const all = cpus();
    const busyMs = all.reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
    const { user, system } = process.cpuUsage();
    const ownMs = (user + system) / 1_000;
    const othersMs = Math.max(0, busyMs - this.#busyMs - (ownMs - this.#ownMs));
    this.#busyMs = busyMs;
    this.#ownMs = ownMs;
    this.#beganMs = nowMs;
    return elapsedMs > WINDOW_MS_MAX ? undefined : Math.max(0, all.length - othersMs / elapsedMs);
  }
}
