/**
 * Writes GGUF version 3 files: for the generated stand-in, and for the models that tests and benchmarks make up.
 * The same keys and tensors give the same bytes on every machine.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { DEFAULT_ALIGNMENT_BYTES, GGUF_MAGIC, GGUF_VERSIONS, roundUp, ValueType } from './gguf-format.js';

/** A key's value with the type that it is stored as. */
export type GgufValue =
  | { type: 'uint32' | 'int32' | 'float32'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'int32s' | 'float32s'; value: readonly number[] };

/** How a tensor's elements are stored. Q8_0 needs rows of a multiple of 32 elements. */
export type WritableTensorType = 'F32' | 'F16' | 'Q8_0';

export interface GgufTensor {
  name: string;
  /** Innermost first: a matrix that maps `in` to `out` is `[in, out]`, stored as `out` rows. */
  dimensions: readonly number[];
  type: WritableTensorType;
  /** The elements, row by row. Called once, when the tensor's turn comes, so that one tensor at a time is in memory. */
  elements(): Float32Array;
}

const TENSOR_TYPE_NUMBER = { F32: 0, F16: 1, Q8_0: 8 } as const satisfies Record<WritableTensorType, number>;
const Q8_BLOCK_ELEMENTS = 32;
const Q8_BLOCK_BYTES = 34;

/**
 * Writes the file under a temporary name beside `path` and renames it into place: a reader sees the old file, none, or
 * all of the new one. Nothing is left behind by a failure.
 * @throws the file system's own errors; RangeError when a tensor's elements do not match its dimensions
 */
export async function writeGguf(
  path: string,
  keys: ReadonlyMap<string, GgufValue>,
  tensors: readonly GgufTensor[],
): Promise<void> {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.part`;
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'wx');
    const header = encodeHeader(keys, tensors);
    await writeAll(file, header);
    for (const tensor of tensors) await writeAll(file, encodeTensor(tensor));
    await file.close();
    file = undefined;
    await rename(temporary, path);
  } catch (error) {
    await file?.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten;
}

/** Everything before the tensor data, padded to the alignment. */
function encodeHeader(keys: ReadonlyMap<string, GgufValue>, tensors: readonly GgufTensor[]): Buffer {
  const sink = new ByteSink();
  sink.uint32(GGUF_MAGIC);
  sink.uint32(GGUF_VERSIONS.newest);
  sink.uint64(tensors.length);
  sink.uint64(keys.size);
  for (const [key, value] of keys) {
    sink.string(key);
    encodeValue(sink, value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    sink.string(tensor.name);
    sink.uint32(tensor.dimensions.length);
    for (const dimension of tensor.dimensions) sink.uint64(dimension);
    sink.uint32(TENSOR_TYPE_NUMBER[tensor.type]);
    sink.uint64(offset);
    offset += roundUp(tensorBytes(tensor), DEFAULT_ALIGNMENT_BYTES);
  }
  return sink.paddedTo(DEFAULT_ALIGNMENT_BYTES);
}

function encodeValue(sink: ByteSink, value: GgufValue): void {
  switch (value.type) {
    case 'uint32':
      sink.uint32(ValueType.uint32);
      sink.uint32(value.value);
      break;
    case 'int32':
      sink.uint32(ValueType.int32);
      sink.int32(value.value);
      break;
    case 'float32':
      sink.uint32(ValueType.float32);
      sink.float32(value.value);
      break;
    case 'bool':
      sink.uint32(ValueType.bool);
      sink.uint8(value.value ? 1 : 0);
      break;
    case 'string':
      sink.uint32(ValueType.string);
      sink.string(value.value);
      break;
    case 'strings':
      sink.arrayOf(ValueType.string, value.value.length);
      for (const text of value.value) sink.string(text);
      break;
    case 'int32s':
      sink.arrayOf(ValueType.int32, value.value.length);
      for (const number of value.value) sink.int32(number);
      break;
    case 'float32s':
      sink.arrayOf(ValueType.float32, value.value.length);
      for (const number of value.value) sink.float32(number);
      break;
    default:
      value satisfies never;
  }
}

function elementCount(tensor: GgufTensor): number {
  return tensor.dimensions.reduce((product, dimension) => product * dimension, 1);
}

function tensorBytes(tensor: GgufTensor): number {
  const count = elementCount(tensor);
  if (tensor.type === 'F32') return count * 4;
  if (tensor.type === 'F16') return count * 2;
  if ((tensor.dimensions[0] ?? 0) % Q8_BLOCK_ELEMENTS !== 0) {
    throw new RangeError(
      `Tensor "${tensor.name}" is Q8_0, whose rows hold a multiple of ${Q8_BLOCK_ELEMENTS} elements.`,
    );
  }
  return (count / Q8_BLOCK_ELEMENTS) * Q8_BLOCK_BYTES;
}

/** The tensor's data with its padding. */
function encodeTensor(tensor: GgufTensor): Buffer {
  const elements = tensor.elements();
  if (elements.length !== elementCount(tensor)) {
    throw new RangeError(
      `Tensor "${tensor.name}" of [${tensor.dimensions.join(', ')}] was given ${elements.length} elements.`,
    );
  }
  const bytes = Buffer.alloc(roundUp(tensorBytes(tensor), DEFAULT_ALIGNMENT_BYTES));
  if (tensor.type === 'F32') {
    for (let i = 0; i < elements.length; i++) bytes.writeFloatLE(elements[i]!, i * 4);
  } else if (tensor.type === 'F16') {
    for (let i = 0; i < elements.length; i++) bytes.writeUInt16LE(toHalf(elements[i]!), i * 2);
  } else {
    for (let block = 0; block * Q8_BLOCK_ELEMENTS < elements.length; block++) {
      quantiseBlock(elements, block * Q8_BLOCK_ELEMENTS, bytes, block * Q8_BLOCK_BYTES);
    }
  }
  return bytes;
}

/** Q8_0: a half-precision scale (largest magnitude / 127) and 32 signed bytes. */
function quantiseBlock(elements: Float32Array, from: number, bytes: Buffer, at: number): void {
  let largest = 0;
  for (let i = 0; i < Q8_BLOCK_ELEMENTS; i++) largest = Math.max(largest, Math.abs(elements[from + i]!));
  const scale = largest / 127;
  bytes.writeUInt16LE(toHalf(scale), at);
  const inverse = scale === 0 ? 0 : 1 / scale;
  for (let i = 0; i < Q8_BLOCK_ELEMENTS; i++) bytes.writeInt8(Math.round(elements[from + i]! * inverse), at + 2 + i);
}

const floatView = new Float32Array(1);
const bitsView = new Uint32Array(floatView.buffer);

/** Bits of the nearest IEEE half-precision number, ties to even; too large becomes infinity. */
export function toHalf(value: number): number {
  floatView[0] = value;
  const bits = bitsView[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127;
  const mantissa = bits & 0x7fffff;
  if (exponent === 128) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200);
  if (exponent > 15) return sign | 0x7c00;
  if (exponent < -25) return sign;
  // Below 2^-14 a half has no hidden bit: shift it in and lose as many bits as the exponent is short of.
  const significand = exponent < -14 ? mantissa | 0x800000 : mantissa;
  const dropped = exponent < -14 ? -1 - exponent : 13;
  const kept = significand >>> dropped;
  const rest = significand & ((1 << dropped) - 1);
  const halfway = 1 << (dropped - 1);
  const rounded = rest > halfway || (rest === halfway && (kept & 1) === 1) ? 1 : 0;
  // A carry out of the mantissa correctly raises the exponent.
  return sign | ((exponent < -14 ? 0 : (exponent + 15) << 10) + kept + rounded);
}

/** A buffer that grows as it is written. */
class ByteSink {
  #bytes = Buffer.alloc(64 * 1024);
  #length = 0;

  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }

  uint8(value: number): void {
    const at = this.#reserve(1);
    this.#bytes.writeUInt8(value, at);
  }

  uint32(value: number): void {
    const at = this.#reserve(4);
    this.#bytes.writeUInt32LE(value, at);
  }

  int32(value: number): void {
    const at = this.#reserve(4);
    this.#bytes.writeInt32LE(value, at);
  }

  uint64(value: number): void {
    const at = this.#reserve(8);
    this.#bytes.writeBigUInt64LE(BigInt(value), at);
  }

  float32(value: number): void {
    const at = this.#reserve(4);
    this.#bytes.writeFloatLE(value, at);
  }

  string(text: string): void {
    const encoded = Buffer.from(text, 'utf8');
    this.uint64(encoded.length);
    const at = this.#reserve(encoded.length);
    encoded.copy(this.#bytes, at);
  }

  arrayOf(elementType: number, count: number): void {
    this.uint32(ValueType.array);
    this.uint32(elementType);
    this.uint64(count);
  }

  /** What was written, with zeros up to a multiple of `step`. */
  paddedTo(step: number): Buffer {
    this.#reserve(roundUp(this.#length, step) - this.#length);
    return this.#bytes.subarray(0, this.#length);
  }
}
