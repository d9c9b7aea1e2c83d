/** What a yard offers to its faces (server, command line, examples): the types of the public API. */
import type { ChatMessage, FinishReason, SavedSessionInfo, ToolCall, Usage } from './backend.js';

export type TaskClass = 'interactive' | 'standard' | 'batch' | 'background';

/** Scheduling hints that every request may carry. */
export interface TaskHints {
  /** Whose work this is, for fair shares. Default "default". */
  tenant?: string;
  /** Default "standard". */
  class?: TaskClass;
  /** Finite number, higher is more urgent, default 0; one step is one half-life of waiting. */
  priority?: number;
  /**
   * Tasks of one session go to the slot that holds their earlier turns; of one that is named here those turns are saved when its slot is needed
   * (see `savedSessionBytes`). Default: derived from tenant and first messages.
   */
  session?: string;
  /** Milliseconds from now until the answer is worthless. */
  deadlineMs?: number;
  /** Cancels the task wherever it is; its slot is freed at once. */
  signal?: AbortSignal;
}

/** Generation fields, as a caller gives them; `undefined` means the default. */
export interface GenerationRequest {
  /** Default 512, cut to what the context leaves. */
  maxTokens?: number;
  /** Default 0.7. */
  temperature?: number;
  /** Default 1. */
  topP?: number;
  seed?: number;
  stop?: string | readonly string[];
  jsonSchema?: Readonly<Record<string, unknown>>;
}

/** A function that the model may ask to have called. The caller calls it, and goes on with the chat. */
export interface ToolDefinition {
  /** 1 to 64 of the characters A-Z a-z 0-9 _ and -. */
  name: string;
  /** What it does and when to use it, for the model. */
  description?: string | undefined;
  /** JSON Schema of its arguments: an object. Default: no arguments. */
  parameters?: Readonly<Record<string, unknown>> | undefined;
}

/** `auto`: the model chooses; `none`: no calls; `required`: at least one call and no text; a name: that tool. */
export type ToolChoice = 'auto' | 'none' | 'required' | { name: string };

export interface ChatRequest extends TaskHints, GenerationRequest {
  model: string;
  messages: readonly ChatMessage[];
  /** At most 128. Names differ. */
  tools?: readonly ToolDefinition[];
  /** Default "auto". Needs `tools`. */
  toolChoice?: ToolChoice;
  /**
   * May an answer hold more than one call, up to 8? Default false: small models repeat a call until they are stopped, and the next round
   * can call again.
   */
  parallelToolCalls?: boolean;
}

export interface CompletionRequest extends TaskHints, GenerationRequest {
  model: string;
  prompt: string | readonly number[];
}

export interface EmbedRequest extends TaskHints {
  model: string;
  /** Each input is one task. */
  input: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
}

/** One piece of a streamed answer. */
export interface ChatPart {
  /** Empty in a piece of a call. */
  text: string;
  toolCall?: ToolCallPart;
}

/** One piece of a call, in order: first who is called, then the arguments as JSON text, piece by piece. */
export interface ToolCallPart {
  /** Place among the answer's calls, from 0. */
  index: number;
  /** Only in the first piece, as is `name`. */
  id?: string;
  name?: string;
  /** The next characters of the arguments; empty in the first piece. */
  arguments: string;
}

/** `tool_calls`: it ended with complete calls. */
export type AnswerEnd = FinishReason | 'tool_calls';

/** How an answer ended and what it cost. */
export interface ChatResult {
  /** The scheduler's id of the task, unique within the process. */
  id: string;
  /** The whole answer, also when it was read in parts; without calls of tools. */
  text: string;
  /** Complete calls, in order; absent when there are none. One that was cut off is left out. */
  toolCalls?: readonly ToolCall[];
  finishReason: AnswerEnd;
  usage: Usage;
  /** From submission to the start in a slot, ms. */
  waitMs: number;
  /** From submission to the first token, ms; undefined when none came. */
  firstTokenMs: number | undefined;
  /** From submission to the end, ms. */
  totalMs: number;
}

/**
 * A submitted chat or completion. It runs from the moment it is made, whether or not it is read.
 * Iterating yields text as it comes and throws the typed error if the task fails. Leaving the loop (`break`, `return()`) cancels it.
 */
export interface ChatStream extends AsyncIterable<ChatPart> {
  readonly id: string;
  /** Resolves with the prompt's length when the request was validated, sized and admitted; rejects when it is refused. Safe to ignore. */
  accepted(): Promise<{ promptTokens: number }>;
  /** Resolves when the task is in a slot: how long it waited. Rejects when it ends before that. Safe to ignore. */
  started(): Promise<{ waitMs: number }>;
  /** The outcome. Without iteration it collects the text itself. Rejects with the typed error. Safe to ignore. */
  result(): Promise<ChatResult>;
  /** Ends the task; its slot is freed at once. No effect once settled. */
  cancel(reason?: unknown): void;
  [Symbol.asyncIterator](): AsyncIterator<ChatPart, void, undefined>;
}

export interface EmbedResult {
  /** In the order of the inputs, unit length. */
  vectors: Float32Array[];
  promptTokens: number;
  /** Longest wait among the inputs, ms. */
  waitMs: number;
}

/** A served model as the faces show it. */
export interface ModelInfo {
  name: string;
  state: 'loading' | 'ready' | 'restarting' | 'failed';
  /** True for the generated stand-in that is used when no model was given. */
  standIn: boolean;
  sequences: number;
  /** Undefined until the engine was ready once. */
  contextTokens: number | undefined;
  generates: boolean | undefined;
  embeds: boolean | undefined;
  /** Seconds since the Unix epoch, from the file's modification time. */
  createdSeconds: number;
  enginePid: number | undefined;
  description: string | undefined;
  /** Prompt tokens that one engine step reads at most. Undefined until the engine was ready once, as are the next two. */
  chunkTokens: number | undefined;
  /** As the engine measured it at its start. */
  prefillTokensPerSecond: number | undefined;
  /** One step in which every slot generates, ms, as the engine measured it. */
  decodeStepMs: number | undefined;
}

/** A snapshot for health, metrics and people. Everything is a plain number or string. */
export interface YardStats {
  queued: number;
  running: number;
  /** Since the start, by outcome. */
  outcomes: Readonly<Record<'completed' | 'failed' | 'cancelled' | 'refused' | 'expired', number>>;
  /** By model name. */
  models: Readonly<
    Record<
      string,
      {
        queued: number;
        running: number;
        /** Slots leased / in all. */
        slotsUsed: number;
        slotsTotal: number;
        /** Computed, without cached ones. */
        promptTokens: number;
        cachedTokens: number;
        outputTokens: number;
        engineStarts: number;
        engineDeaths: number;
        /** What is kept of named sessions beside the slots; absent where nothing is. */
        savedSessions?: SavedSessionInfo;
      }
    >
  >;
  /** Ledger by pool name: units are the pool's own (slots, bytes). */
  pools: Readonly<Record<string, { capacity: number; leased: number }>>;
  /** Rate windows by name: how much is counted in the window that is open, and the limit. */
  windows: Readonly<Record<string, { limit: number; used: number; windowMs: number }>>;
  /** What agents found done already, since the start; sizes are of what is kept now. */
  reuse: Readonly<{
    /** Calls of pure agents: served from a kept result, joined to an equal call in flight, or run. */
    results: Readonly<{ hits: number; joins: number; misses: number; entries: number; bytes: number }>;
    /** Texts that agents had embedded: vector known, or computed. */
    embeddings: Readonly<{ hits: number; misses: number; entries: number; bytes: number }>;
  }>;
  /** Grants by the precedence rule that decided them. */
  grantsByRule: Readonly<Record<string, number>>;
  /** Grants to functions that passed a reservation because their `bound` said that they end before it. */
  backfilled: number;
  /** Functions that ran longer than their `bound`. */
  boundOverruns: number;
}

/** A task that is not settled, as `Yard.tasks` shows it. */
export interface TaskSnapshot {
  id: string;
  /** Undefined for a function. */
  model: string | undefined;
  tenant: string;
  class: TaskClass;
  priority: number;
  state: 'waiting' | 'running';
  /** Since it was submitted, ms. */
  ageMs: number;
  /** How often it was started. */
  attempts: number;
}

/** One record per settled task, for logs and metrics. Holds no prompt or answer text. */
export interface TaskRecord {
  id: string;
  /** Undefined for a function. */
  model: string | undefined;
  tenant: string;
  class: TaskClass;
  outcome: 'completed' | 'failed' | 'cancelled' | 'refused' | 'expired';
  /** `code` of its error, when that has one. */
  errorCode: string | undefined;
  /** How the answer ended; undefined for embeddings and for tasks without an answer. */
  finishReason: FinishReason | undefined;
  waitMs: number;
  firstTokenMs: number | undefined;
  totalMs: number;
  promptTokens: number;
  cachedTokens: number;
  outputTokens: number;
}

/** The surface that the server is built on; `Yard` implements it. */
export interface YardService {
  chat(request: ChatRequest): ChatStream;
  complete(request: CompletionRequest): ChatStream;
  embed(request: EmbedRequest): Promise<EmbedResult>;
  models(): ModelInfo[];
  stats(): YardStats;
  /** Called once per settled task; returns the unsubscribe function. */
  onSettled(listener: (record: TaskRecord) => void): () => void;
  /** Resolves when every model is ready; rejects with the first model's typed error that makes it fail for good. */
  ready(): Promise<void>;
  /** Stops accepting; lets running and queued work end for at most `drainMs` (default 0: cancel at once), then ends engines. */
  close(options?: { drainMs?: number }): Promise<void>;
}
