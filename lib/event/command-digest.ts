/**
 * One hash over everything the scheduler answered: two runs with the same hash took the same decisions.
 *
 * Hashed per event, as 64-bit floats, low byte first: number of the event (from 1), number of its commands, and kind, a, b, c, d of
 * each. NaN, which has many patterns, always counts as 7ff8000000000000; −0 and 0 differ.
 * The hash function itself is handed in (Node's `createHash('sha256')` fits): it is the platform's, and this layer touches no platform.
 * Complexity: O(commands), without an allocation until a result is asked for. Memory: 16 KiB.
 */
import type { CommandBuffer } from './command-buffer.js';

/** What is needed of a hash function; `Hash` of `node:crypto` has it. */
export interface StreamingHash {
  update(bytes: Uint8Array): unknown;
  /** An independent hash of the same bytes so far. */
  copy(): StreamingHash;
  digest(encoding: 'hex'): string;
}

const BUFFER_BYTES = 16_384;
const COMMAND_BYTES = 5 * 8;
const NAN_HIGH = 0x7ff80000;

export class CommandDigest {
  /** Events that were added. */
  events = 0;
  /** Commands of all of them. */
  commands = 0;
  readonly #hash: StreamingHash;
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #filled = 0;

  /** @param hash - fresh; the digest owns it from now on */
  constructor(hash: StreamingHash) {
    this.#hash = hash;
  }

  /** Takes the commands of the next event into account. */
  add(commands: CommandBuffer): void {
    this.#require(2 * 8);
    this.#write(++this.events);
    this.#write(commands.length);
    for (let index = 0; index < commands.length; index++) {
      this.#require(COMMAND_BYTES);
      this.#write(commands.kind(index));
      this.#write(commands.a(index));
      this.#write(commands.b(index));
      this.#write(commands.c(index));
      this.#write(commands.d(index));
    }
    this.commands += commands.length;
  }

  /** Hash of everything so far, hexadecimal. More may be added afterwards. */
  sha256(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  #require(bytes: number): void {
    if (this.#filled + bytes > BUFFER_BYTES) this.#flush();
  }

  #write(value: number): void {
    if (Number.isNaN(value)) {
      this.#view.setUint32(this.#filled, 0, true);
      this.#view.setUint32(this.#filled + 4, NAN_HIGH, true);
    } else {
      this.#view.setFloat64(this.#filled, value, true);
    }
    this.#filled += 8;
  }

  #flush(): void {
    this.#hash.update(this.#bytes.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
