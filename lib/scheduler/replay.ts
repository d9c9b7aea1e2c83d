/**
 * Takes a recorded run's decisions again and compares them, line by line.
 *
 * Order of the lines: one `configure`, then events with `check` lines between them, then `end` (missing when the process that
 * recorded died). What was decided is compared wherever the log says a hash: at every `check` and at `end`. The replay is over at
 * `end` or at the first divergence; further lines are not accepted after `end`, and not looked at after a divergence.
 */
import { InvalidEventLogError } from '../base/errors.js';
import {
  CommandBuffer,
  CommandDigest,
  type LogTotals,
  parseLogLine,
  SchedulerEvent,
  type StreamingHash,
} from '../event/index.js';
import { decide } from './decide.js';
import { type PolicyOverrides, readConfig } from './read-config.js';
import { SchedulerState } from './state.js';

/** Where a replay parted from its log. Events and lines are counted from 1. */
export interface Divergence {
  /** The first event that may have been answered differently. */
  firstEvent: number;
  /** The last such event: it lies between two places where the log says a hash. */
  lastEvent: number;
  /** Lines of the log from the first such event to where the difference showed. */
  firstLine: number;
  lastLine: number;
  /** What the log says. */
  expected: string;
  /** What came out. */
  got: string;
}

export interface ReplayResult {
  /** Version of the package that recorded; undefined when the log does not say. */
  recordedBy: string | undefined;
  /** Events that were decided again. */
  events: number;
  /** Commands that came of them. */
  commands: number;
  /** Hash of those commands, hexadecimal. */
  sha256: string;
  /** Events up to the last place where the log's hash and ours agreed. */
  checkedEvents: number;
  /** The log has its `end` line: nothing is missing. */
  isClosed: boolean;
  /** At least one hash was compared, and none differed. */
  matches: boolean;
  firstDivergence?: Divergence;
}

export class Replay {
  readonly #overrides: PolicyOverrides;
  readonly #digest: CommandDigest;
  readonly #commands = new CommandBuffer();
  readonly #event = new SchedulerEvent();
  #state: SchedulerState | undefined;
  #recordedBy: string | undefined;
  #nowMs = 0;
  #line = 0;
  #checkedEvents = 0;
  #checkedLine = 1;
  #hasCompared = false;
  #isClosed = false;
  #divergence: Divergence | undefined;

  /** @param hash - a fresh SHA-256, owned by the replay from now on */
  constructor(hash: StreamingHash, overrides: PolicyOverrides = {}) {
    this.#digest = new CommandDigest(hash);
    this.#overrides = overrides;
  }

  /** Did the replay part from its log? Then further lines make no difference. */
  get hasDiverged(): boolean {
    return this.#divergence !== undefined;
  }

  /**
   * Takes the next line, without its end.
   * @throws {@link InvalidEventLogError}
   */
  line(text: string): void {
    if (this.hasDiverged) return;
    this.#line++;
    if (this.#isClosed) throw new InvalidEventLogError(this.#line, 'nothing after the end line', 'another line');
    const line = parseLogLine(text, this.#line, this.#event);
    if (this.#state === undefined) {
      if (line.name !== 'configure') throw this.#misplaced('the "configure" line first', line.name);
      const { config, agentyard } = readConfig(line.configuration, this.#line, this.#overrides);
      this.#state = new SchedulerState(config);
      this.#recordedBy = agentyard;
      this.#nowMs = line.nowMs;
      return;
    }
    switch (line.name) {
      case 'event':
        this.#decide(this.#state, line.nowMs);
        break;
      case 'check':
      case 'end':
        this.#compare(line);
        this.#isClosed = line.name === 'end' && !this.hasDiverged;
        break;
      case 'configure':
        throw this.#misplaced('one "configure" line', 'another one');
      default:
        line satisfies never;
    }
  }

  /** Where the replay stands. */
  result(): ReplayResult {
    const { events, commands } = this.#digest;
    return {
      recordedBy: this.#recordedBy,
      events,
      commands,
      sha256: this.#digest.sha256(),
      checkedEvents: this.#checkedEvents,
      isClosed: this.#isClosed,
      matches: this.#hasCompared && !this.hasDiverged,
      ...(this.#divergence === undefined ? {} : { firstDivergence: this.#divergence }),
    };
  }

  #decide(state: SchedulerState, nowMs: number): void {
    if (nowMs < this.#nowMs) {
      throw new InvalidEventLogError(
        this.#line,
        `"t" to be at least that of the line before, ${this.#nowMs}`,
        String(nowMs),
      );
    }
    this.#nowMs = nowMs;
    this.#commands.clear();
    try {
      decide(state, this.#event, nowMs, this.#commands);
    } catch (error) {
      // An event that cannot have happened in this state, or the very bug that ended the recorded run.
      const event = this.#digest.events + 1;
      this.#diverge(event, event, this.#line, 'commands', `an exception: ${(error as Error).message}`);
      return;
    }
    this.#digest.add(this.#commands);
  }

  #compare(logged: LogTotals): void {
    this.#hasCompared = true;
    const { events, commands } = this.#digest;
    const sha256 = this.#digest.sha256();
    if (logged.events === events && logged.commands === commands && logged.sha256 === sha256) {
      this.#checkedEvents = events;
      this.#checkedLine = this.#line;
      return;
    }
    const firstLine = this.#checkedLine + 1;
    this.#diverge(
      this.#checkedEvents + 1,
      Math.max(logged.events, events),
      firstLine,
      totals(logged),
      totals({ events, commands, sha256 }),
    );
  }

  #diverge(firstEvent: number, lastEvent: number, firstLine: number, expected: string, got: string): void {
    this.#divergence = { firstEvent, lastEvent, firstLine, lastLine: this.#line, expected, got };
  }

  #misplaced(expected: string, got: string): InvalidEventLogError {
    return new InvalidEventLogError(this.#line, expected, got);
  }
}

function totals({ events, commands, sha256 }: LogTotals): string {
  return `${commands} commands of ${events} events, sha256 ${sha256}`;
}
