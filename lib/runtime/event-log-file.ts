/**
 * Records a run in a file, as docs/event-log.md says.
 *
 * Lines are gathered during one round of the event loop and handed to the stream at its end, or earlier when they are many; writing
 * goes on beside the scheduler. What cannot be written (no room, no right, a disk that does not keep up) ends the recording with
 * one warning and never touches the scheduler: a log with a hole would replay to something else, so nothing follows a loss.
 * Cost per event: the text of its line and the hash of its commands, about a microsecond. Memory: at most {@link BACKLOG_BYTES_MAX}.
 */
import { createHash } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { packageVersion } from '../base/version.js';
import { type CommandBuffer, EventLogWriter, type SchedulerEvent } from '../event/index.js';
import { configLine, type SchedulerConfig } from '../scheduler/index.js';

/** Text that is handed over before the round of the event loop is over. */
const BATCH_CHARACTERS = 65_536;
/** What the disk may be behind before the recording is given up: more than two million submissions in one round of the event loop. */
const BACKLOG_BYTES_MAX = 256 * 2 ** 20;

export interface EventLogFileOptions {
  /** A file that exists is replaced. */
  path: string;
  config: SchedulerConfig;
  /** The scheduler's clock now, ms. */
  nowMs: number;
  /** Version of the package, for the header. Default: of this one. */
  agentyard?: string;
  /** Events between two check lines. Default 1,000. */
  checkEvery?: number;
  /** Told once when the recording ends early. Default: a warning of the process. */
  onFailure?: (error: Error) => void;
  /** Bytes that may wait for the disk. Default 256 MiB. */
  backlogBytesMax?: number;
}

export class EventLogFile {
  readonly #path: string;
  readonly #writer: EventLogWriter;
  readonly #stream: WriteStream;
  readonly #onFailure: (error: Error) => void;
  readonly #backlogBytesMax: number;
  #text: string;
  #flush: NodeJS.Immediate | undefined;
  #hasFailed = false;
  #closing: Promise<void> | undefined;

  constructor(options: EventLogFileOptions) {
    this.#path = options.path;
    this.#writer = new EventLogWriter(createHash('sha256'), options.checkEvery);
    this.#onFailure = options.onFailure ?? ((error) => process.emitWarning(error));
    this.#backlogBytesMax = options.backlogBytesMax ?? BACKLOG_BYTES_MAX;
    this.#text = `${configLine(options.config, options.nowMs, options.agentyard ?? packageVersion())}\n`;
    this.#stream = createWriteStream(options.path);
    this.#stream.on('error', (error) => this.#fail(error.message));
    this.#flush = setImmediate(() => this.#write());
  }

  /** Are events still taken down? Not after a failure or {@link close}. */
  get isRecording(): boolean {
    return !this.#hasFailed && this.#closing === undefined;
  }

  /**
   * Takes the next decision down. Never throws and never waits.
   * @param commands - all that the event was answered with
   */
  append(event: SchedulerEvent, nowMs: number, commands: CommandBuffer): void {
    if (!this.isRecording) return;
    this.#text += this.#writer.event(event, nowMs, commands);
    if (this.#text.length >= BATCH_CHARACTERS) this.#write();
    else this.#flush ??= setImmediate(() => this.#write());
  }

  /** Writes the end line and closes the file. Resolves when it is closed, also after a failure; a second call is the first. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.#stream.closed) resolve();
      else this.#stream.once('close', resolve);
      if (this.#hasFailed) return;
      this.#text += this.#writer.end();
      this.#write();
      this.#stream.end();
    });
    return this.#closing;
  }

  #write(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    const text = this.#text;
    this.#text = '';
    if (this.#hasFailed || text === '') return;
    this.#stream.write(text);
    if (this.#stream.writableLength > this.#backlogBytesMax) {
      this.#fail(`the disk is ${this.#stream.writableLength} bytes behind`);
      this.#stream.destroy();
    }
  }

  #fail(reason: string): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#text = '';
    clearImmediate(this.#flush);
    const error = new Error(`Recording of the event log "${this.#path}" has ended: ${reason}. Scheduling goes on.`);
    error.name = 'EventLogWarning';
    this.#onFailure(error);
  }
}
