/**
 * Turns a run into the lines of its log, for whoever keeps them: a file, a simulator, a test.
 *
 * ```
 * configLine(config, nowMs)            first (lib/scheduler/config-line.ts)
 * event(event, nowMs, commands)       after each decision; every `checkEvery` events a check line follows
 * end()                               last
 * ```
 * Lines come with their end, ready to be joined. Cost: O(fields + commands) per event; a check line hashes once more.
 */
import type { CommandBuffer } from './command-buffer.js';
import { CommandDigest, type StreamingHash } from './command-digest.js';
import { eventLine, totalsLine } from './log-lines.js';
import type { SchedulerEvent } from './scheduler-event.js';

/** Events between two check lines: a divergence is located to within so many. */
export const DEFAULT_CHECK_EVERY = 1_000;

export class EventLogWriter {
  readonly #digest: CommandDigest;
  readonly #checkEvery: number;

  /**
   * @param hash - a fresh SHA-256, owned by the writer from now on
   * @param checkEvery - events between two check lines, ≥ 1
   */
  constructor(hash: StreamingHash, checkEvery: number = DEFAULT_CHECK_EVERY) {
    this.#digest = new CommandDigest(hash);
    this.#checkEvery = checkEvery;
  }

  get events(): number {
    return this.#digest.events;
  }

  /** @param commands - what the event was answered with, all of it */
  event(event: SchedulerEvent, nowMs: number, commands: CommandBuffer): string {
    const line = `${eventLine(event, nowMs)}\n`;
    this.#digest.add(commands);
    return this.#digest.events % this.#checkEvery === 0 ? line + this.#totals('check') : line;
  }

  end(): string {
    return this.#totals('end');
  }

  #totals(name: 'check' | 'end'): string {
    const { events, commands } = this.#digest;
    return `${totalsLine(name, { events, commands, sha256: this.#digest.sha256() })}\n`;
  }
}
