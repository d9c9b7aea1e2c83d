/** Local GGUF models, each in a process of its own. */

import { estimateLoadBytes, type GgufHeader, readCpuQuota, readHostMemory } from '../../memory/index.js';
import type { Backend } from '../../runtime/backend.js';
import { EngineBackend } from './engine-backend.js';
import { BATCH_TOKENS } from './protocol.js';
import { savedSessionPlace } from './session-folder.js';

export interface EngineOptions {
  /** Name that requests use. */
  model: string;
  path: string;
  /** The file's header, already read and checked. */
  header: GgufHeader;
  sequences: number;
  /** Prompt plus answer of one sequence. */
  contextTokens: number;
  threads?: number;
  flashAttention?: boolean;
  gpu?: false | 'auto' | 'cuda' | 'metal' | 'vulkan';
  gapBoundMs?: number;
  chunkTokens?: number;
  /** See `ModelOptions`. */
  savedSessionBytes?: number;
}

/** A pause of 150 ms in a running stream is hardly seen. */
export const DEFAULT_GAP_BOUND_MS = 150;
/** Below this size the threads' meeting costs more than the second thread brings. */
const ONE_THREAD_FILE_BYTES = 32 * 2 ** 20;

/** Nothing is started until `launch`. */
export function createEngineBackend(options: EngineOptions): Backend {
  const { model, path, header, sequences, contextTokens } = options;
  const { cpus } = readCpuQuota();
  const embeds = !header.causal || (header.poolingType !== undefined && header.poolingType !== 'none');
  const place = embeds ? undefined : savedSessionPlace(options.savedSessionBytes, readHostMemory().availableBytes);
  const settings = {
    model,
    path,
    sequences,
    contextTokens,
    threads: options.threads ?? (header.fileBytes < ONE_THREAD_FILE_BYTES ? 1 : cpus),
    gpu: options.gpu ?? 'auto',
    flashAttention: options.flashAttention,
    gapBoundMs: options.gapBoundMs ?? DEFAULT_GAP_BOUND_MS,
    chunkTokens: options.chunkTokens,
    embeds,
    headerEstimateBytes: estimateLoadBytes(header, {
      contextTokens,
      sequences,
      batchTokens: BATCH_TOKENS,
      flashAttention: true,
    }).totalBytes,
    enginePackage: 'node-llama-cpp',
  };
  return new EngineBackend(settings, place);
}
