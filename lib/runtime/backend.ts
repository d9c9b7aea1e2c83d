/**
 * The port between the runtime and whatever carries work out (a local engine, an upstream, a function).
 * The runtime knows adapters only through this file. Adapters do; they decide nothing.
 *
 * Ownership: the runtime owns a task until `start` returns; from then on the backend owes exactly one of
 * `sink.settled` or `sink.failed` for it, whatever happens (a cancel included), or one `sink.down` that covers all of them.
 */
import type { AgentyardError } from '../base/errors.js';

/** One turn of a chat as a model reads it. Content is plain text. */
export interface ChatTurn {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** A model's wish to have a tool called. */
export interface ToolCall {
  /** Names the call in the message that answers it. */
  id: string;
  name: string;
  arguments: Readonly<Record<string, unknown>>;
}

/** One message of a chat as a caller gives it. Content is plain text. */
export type ChatMessage =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string; toolCalls?: readonly ToolCall[] }
  /** What a call gave. Follows the assistant's message that has the call. */
  | { role: 'tool'; toolCallId: string; content: string };

/** Which calls an answer may hold, for the engine's grammar. What calls look like says `tool-prompt.ts`. */
export interface ToolBounds {
  /** The tools that may be called, with the JSON Schema of their arguments. */
  tools: readonly { name: string; parameters: Readonly<Record<string, unknown>> }[];
  /** `auto`: text, calls, or text and then calls; `required`: calls alone; `none`: no call. */
  choice: 'auto' | 'required' | 'none';
  /** Calls that one answer may hold, ≥ 1. */
  callsMax: number;
}

/** How to generate. Every field has its final value: defaults are applied before a job is built. */
export interface GenerationOptions {
  /** Upper limit of generated tokens, ≥ 1. */
  maxTokens: number;
  /** 0 is greedy; otherwise (0, 2]. */
  temperature: number;
  /** Nucleus sampling, (0, 1]. */
  topP: number;
  /** Seed of the sampler, an unsigned 32-bit integer; undefined draws one. */
  seed: number | undefined;
  /** Texts that end the answer; they are not part of it. */
  stop: readonly string[];
  /** Constrain the answer to this JSON schema by the engine's grammar. */
  jsonSchema: Readonly<Record<string, unknown>> | undefined;
  /** Bind the calls in the answer. With `jsonSchema`, an answer is calls or a value of the schema. */
  toolBounds?: ToolBounds | undefined;
}

/** What a model is asked to do: the payload of a task. The core never looks inside. */
export type ModelJob =
  | { kind: 'chat'; messages: readonly ChatTurn[]; options: GenerationOptions }
  | { kind: 'completion'; prompt: string | readonly number[]; options: GenerationOptions }
  | { kind: 'embedding'; input: string | readonly number[] };

/** What the backend needs to know about a task that is handed over. */
export interface StartOrder {
  /** The scheduler's small integer for the task; unique among unsettled tasks. */
  task: number;
  /** Slot (sequence) index inside the model's pool that the lease names. */
  slot: number;
  /** Rank among running work for the step planner; larger advances first. */
  rank: number;
  job: ModelJob;
  /** Token from {@link Backend.prepare}, so that the prompt is not tokenised twice. */
  prepared: number | undefined;
  /** Number of the session that the caller named, whose prefix is worth keeping beyond its slot; 0 for none. */
  session: number;
}

/** Token counts of a finished task. */
export interface Usage {
  promptTokens: number;
  /** Prompt tokens that were already in the slot and not computed again. */
  cachedTokens: number;
  outputTokens: number;
}

export type FinishReason = 'stop' | 'length' | 'cancelled';

/** Where a backend reports to. Every call is synchronous and cheap; a backend may call it many times per event-loop turn. */
export interface BackendSink {
  /**
   * The engine process is up and has worked out what a load would take; nothing is loaded yet. The runtime answers with
   * {@link Backend.load} when the ledger grants it, or closes the backend.
   */
  estimated(estimate: LoadEstimate): void;
  /** The engine can take work. Called at each (re)start. */
  ready(info: BackendInfo): void;
  /**
   * One engine step's progress: one call per step, not per token. For each entry `i < count`: `tasks[i]` prefilled
   * `prefilled[i]` prompt tokens and generated `generated[i]` tokens, whose text (maybe empty) is `texts[i]`.
   * Arrays are only valid during the call.
   */
  progress(
    count: number,
    tasks: ArrayLike<number>,
    prefilled: ArrayLike<number>,
    generated: ArrayLike<number>,
    texts: readonly string[],
  ): void;
  /** The task ended by itself or because it was cancelled. `heldTokens` stay in the slot as a reusable prefix. */
  settled(task: number, reason: FinishReason, usage: Usage, heldTokens: number): void;
  /** An embedding task ended. The vector has unit length. */
  embedded(task: number, vector: Float32Array, usage: Usage): void;
  /** The task ended with an error; its slot holds nothing. */
  failed(task: number, error: AgentyardError): void;
  /** The backend is gone with everything it ran: all its slots are empty, every task it owed is lost. */
  down(exitCode: number | undefined, exitSignal: string | undefined, error: AgentyardError | undefined): void;
}

/** What a load is expected to take, in bytes, upper bound: reserve this much. */
export interface LoadEstimate {
  /** Host memory: weights, KV cache, compute buffers, safety margin of the estimate. */
  ramBytes: number;
  /** Device memory of all GPUs together; 0 on a CPU engine. */
  vramBytes: number;
  /** How it was found: the engine's own simulation, or arithmetic on the file's header. */
  source: 'engine' | 'header';
}

/** What a backend keeps of named sessions beside its slots, in files. Counts and times are since its engine's start. */
export interface SavedSessionStats {
  /** Sessions that are kept now. */
  sessions: number;
  /** What they take. */
  bytes: number;
  saves: number;
  loads: number;
  /** Time of all saves, during which nothing else was computed, ms. */
  saveMs: number;
  /** Of all loads, ms. */
  loadMs: number;
  /** Saves and loads that were left out because running streams would have felt them. */
  leftOut: number;
}

/** How much a backend may keep of them, and what it does. */
export interface SavedSessionInfo extends SavedSessionStats {
  /** Most bytes at a time. */
  bytesMax: number;
  /** Do the files lie in host memory? Then `bytesMax` is part of the load's estimate. */
  isMemory: boolean;
}

/** What a backend says of itself when it becomes ready. */
export interface BackendInfo {
  /** Longest prompt plus answer of one sequence, in tokens. */
  contextTokens: number;
  /** Number of slots. */
  sequences: number;
  /** Prompt tokens per planned prefill chunk. */
  chunkTokens: number;
  /** Measured prefill speed of one chunk, tokens per second; undefined when not measured. */
  prefillTokensPerSecond: number | undefined;
  /** Measured time of one decode step with all slots busy, ms; undefined when not measured. */
  decodeStepMs: number | undefined;
  /** Length of an embedding vector; undefined for a model that only generates. */
  embeddingLength: number | undefined;
  /** May the model chat and complete? False for a pure embedding model. */
  generates: boolean;
  /** Threads in use, GPU backend name ("cpu" when none), flash attention, and so on; for people. */
  description: string;
}

/** Result of {@link Backend.prepare}. */
export interface Prepared {
  /** Handle to pass in {@link StartOrder.prepared}; valid until started or {@link Backend.discard}ed, or the backend goes down. */
  prepared: number;
  /** Tokens of the whole prompt, chat template included. */
  promptTokens: number;
}

export interface Backend {
  readonly model: string;
  /** Start the engine process; later `sink.estimated`, or `sink.down`. Called again after each `down`. */
  launch(sink: BackendSink): void;
  /** Load the model, once memory is leased; later `sink.ready` or `sink.down`. */
  load(): void;
  /**
   * Tokenise a job without running it and without stalling running work.
   * @throws {@link PromptTooLongError} when the prompt leaves no room for one token; {@link InvalidRequestError} when the job
   * cannot be done by this model (an unsupported schema, a chat on an embedding model).
   */
  prepare(job: ModelJob, signal?: AbortSignal): Promise<Prepared>;
  /** Forget a prepared job that will not be started. */
  discard(prepared: number): void;
  start(order: StartOrder): void;
  /** Stop a task between chunks; `sink.settled(task, 'cancelled', …)` follows, or its end when it was about to end. Unknown tasks are ignored. */
  cancel(task: number): void;
  /** Hold a running task in its slot (its reader is slow). */
  pause(task: number): void;
  resume(task: number): void;
  /** End the backend; resolves when nothing of it is left. `down` is not called for a close that was asked for. */
  close(): Promise<void>;
  /** Process id of the engine, when there is one: for tests and health reports. */
  readonly pid: number | undefined;
  /** Undefined where nothing is saved. */
  readonly savedSessions?: SavedSessionInfo | undefined;
}
