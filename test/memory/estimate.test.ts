import { describe, expect, it } from 'vitest';
import { type EstimateShape, estimateLoadBytes, kvBytesPerToken } from '../../lib/memory/estimate.js';

const MIB = 2 ** 20;

/** A generated llama: heads of 64 (of 16 below dim 64), as many for keys and values, no weights, 384 tokens. */
function shape(dim: number, layers: number, feedForward: number): EstimateShape {
  const headDim = Math.min(64, dim / 4);
  const heads = dim / headDim;
  return {
    kvHeadsTotal: heads * layers,
    keyDim: headDim,
    valueDim: headDim,
    heads,
    embeddingLength: dim,
    feedForward,
    vocabSize: 384,
    tensorBytes: 0,
  };
}

describe('the KV cache', () => {
  it('takes 819,200 bytes per token for OPT-13B, the example of the PagedAttention paper', () => {
    expect(kvBytesPerToken({ kvHeadsTotal: 40 * 40, keyDim: 128, valueDim: 128 }, 2)).toBe(819_200);
  });

  it('takes what the sequences hold, their contexts rounded up to 256 tokens', () => {
    const options = { contextTokens: 300, sequences: 4, batchTokens: 512 };
    const { kvBytes } = estimateLoadBytes(shape(512, 8, 1536), options);
    expect(kvBytes).toBe(4 * 512 * 8 * 2 * 512 * 2);
  });

  it('halves when its elements do', () => {
    const options = { contextTokens: 4096, sequences: 1, batchTokens: 512 };
    const whole = estimateLoadBytes(shape(512, 8, 1536), options).kvBytes;
    expect(estimateLoadBytes(shape(512, 8, 1536), { ...options, kvBytesPerElement: 1 }).kvBytes).toBe(whole / 2);
  });
});

describe('the estimate', () => {
  /**
   * Growth of the resident set by creating and using a context, in MiB: node-llama-cpp 3.22.1 on Linux, CPU, batches of 512,
   * flash attention automatic, one process per row, weights not included.
   */
  const measured: [string, EstimateShape, number, number, number][] = [
    ['dim 64', shape(64, 2, 128), 512, 1, 5.0],
    ['dim 64', shape(64, 2, 128), 32_768, 1, 24.7],
    ['dim 256', shape(256, 4, 768), 512, 1, 11.3],
    ['dim 256', shape(256, 4, 768), 4_096, 1, 27.6],
    ['dim 256', shape(256, 4, 768), 32_768, 1, 141.3],
    ['dim 512', shape(512, 8, 1536), 512, 1, 23.3],
    ['dim 512', shape(512, 8, 1536), 4_096, 1, 82.0],
    ['dim 512', shape(512, 8, 1536), 32_768, 1, 531.5],
    ['dim 512', shape(512, 8, 1536), 4_096, 4, 260],
    ['dim 512', shape(512, 8, 1536), 4_096, 16, 1_036],
  ];

  it.each(measured)(
    'is not below what was observed: %s (case %#)',
    (_, model, contextTokens, sequences, observedMib) => {
      const options = { contextTokens, sequences, batchTokens: 512, flashAttention: true };
      const mib = estimateLoadBytes(model, options).totalBytes / MIB;
      expect(mib).toBeGreaterThanOrEqual(observedMib);
      // … and no wilder than its reserve, its fixed part and buffers that a short use does not touch explain.
      expect(mib).toBeLessThan(1.4 * observedMib + 40);
    },
  );

  it('adds a quarter to the sum of its parts', () => {
    const model = { ...shape(512, 8, 1536), tensorBytes: 100 * MIB };
    const estimate = estimateLoadBytes(model, { contextTokens: 4096, sequences: 2, batchTokens: 512 });
    expect(estimate.weightsBytes).toBe(100 * MIB);
    const sum = estimate.weightsBytes + estimate.kvBytes + estimate.computeBytes;
    expect(estimate.totalBytes).toBeCloseTo(1.25 * sum, -1);
  });

  it('is larger where flash attention may be off: one score per head and context token', () => {
    const options = { contextTokens: 4096, sequences: 1, batchTokens: 512 };
    const off = estimateLoadBytes(shape(512, 8, 1536), options).computeBytes;
    const on = estimateLoadBytes(shape(512, 8, 1536), { ...options, flashAttention: true }).computeBytes;
    expect(off - on).toBe(512 * 4096 * (4 * (8 + 1) - 2));
  });
});
