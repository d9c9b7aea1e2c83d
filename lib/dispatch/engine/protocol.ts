/** What travels between the runtime's process and an engine's, by Node's IPC with structured clones. */
import type { FinishReason, ModelJob, SavedSessionStats, Usage } from '../../runtime/backend.js';

/** Most tokens that one call of llama.cpp computes; its buffers are sized by it. */
export const BATCH_TOKENS = 512;

/** How an engine is set up; every value is final. */
export interface EngineSettings {
  model: string;
  path: string;
  sequences: number;
  /** Prompt plus answer of one sequence. */
  contextTokens: number;
  threads: number;
  gpu: false | 'auto' | 'cuda' | 'metal' | 'vulkan';
  /**
   * undefined: on. On CPUs it reads prompts 1.2 to 1.4 times faster and generates faster in contexts of up to some hundred tokens; in
   * longer ones generating is faster without (SmolLM2, 8 sequences at 1,024 tokens: 144 ms a step with it, 109 without).
   */
  flashAttention: boolean | undefined;
  /** Longest pause that a running stream should feel, ms. */
  gapBoundMs: number;
  /** Fixed chunk size instead of the measured one. */
  chunkTokens: number | undefined;
  /** The header says that the model embeds and does not generate. */
  embeds: boolean;
  /** Where and how much of named sessions is saved; undefined: nothing. The folder goes with the process. */
  savedSessions: { folder: string; bytesMax: number } | undefined;
  /** Arithmetic on the header, for when the engine cannot simulate the load. */
  headerEstimateBytes: number;
  /** Module to import node-llama-cpp from: a bare name or a file URL. */
  enginePackage: string;
}

export type ToEngine =
  | { type: 'launch'; settings: EngineSettings }
  | { type: 'load' }
  | { type: 'prepare'; id: number; job: ModelJob }
  | { type: 'discard'; id: number }
  | {
      type: 'start';
      task: number;
      slot: number;
      rank: number;
      job: ModelJob;
      prepared: number | undefined;
      session: number;
    }
  /** Answered by `pong`: the process's event loop turns. */
  | { type: 'ping' }
  | { type: 'cancel'; task: number }
  | { type: 'hold'; task: number }
  | { type: 'proceed'; task: number };

/** An error that crosses the process boundary: enough to rebuild the class. */
export interface WireError {
  code: string;
  message: string;
  promptTokens?: number;
  contextTokens?: number;
  isLowerBound?: boolean;
  param?: string;
}

export interface EndedTask {
  task: number;
  reason: FinishReason;
  usage: Usage;
  heldTokens: number;
}

export type FromEngine =
  /** The process has loaded its code and waits for `launch`. */
  | { type: 'up' }
  | { type: 'estimated'; ramBytes: number; vramBytes: number; source: 'engine' | 'header' }
  | {
      type: 'ready';
      contextTokens: number;
      sequences: number;
      chunkTokens: number;
      prefillTokensPerSecond: number | undefined;
      decodeStepMs: number | undefined;
      embeddingLength: number | undefined;
      generates: boolean;
      description: string;
    }
  | { type: 'prepared'; id: number; promptTokens: number }
  | { type: 'unprepared'; id: number; error: WireError }
  /** One step: parallel arrays, then whoever ended with it. */
  | { type: 'step'; tasks: number[]; prefilled: number[]; generated: number[]; texts: string[]; ended: EndedTask[] }
  | { type: 'embedded'; task: number; vector: Float32Array; usage: Usage }
  | { type: 'failed'; task: number; error: WireError }
  /** Sessions were saved or loaded. */
  | { type: 'saved'; stats: SavedSessionStats }
  | { type: 'pong' }
  /** The load failed; the process ends after it. */
  | { type: 'broken'; error: WireError };
