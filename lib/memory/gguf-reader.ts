/**
 * Reads the header of a GGUF file: its keys and its tensor entries, as they are written, checked only for being well formed.
 * What the keys must say is the business of `gguf.ts`.
 *
 * Safe on hostile files: memory is bounded by the limits below, whatever counts and lengths the file claims, since values
 * that nobody asks for (token lists, scores, long texts) are stepped over; work is bounded by the bytes of the header, since
 * every claimed count is checked against the bytes that are left. Tensor data is never read.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { InvalidGgufError } from '../base/errors.js';
import { FileCursor } from './gguf-cursor.js';
import {
  DEFAULT_ALIGNMENT_BYTES,
  FIXED_VALUE_BYTES,
  GGUF_MAGIC,
  GGUF_VERSIONS,
  MAX_DIMENSIONS,
  MAX_TENSOR_NAME_BYTES,
  roundUp,
  TENSOR_TYPES,
  ValueType,
} from './gguf-format.js';

/** Real files have tens of keys and at most some thousands of tensors; these bound our memory, not theirs. */
const MAX_KEYS = 16_384;
const MAX_TENSORS = 131_072;
const MAX_KEY_BYTES = 1_024;
/** Longer texts (chat templates) are kept by their length alone. */
const MAX_KEPT_TEXT_BYTES = 4_096;
/** Arrays of numbers up to this length are kept: per-layer values, not per-token ones. */
const MAX_KEPT_NUMBERS = 1_024;
const MIN_KEY_BYTES = 8 + 1 + 4 + 1;
const MIN_TENSOR_BYTES = 8 + 1 + 4 + 4 + 8;

/** A key's value. 64-bit integers beyond 2^53 lose their last digits. */
export type HeaderValue =
  | { kind: 'number'; value: number; integer: boolean }
  | { kind: 'bool'; value: boolean }
  /** `text` is undefined when it is longer than 4 KiB. */
  | { kind: 'text'; text: string | undefined; bytes: number }
  /** `numbers` is undefined for arrays of texts and for more than 1,024 elements. */
  | { kind: 'array'; elementType: number; count: number; numbers: readonly number[] | undefined };

/** A tensor as the header lists it. */
export interface HeaderTensor {
  name: string;
  dimensions: readonly number[];
  typeName: string;
  bytes: number;
}

export interface RawHeader {
  version: number;
  keys: ReadonlyMap<string, HeaderValue>;
  tensors: readonly HeaderTensor[];
  fileBytes: number;
  /** Sum over the tensors, without padding. */
  tensorBytes: number;
}

/**
 * @throws {@link InvalidGgufError} when the file is absent, not a regular file, not GGUF, malformed, or shorter than its
 * header promises. No other error leaves here.
 */
export async function readRawHeader(path: string): Promise<RawHeader> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const status = await file.stat();
    if (!status.isFile()) throw new InvalidGgufError(path, 'expected a GGUF file, found a directory or device.');
    if (status.size === 0) throw new InvalidGgufError(path, 'the file is empty; download or copy it again.');
    return await new HeaderReader(new FileCursor(path, file, status.size)).read();
  } catch (error) {
    if (error instanceof InvalidGgufError) throw error;
    throw unreadable(path, error);
  } finally {
    await file?.close();
  }
}

function unreadable(path: string, error: unknown): InvalidGgufError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code === 'ENOENT') return new InvalidGgufError(path, 'there is no such file.');
  if (code === 'EISDIR') return new InvalidGgufError(path, 'expected a GGUF file, found a directory.');
  return new InvalidGgufError(
    path,
    `the file cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
  );
}

class HeaderReader {
  readonly #cursor: FileCursor;

  constructor(cursor: FileCursor) {
    this.#cursor = cursor;
  }

  async read(): Promise<RawHeader> {
    if (this.#cursor.fileBytes < 24 || (await this.#cursor.uint32()) !== GGUF_MAGIC) {
      this.#cursor.fail('not a GGUF file: it does not start with a GGUF header.');
    }
    const version = await this.#cursor.uint32();
    if (version < GGUF_VERSIONS.oldest || version > GGUF_VERSIONS.newest) {
      this.#cursor.fail(
        `GGUF version ${version} is not supported; expected ${GGUF_VERSIONS.oldest} or ${GGUF_VERSIONS.newest}.`,
      );
    }
    const tensorCount = await this.#count('tensors', MAX_TENSORS, MIN_TENSOR_BYTES);
    const keyCount = await this.#count('keys', MAX_KEYS, MIN_KEY_BYTES);
    const keys = await this.#keys(keyCount);
    const tensors = await this.#tensors(
      tensorCount,
      alignmentOf(keys, (message, key) => this.#cursor.fail(message, key)),
    );
    const tensorBytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
    return { version, keys, tensors, fileBytes: this.#cursor.fileBytes, tensorBytes };
  }

  async #keys(count: number): Promise<Map<string, HeaderValue>> {
    const keys = new Map<string, HeaderValue>();
    for (let i = 0; i < count; i++) {
      this.#cursor.part = `key ${i + 1} of ${count}`;
      const key = await this.#cursor.name(MAX_KEY_BYTES);
      if (keys.has(key)) this.#cursor.fail('the key occurs twice.', key);
      this.#cursor.part = `the value of key "${key}"`;
      keys.set(key, await this.#value(key));
    }
    return keys;
  }

  async #value(key: string): Promise<HeaderValue> {
    const type = await this.#cursor.uint32();
    if (type === ValueType.string) {
      const bytes = await this.#cursor.length();
      const kept = bytes <= MAX_KEPT_TEXT_BYTES;
      return { kind: 'text', text: kept ? await this.#cursor.text(bytes) : await this.#cursor.skip(bytes), bytes };
    }
    if (type === ValueType.array) return await this.#array(key);
    if (type === ValueType.bool) {
      const value = await this.#cursor.number(type);
      return { kind: 'bool', value: value !== 0 };
    }
    if (FIXED_VALUE_BYTES[type] === undefined) this.#cursor.fail(`the key has the unknown value type ${type}.`, key);
    return { kind: 'number', value: await this.#cursor.number(type), integer: isIntegerType(type) };
  }

  async #array(key: string): Promise<HeaderValue> {
    const elementType = await this.#cursor.uint32();
    const elementBytes = FIXED_VALUE_BYTES[elementType];
    if (elementType === ValueType.string) {
      const count = await this.#arrayCount(key, 8);
      await this.#cursor.skipTexts(count);
      return { kind: 'array', elementType, count, numbers: undefined };
    }
    if (elementBytes === undefined)
      this.#cursor.fail(`the key is an array of the unsupported value type ${elementType}.`, key);
    const count = await this.#arrayCount(key, elementBytes);
    if (count > MAX_KEPT_NUMBERS) {
      return { kind: 'array', elementType, count, numbers: await this.#cursor.skip(count * elementBytes) };
    }
    const numbers: number[] = [];
    for (let i = 0; i < count; i++) numbers.push(await this.#cursor.number(elementType));
    return { kind: 'array', elementType, count, numbers };
  }

  async #tensors(count: number, alignmentBytes: number): Promise<HeaderTensor[]> {
    const tensors: HeaderTensor[] = [];
    const names = new Set<string>();
    let dataBytes = 0;
    for (let i = 0; i < count; i++) {
      this.#cursor.part = `tensor entry ${i + 1} of ${count}`;
      const name = await this.#cursor.name(MAX_TENSOR_NAME_BYTES - 1);
      if (names.has(name)) this.#cursor.fail(`tensor "${name}" is listed twice.`);
      names.add(name);
      const tensor = await this.#tensor(name);
      const offset = await this.#cursor.uint64();
      // The engine requires tensors back to back in the order of their entries, as every writer lays them out.
      if (offset !== dataBytes)
        this.#cursor.fail(`tensor "${name}" is said to start at ${offset}; expected ${dataBytes}.`);
      tensors.push(tensor);
      dataBytes += tensor.bytes;
      this.#checkDataFits(dataBytes, alignmentBytes, name);
      dataBytes = roundUp(dataBytes, alignmentBytes);
    }
    return tensors;
  }

  async #tensor(name: string): Promise<HeaderTensor> {
    const dimensionCount = await this.#cursor.uint32();
    if (dimensionCount < 1 || dimensionCount > MAX_DIMENSIONS) {
      this.#cursor.fail(`tensor "${name}" has ${dimensionCount} dimensions; expected 1 to ${MAX_DIMENSIONS}.`);
    }
    const dimensions: number[] = [];
    let elements = 1;
    for (let i = 0; i < dimensionCount; i++) {
      const dimension = await this.#cursor.uint64();
      dimensions.push(dimension);
      elements *= dimension;
      if (dimension === 0 || !Number.isSafeInteger(elements))
        this.#cursor.fail(`tensor "${name}" has an impossible shape.`);
    }
    const type = await this.#cursor.uint32();
    const layout = TENSOR_TYPES[type];
    if (layout === undefined) this.#cursor.fail(`tensor "${name}" has the unknown type ${type}.`);
    if (dimensions[0]! % layout.elements !== 0) {
      this.#cursor.fail(
        `tensor "${name}" has rows of ${dimensions[0]}; type ${layout.name} needs a multiple of ${layout.elements}.`,
      );
    }
    return { name, dimensions, typeName: layout.name, bytes: (elements / layout.elements) * layout.bytes };
  }

  /** The header may go on after this entry, so the data cannot start before here: a lower bound that needs no second pass. */
  #checkDataFits(dataBytes: number, alignmentBytes: number, name: string): void {
    const neededBytes = roundUp(this.#cursor.at, alignmentBytes) + dataBytes;
    if (neededBytes > this.#cursor.fileBytes) {
      this.#cursor.fail(
        `the file is cut short: tensor "${name}" ends at byte ${neededBytes} or later, the file has ${this.#cursor.fileBytes}. Download or copy it again.`,
      );
    }
  }

  async #count(what: string, limit: number, minBytes: number): Promise<number> {
    this.#cursor.part = `the number of ${what}`;
    const count = await this.#cursor.uint64();
    if (count > limit) this.#cursor.fail(`it claims ${count} ${what}; at most ${limit} are read.`);
    if (count * minBytes > this.#cursor.bytesLeft)
      this.#cursor.fail(`it claims ${count} ${what}, more than the file can hold.`);
    return count;
  }

  async #arrayCount(key: string, minElementBytes: number): Promise<number> {
    const count = await this.#cursor.uint64();
    if (count * minElementBytes > this.#cursor.bytesLeft) {
      this.#cursor.fail(`the key claims ${count} elements, more than the file can hold.`, key);
    }
    return count;
  }
}

function alignmentOf(keys: ReadonlyMap<string, HeaderValue>, fail: (message: string, key: string) => never): number {
  const key = 'general.alignment';
  const value = keys.get(key);
  if (value === undefined) return DEFAULT_ALIGNMENT_BYTES;
  const bytes = value.kind === 'number' && value.integer ? value.value : 0;
  const powerOfTwo = bytes >= 1 && Number.isInteger(Math.log2(bytes));
  if (!powerOfTwo) fail('expected a power of two.', key);
  return bytes;
}

function isIntegerType(type: number): boolean {
  return type !== ValueType.float32 && type !== ValueType.float64;
}
