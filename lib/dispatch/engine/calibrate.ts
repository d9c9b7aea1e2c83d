/** How fast this model runs on this machine, measured in a fraction of a second before the first task. */
import type { LlamaContextSequence, Token } from 'node-llama-cpp';

/** All measured with `threads` threads. */
export interface Pace {
  threads: number;
  prefillTokensPerSecond: number;
  /** One step in which every sequence generates a token, ms. */
  decodeStepMs: number;
  /** One step in which one sequence does, ms. */
  oneDecodeMs: number;
}

const STEPS = 3;
/** Of large models one step is enough. */
const STEPS_BUDGET_MS = 200;
/**
 * llama.cpp's attention on CPUs works in tiles of so many tokens and handles fewer one by one. SmolLM2, 1,024 tokens into a prompt:
 * 32 tokens take 370 ms, 63 take 732, 64 take 343 and 128 take 681.
 */
export const TILE_TOKENS = 64;
/** Where a tile takes longer than the bound by this factor, the pause counts for more than the work that is saved. */
const TILE_BOUND_RATIO = 3;
const SMALL_CHUNK_TOKENS = 32;
/** All threads together are slower than one alone by so much only when other processes take their CPUs (see thread-governor.ts). */
const CONTENDED_RATIO = 1.5;

/**
 * Leaves the sequences empty. Takes two chunks of 64 tokens and up to twelve decode steps.
 * @param setThreads - how many to use from the next call on; left at all, or at one where other processes are in the way
 * @param whileHeld - called while the first sequence holds what was read
 */
export async function measurePace(
  sequences: readonly LlamaContextSequence[],
  token: Token,
  threadsMax: number,
  setThreads: (threads: number) => void,
  whileHeld: (first: LlamaContextSequence, pace: Pace) => Promise<void> = async () => {},
): Promise<Pace> {
  const [first] = sequences;
  // One thread first: it waits for nobody, so that this takes no longer than it must on the busiest machine.
  setThreads(1);
  const aloneMs = await decodeMs([first!], token);
  setThreads(threadsMax);
  const togetherMs = threadsMax === 1 ? aloneMs : await decodeMs([first!], token);
  const isContended = togetherMs > CONTENDED_RATIO * aloneMs;
  const threads = isContended ? 1 : threadsMax;
  const oneDecodeMs = isContended ? aloneMs : togetherMs;
  setThreads(threads);
  const decodeStepMs = sequences.length === 1 ? oneDecodeMs : await decodeMs(sequences, token);
  const chunk = new Array<Token>(Math.min(TILE_TOKENS, first!.contextSize >> 2)).fill(token);
  // The first chunk touches the weights and the buffers; the second is what later ones cost.
  await first!.evaluateWithoutGeneratingNewTokens(chunk);
  const begin = performance.now();
  await first!.evaluateWithoutGeneratingNewTokens(chunk);
  const prefillTokensPerSecond = (chunk.length / (performance.now() - begin)) * 1_000;
  const pace: Pace = { threads, prefillTokensPerSecond, decodeStepMs, oneDecodeMs };
  await whileHeld(first!, pace);
  for (const sequence of sequences) await sequence.clearHistory();
  return pace;
}

/** The fastest of some steps in which each of the sequences generates a token. */
async function decodeMs(sequences: readonly LlamaContextSequence[], token: Token): Promise<number> {
  const generations = sequences.map((sequence) => sequence.evaluate([token], { temperature: 0, yieldEogToken: true }));
  const beginMs = performance.now();
  await Promise.all(generations.map((generation) => generation.next()));
  let bestMs = Number.POSITIVE_INFINITY;
  let nowMs = performance.now();
  for (let step = 0; step < STEPS && (step === 0 || nowMs - beginMs < STEPS_BUDGET_MS); step++) {
    const stepBeginMs = nowMs;
    await Promise.all(generations.map((generation) => generation.next()));
    nowMs = performance.now();
    bestMs = Math.min(bestMs, nowMs - stepBeginMs);
  }
  await Promise.all(generations.map((generation) => generation.return()));
  return bestMs;
}

/** What a step is expected to take with `pace.threads` threads, ms. */
export function expectedStepMs(pace: Pace, decodes: number, promptTokens: number, sequences: number): number {
  const perDecodeMs = sequences > 1 ? Math.max(0, pace.decodeStepMs - pace.oneDecodeMs) / (sequences - 1) : 0;
  const decodesMs = decodes === 0 ? 0 : pace.oneDecodeMs + (decodes - 1) * perDecodeMs;
  // A short prompt costs at least what one token does: the weights are read once in any case.
  const promptMs =
    promptTokens === 0 ? 0 : Math.max(pace.oneDecodeMs, (promptTokens / pace.prefillTokensPerSecond) * 1_000);
  return decodesMs + promptMs;
}

/**
 * The longest chunk of whole tiles that keeps one chunk plus one decode step within the bound, with so many threads; at least one tile,
 * or 32 tokens of a model that is slow here.
 */
export function chunkTokensFor(pace: Pace, threads: number, gapBoundMs: number, chunkTokensMax: number): number {
  const tokens = tilesWithin(pace, threads, gapBoundMs, chunkTokensMax);
  if (tokens > 0) return tokens;
  const tokensPerMs = (pace.prefillTokensPerSecond / 1_000) * (threads / pace.threads);
  return TILE_TOKENS <= TILE_BOUND_RATIO * gapBoundMs * tokensPerMs ? TILE_TOKENS : SMALL_CHUNK_TOKENS;
}

/** The most tokens in whole tiles that one decode step leaves room for in `ms`, with so many threads; 0 when not even one tile fits. */
export function tilesWithin(pace: Pace, threads: number, ms: number, tokensMax: number): number {
  const speed = threads / pace.threads;
  const tokensPerMs = (pace.prefillTokensPerSecond / 1_000) * speed;
  const tiles = Math.floor(((ms - pace.decodeStepMs / speed) * tokensPerMs) / TILE_TOKENS);
  return Math.max(0, Math.min(Math.floor(tokensMax / TILE_TOKENS), tiles)) * TILE_TOKENS;
}
