/** How fast this model runs on this machine, measured in a fraction of a second before the first task. */
import type { LlamaContextSequence, Token } from 'node-llama-cpp';

export interface Pace {
  prefillTokensPerSecond: number;
  /** One step in which every sequence generates a token, ms. */
  decodeStepMs: number;
}

const CHUNK_TOKENS = 64;
const STEPS = 3;
/** Chunks are multiples of this, and at least this long. */
const CHUNK_STEP_TOKENS = 32;

/** Leaves the sequences empty. Takes two chunks of 64 tokens and four decode steps. */
export async function measurePace(sequences: readonly LlamaContextSequence[], token: Token): Promise<Pace> {
  const [first] = sequences;
  const chunk = new Array<Token>(Math.min(CHUNK_TOKENS, first!.contextSize >> 2)).fill(token);
  // The first chunk touches the weights and the buffers; the second is what later ones cost.
  await first!.evaluateWithoutGeneratingNewTokens(chunk);
  const chunkBegin = performance.now();
  await first!.evaluateWithoutGeneratingNewTokens(chunk);
  const chunkMs = performance.now() - chunkBegin;

  const generations = sequences.map((sequence) => sequence.evaluate([token], { temperature: 0 }));
  await Promise.all(generations.map((generation) => generation.next()));
  const times: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const begin = performance.now();
    await Promise.all(generations.map((generation) => generation.next()));
    times.push(performance.now() - begin);
  }
  await Promise.all(generations.map((generation) => generation.return()));
  for (const sequence of sequences) await sequence.clearHistory();
  return { prefillTokensPerSecond: (chunk.length / chunkMs) * 1_000, decodeStepMs: Math.min(...times) };
}

/** The longest chunk that keeps one chunk plus one decode step within the bound; at least 32 tokens. */
export function chunkTokensFor(pace: Pace, gapBoundMs: number, chunkTokensMax: number): number {
  const tokens = ((gapBoundMs - pace.decodeStepMs) / 1_000) * pace.prefillTokensPerSecond;
  const whole = Math.floor(tokens / CHUNK_STEP_TOKENS) * CHUNK_STEP_TOKENS;
  return Math.max(CHUNK_STEP_TOKENS, Math.min(chunkTokensMax, whole));
}
