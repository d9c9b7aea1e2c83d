/** Reads the little-endian values of a GGUF header through one window over the file: bounded memory, few system calls. */
import type { FileHandle } from 'node:fs/promises';
import { InvalidGgufError } from '../base/errors.js';
import { FIXED_VALUE_BYTES, ValueType } from './gguf-format.js';

/** Read size. A 150,000-token vocabulary with merges is about 8 MB of header: a few dozen reads. */
const WINDOW_BYTES = 256 * 1024;

/**
 * A position in the file that only moves forward. Every method throws {@link InvalidGgufError} when the file ends too early.
 * Not for concurrent use: await one call before the next.
 */
export class FileCursor {
  readonly fileBytes: number;
  /** What is being read, for messages: set by the reader as it goes. */
  part = 'the first bytes';
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #window = Buffer.allocUnsafe(WINDOW_BYTES);
  #windowStart = 0;
  #windowLength = 0;
  #at = 0;

  constructor(path: string, file: FileHandle, fileBytes: number) {
    this.#path = path;
    this.#file = file;
    this.fileBytes = fileBytes;
  }

  /** Bytes from the start of the file to the next value. */
  get at(): number {
    return this.#at;
  }

  get bytesLeft(): number {
    return this.fileBytes - this.#at;
  }

  async name(limitBytes: number): Promise<string> {
    const bytes = await this.length();
    if (bytes === 0 || bytes > limitBytes)
      this.fail(`${this.part} has a name of ${bytes} bytes; expected 1 to ${limitBytes}.`);
    return await this.text(bytes);
  }

  async length(): Promise<number> {
    const bytes = await this.uint64();
    if (bytes > this.bytesLeft) this.#truncated();
    return bytes;
  }

  async text(bytes: number): Promise<string> {
    const from = await this.#take(bytes);
    return this.#window.toString('utf8', from, from + bytes);
  }

  async skip(bytes: number): Promise<undefined> {
    if (bytes > this.bytesLeft) this.#truncated();
    this.#at += bytes;
    return undefined;
  }

  /** Awaits only when the window is used up: once per some ten thousand tokens, not once per token. */
  async skipTexts(count: number): Promise<void> {
    for (let left = count; left > 0; left--) {
      const from = this.#at - this.#windowStart;
      const inWindow = from >= 0 && from + 8 <= this.#windowLength;
      const bytes = inWindow ? this.#uint64At(this.#advance(8)) : await this.uint64();
      if (bytes > this.bytesLeft) this.#truncated();
      this.#at += bytes;
    }
  }

  async uint32(): Promise<number> {
    return this.#window.readUInt32LE(await this.#take(4));
  }

  async uint64(): Promise<number> {
    return this.#uint64At(await this.#take(8));
  }

  /** Values beyond 2^53 are inexact, which is harmless: every count and length is compared with the file's size. */
  #uint64At(index: number): number {
    return this.#window.readUInt32LE(index) + this.#window.readUInt32LE(index + 4) * 2 ** 32;
  }

  async number(type: number): Promise<number> {
    const index = await this.#take(FIXED_VALUE_BYTES[type] ?? 0);
    switch (type) {
      case ValueType.uint8:
      case ValueType.bool:
        return this.#window.readUInt8(index);
      case ValueType.int8:
        return this.#window.readInt8(index);
      case ValueType.uint16:
        return this.#window.readUInt16LE(index);
      case ValueType.int16:
        return this.#window.readInt16LE(index);
      case ValueType.uint32:
        return this.#window.readUInt32LE(index);
      case ValueType.int32:
        return this.#window.readInt32LE(index);
      case ValueType.float32:
        return this.#window.readFloatLE(index);
      case ValueType.uint64:
        return this.#uint64At(index);
      case ValueType.int64:
        return Number(this.#window.readBigInt64LE(index));
      default:
        return this.#window.readDoubleLE(index);
    }
  }

  /** Makes the next `bytes` (at most a window) available and moves past them; returns where they are in the window. */
  async #take(bytes: number): Promise<number> {
    if (this.#at + bytes > this.fileBytes) this.#truncated();
    const from = this.#at - this.#windowStart;
    if (from >= 0 && from + bytes <= this.#windowLength) return this.#advance(bytes);
    this.#windowStart = this.#at;
    this.#windowLength = 0;
    while (this.#windowLength < bytes) {
      const { bytesRead } = await this.#file.read(
        this.#window,
        this.#windowLength,
        WINDOW_BYTES - this.#windowLength,
        this.#windowStart + this.#windowLength,
      );
      // The file has shrunk since its size was read.
      if (bytesRead === 0) this.#truncated();
      this.#windowLength += bytesRead;
    }
    return this.#advance(bytes);
  }

  #advance(bytes: number): number {
    const index = this.#at - this.#windowStart;
    this.#at += bytes;
    return index;
  }

  #truncated(): never {
    this.fail(`the file is cut short: it ends inside ${this.part}. Download or copy it again.`);
  }

  /** Refuse the file. */
  fail(message: string, key?: string): never {
    throw new InvalidGgufError(this.#path, key === undefined ? message : `key "${key}": ${message}`, key);
  }
}
