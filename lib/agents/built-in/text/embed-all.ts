/** Embeddings of many texts, in batches: what waits in the queue stays short, a cancelled call leaves little behind, and progress is seen. */
import type { AgentContext } from '../../agent-context.js';

/** Some hundred milliseconds of work for a small model. */
const BATCH_TEXTS = 64;

/**
 * Vectors of length 1 in the order of the texts.
 * @param onProgress - told after each batch how many texts are done
 */
export async function embedAll(
  ctx: AgentContext,
  texts: readonly string[],
  onProgress?: (done: number) => void,
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (let from = 0; from < texts.length; from += BATCH_TEXTS) {
    vectors.push(...(await ctx.embed(texts.slice(from, from + BATCH_TEXTS))));
    onProgress?.(vectors.length);
  }
  return vectors;
}
