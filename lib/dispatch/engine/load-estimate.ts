/** What a load takes, by the engine's own simulation: it builds the graphs without allocating. */
import type { Llama } from 'node-llama-cpp';
import type { LoadEstimate } from '../../runtime/backend.js';
import type { EngineLibrary } from './engine-library.js';
import { BATCH_TOKENS, type EngineSettings } from './protocol.js';

/** The simulation was low by at most 2.3 MiB and high by up to 18 % (docs/memory.md). */
const MARGIN_BYTES = 8 * 2 ** 20;
const MARGIN_RATIO = 0.03;

/** Some milliseconds. Falls back to the arithmetic on the header that came with the settings. */
export async function estimateLoad(
  library: EngineLibrary,
  llama: Llama,
  settings: EngineSettings,
): Promise<LoadEstimate> {
  const { path, sequences, contextTokens, embeds, flashAttention, headerEstimateBytes } = settings;
  try {
    const insights = await library.GgufInsights.from(await library.readGgufFileInfo(path), llama);
    const layers = llama.gpu === false ? 0 : insights.totalLayers;
    const weights = await insights.estimateModelResourceRequirementsV2({ gpuLayers: layers });
    const context = await insights.estimateContextResourceRequirementsV2({
      contextSize: contextTokens,
      modelGpuLayers: layers,
      batchSize: embeds ? contextTokens : BATCH_TOKENS,
      sequences: embeds ? 1 : sequences,
      isEmbeddingContext: embeds,
      flashAttention: flashAttention ?? true,
    });
    return {
      ramBytes: withMargin(weights.cpuRam + context.cpuRam),
      vramBytes: withMargin(weights.gpuVram + context.gpuVram),
      source: 'engine',
    };
  } catch {
    // The simulation is a convenience of the library; the header's arithmetic is the safe side of it.
    return { ramBytes: headerEstimateBytes, vramBytes: 0, source: 'header' };
  }
}

/** 0 stays 0: what is not used needs no margin. */
function withMargin(bytes: number): number {
  return bytes === 0 ? 0 : Math.ceil(bytes + Math.max(MARGIN_BYTES, MARGIN_RATIO * bytes));
}
