import { describe, expect, it } from 'vitest';
import { chunkTokensFor, expectedStepMs, type Pace } from '../../lib/dispatch/engine/calibrate.js';

/** SmolLM2-135M on two cores: a chunk of 64 tokens takes 125 ms. */
const SMALL: Pace = { threads: 2, prefillTokensPerSecond: 512, decodeStepMs: 32, oneDecodeMs: 9 };
/** A model of some billions of parameters on the same machine. */
const LARGE: Pace = { threads: 2, prefillTokensPerSecond: 20, decodeStepMs: 400, oneDecodeMs: 120 };

describe('the chunk', () => {
  it('is the most whole tiles that fit into the bound beside a decode step', () => {
    expect(chunkTokensFor(SMALL, 2, 300, 500)).toBe(128);
    expect(chunkTokensFor(SMALL, 2, 10_000, 500)).toBe(448);
  });

  it('is one tile where that misses the bound by little, and small where the model is slow', () => {
    expect(chunkTokensFor(SMALL, 2, 150, 500)).toBe(64);
    expect(chunkTokensFor(SMALL, 2, 42, 500)).toBe(64);
    expect(chunkTokensFor(SMALL, 2, 41, 500)).toBe(32);
    expect(chunkTokensFor(LARGE, 2, 150, 500)).toBe(32);
  });

  it('is smaller with fewer threads', () => {
    expect(chunkTokensFor(SMALL, 1, 320, 500)).toBe(64);
    expect(chunkTokensFor(SMALL, 2, 320, 500)).toBe(128);
  });
});

describe('the time that a step is expected to take', () => {
  it('grows from one sequence to all, and with the prompt tokens', () => {
    expect(expectedStepMs(SMALL, 1, 0, 8)).toBe(9);
    expect(expectedStepMs(SMALL, 8, 0, 8)).toBe(32);
    expect(expectedStepMs(SMALL, 8, 64, 8)).toBe(157);
    expect(expectedStepMs(SMALL, 1, 0, 1)).toBe(9);
  });

  it('is never less than reading the weights once', () => {
    expect(expectedStepMs(SMALL, 0, 1, 8)).toBe(9);
  });
});
