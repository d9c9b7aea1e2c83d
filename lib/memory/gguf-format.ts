/**
 * The numbers of the GGUF format that reading and writing share.
 * Source: the GGUF specification and llama.cpp's `gguf.cpp`, `ggml.h` and `ggml-common.h`, as bundled with node-llama-cpp 3.22.
 * Layout: magic · version u32 · tensor count u64 · key count u64 · keys · tensor entries · padding · tensor data.
 * Little-endian throughout; a string is its length as u64 and its UTF-8 bytes.
 */

/** "GGUF" as a little-endian u32. */
export const GGUF_MAGIC = 0x46554747;

/** Versions that the engine reads. 1 had 32-bit counts and is gone. */
export const GGUF_VERSIONS = { oldest: 2, newest: 3 } as const;

/** Tensor data begins at, and each tensor is padded to, a multiple of this unless `general.alignment` says otherwise. */
export const DEFAULT_ALIGNMENT_BYTES = 32;

/** Longest tensor name, exclusive (`GGML_MAX_NAME`). */
export const MAX_TENSOR_NAME_BYTES = 64;

/** Most dimensions of a tensor (`GGML_MAX_DIMS`). */
export const MAX_DIMENSIONS = 4;

/** Type numbers of key values. */
export const ValueType = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

/** Bytes of one value of a fixed-size type; strings and arrays have none. */
export const FIXED_VALUE_BYTES: Readonly<Record<number, number>> = {
  [ValueType.uint8]: 1,
  [ValueType.int8]: 1,
  [ValueType.uint16]: 2,
  [ValueType.int16]: 2,
  [ValueType.uint32]: 4,
  [ValueType.int32]: 4,
  [ValueType.float32]: 4,
  [ValueType.bool]: 1,
  [ValueType.uint64]: 8,
  [ValueType.int64]: 8,
  [ValueType.float64]: 8,
};

/** How a tensor type packs its elements: each block of `elements` takes `bytes`. */
export interface TensorTypeLayout {
  name: string;
  elements: number;
  bytes: number;
}

const layout = (name: string, elements: number, bytes: number): TensorTypeLayout => ({ name, elements, bytes });

/**
 * Tensor types by number. Gaps are types that were removed from the format; the engine refuses them, and so do we.
 * Bytes are those that `ggml-common.h` asserts for its block structures.
 */
export const TENSOR_TYPES: Readonly<Record<number, TensorTypeLayout>> = {
  0: layout('F32', 1, 4),
  1: layout('F16', 1, 2),
  2: layout('Q4_0', 32, 18),
  3: layout('Q4_1', 32, 20),
  6: layout('Q5_0', 32, 22),
  7: layout('Q5_1', 32, 24),
  8: layout('Q8_0', 32, 34),
  9: layout('Q8_1', 32, 36),
  10: layout('Q2_K', 256, 84),
  11: layout('Q3_K', 256, 110),
  12: layout('Q4_K', 256, 144),
  13: layout('Q5_K', 256, 176),
  14: layout('Q6_K', 256, 210),
  15: layout('Q8_K', 256, 292),
  16: layout('IQ2_XXS', 256, 66),
  17: layout('IQ2_XS', 256, 74),
  18: layout('IQ3_XXS', 256, 98),
  19: layout('IQ1_S', 256, 50),
  20: layout('IQ4_NL', 32, 18),
  21: layout('IQ3_S', 256, 110),
  22: layout('IQ2_S', 256, 82),
  23: layout('IQ4_XS', 256, 136),
  24: layout('I8', 1, 1),
  25: layout('I16', 1, 2),
  26: layout('I32', 1, 4),
  27: layout('I64', 1, 8),
  28: layout('F64', 1, 8),
  29: layout('IQ1_M', 256, 56),
  30: layout('BF16', 1, 2),
  34: layout('TQ1_0', 256, 54),
  35: layout('TQ2_0', 256, 66),
  39: layout('MXFP4', 32, 17),
  40: layout('NVFP4', 64, 36),
  41: layout('Q1_0', 128, 18),
  42: layout('Q2_0', 64, 18),
};

/** `value` rounded up to a multiple of `step`. */
export function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
