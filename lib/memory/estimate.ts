/**
 * What loading a model takes, by arithmetic on its header: the fallback where the engine's own simulation is not available.
 *
 *   weights = bytes of the tensors
 *   KV      = sequences · contextTokens · kvHeadsTotal · (keyDim + valueDim) · bytesPerElement
 *   compute = batchTokens · (4 · vocabSize + 8 · feedForward + 24 · embeddingLength + attention) + 8 MiB
 *   total   = 1.25 · (weights + KV + compute)
 *
 * KV is the formula of Kwon et al. 2023 (PagedAttention). Compute is a model of llama.cpp's graph buffers, in 4-byte floats per
 * token of a batch: the logits, the two wide halves of a gated feed-forward layer, six vectors of the embedding's length
 * alive at once; attention is the mask (2 bytes per context token), and without flash attention also one score per head and
 * context token and a mask of 4 bytes. 8 MiB is what real growth was above the engine's own simulation in the worst of
 * fifteen measured loads, rounded up; 1.25 is the reserve for what the model leaves out. Measured rows are in the test.
 */
import type { GgufHeader } from './gguf.js';
import { roundUp } from './gguf-format.js';

/** The part of a model's shape that the KV cache depends on. */
export type KvShape = Pick<GgufHeader, 'kvHeadsTotal' | 'keyDim' | 'valueDim'>;

/** The part of a header that an estimate needs. */
export type EstimateShape = KvShape &
  Pick<GgufHeader, 'tensorBytes' | 'heads' | 'embeddingLength' | 'feedForward' | 'vocabSize'>;

export interface LoadOptions {
  /** Context of one sequence, in tokens. */
  contextTokens: number;
  /** Sequences that are held at once. */
  sequences: number;
  /** Largest number of tokens computed in one step. */
  batchTokens: number;
  /** Bytes of one element of a key or value: 2 for the usual half precision. Default 2. */
  kvBytesPerElement?: number;
  /** Is flash attention certainly on? Default false, which needs more. */
  flashAttention?: boolean;
}

/** All in bytes, integers. */
export interface HeaderEstimate {
  weightsBytes: number;
  kvBytes: number;
  computeBytes: number;
  /** To reserve: the sum with its reserve of a quarter. */
  totalBytes: number;
}

const RESERVE_FACTOR = 1.25;
const FIXED_COMPUTE_BYTES = 8 * 2 ** 20;
/** llama.cpp rounds each sequence's context up to a multiple of this. */
const CONTEXT_STEP_TOKENS = 256;
const FLOAT_BYTES = 4;

/**
 * Memory that one token of context takes in the KV cache, in bytes.
 * Formula: kvHeadsTotal · (keyDim + valueDim) · bytesPerElement, where kvHeadsTotal sums over the layers.
 * Source: Kwon et al. 2023, PagedAttention. Test: OPT-13B (40 layers, 40 heads of 128, fp16) → 819,200 bytes.
 * @param bytesPerElement - 2 for half precision; may be a fraction for a quantised cache
 */
export function kvBytesPerToken(shape: KvShape, bytesPerElement: number): number {
  return shape.kvHeadsTotal * (shape.keyDim + shape.valueDim) * bytesPerElement;
}

/**
 * An upper estimate of what a load takes, in bytes. Counts in `options` are positive; fractions are rounded up at the end.
 * It leaves out the engine process itself (about 105 MB resident) and does not credit sliding windows, which need less.
 */
export function estimateLoadBytes(shape: EstimateShape, options: LoadOptions): HeaderEstimate {
  const contextTokens = roundUp(options.contextTokens, CONTEXT_STEP_TOKENS);
  const kvBytes = options.sequences * contextTokens * kvBytesPerToken(shape, options.kvBytesPerElement ?? 2);
  const attentionBytes = options.flashAttention ? 2 * contextTokens : FLOAT_BYTES * contextTokens * (shape.heads + 1);
  const bytesPerBatchToken =
    FLOAT_BYTES * (shape.vocabSize + 2 * shape.feedForward + 6 * shape.embeddingLength) + attentionBytes;
  const computeBytes = options.batchTokens * bytesPerBatchToken + FIXED_COMPUTE_BYTES;
  return {
    weightsBytes: shape.tensorBytes,
    kvBytes: Math.ceil(kvBytes),
    computeBytes: Math.ceil(computeBytes),
    totalBytes: Math.ceil(RESERVE_FACTOR * (shape.tensorBytes + kvBytes + computeBytes)),
  };
}
