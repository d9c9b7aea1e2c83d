/** What an agent's `run` is called with. */

import type { ChatMessage } from '../runtime/backend.js';
import type { ChatStream, GenerationRequest, TaskClass, ToolChoice, ToolDefinition } from '../runtime/service.js';
import type { AgentSchema, InferIn, InferOut } from './schema.js';

/** What a call of a child may choose; tenant, deadline and budget are those of the run. */
export interface ChildOptions {
  /** Default: the parent's. */
  class?: TaskClass | undefined;
  priority?: number | undefined;
  deadlineMs?: number | undefined;
  timeoutMs?: number | undefined;
  /** Work that the child and its descendants may do, within what its parent has left. */
  budget?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Overrides the child's default model. */
  model?: string | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  onPart?: ((text: string) => void) | undefined;
}

/** How far a run is. `done` grows from report to report. */
export interface Progress {
  done: number;
  total: number | undefined;
  message: string | undefined;
}

/** A chat on behalf of the run. */
export interface AgentChatRequest extends GenerationRequest {
  messages: readonly ChatMessage[];
  /** Default: the agent's, else the first of the yard that generates. */
  model?: string | undefined;
  /** Default: the run's. */
  class?: TaskClass | undefined;
  priority?: number | undefined;
  /** Chats of one session find the slot that holds their earlier turns. */
  session?: string | undefined;
  deadlineMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Functions that the model may ask to have called; see docs/tools.md. */
  tools?: readonly ToolDefinition[] | undefined;
  /** Default "auto". Needs `tools`. */
  toolChoice?: ToolChoice | undefined;
  /** May an answer hold more than one call? Default true. */
  parallelToolCalls?: boolean | undefined;
}

/** A chat whose answer is a value of a schema. */
export interface ObjectRequest<S extends AgentSchema>
  extends Omit<AgentChatRequest, 'jsonSchema' | 'tools' | 'toolChoice' | 'parallelToolCalls'> {
  schema: S;
  /** How often the model may be shown what is wrong with its answer. 0 or 1, default 1. */
  repairs?: number | undefined;
}

export interface EmbedOptions {
  model?: string | undefined;
  class?: TaskClass | undefined;
  priority?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Work of a run and all its descendants: tokens of models and weights of agents. */
export interface RunBudget {
  /** Infinity when nobody limits it. */
  readonly limit: number;
  readonly spent: number;
  readonly left: number;
}

/** An agent as a caller's types see it: what `defineAgent` returns. */
export interface CallableAgent {
  readonly id: string;
  readonly input: AgentSchema;
  readonly output: AgentSchema;
}

export interface AgentContext {
  /** The scheduler's id of this call. */
  readonly id: string;
  /** Id of the outermost call that this one belongs to. */
  readonly runId: string;
  /** `name@version` of the agent. */
  readonly agent: string;
  readonly tenant: string;
  /** Aborted when the call is cancelled, out of time, or its parent ended; the reason is the error that its caller got. */
  readonly signal: AbortSignal;
  /** What is left of its deadline, ms; undefined without one. */
  readonly deadlineMs: number | undefined;
  readonly budget: RunBudget;

  /**
   * Calls another agent as a child of this call. While a child is awaited the call's slot is given back; it is taken again before the
   * last child's promise settles.
   */
  run<A extends CallableAgent>(
    agent: A,
    input: InferIn<A['input']>,
    options?: ChildOptions,
  ): Promise<InferOut<A['output']>>;
  /** The same by `name` or `name@version`, typed by nobody: for agents that are known only when they run. */
  tool(name: string, input: unknown, options?: ChildOptions): Promise<unknown>;
  /** A chat as a child of this call. The slot is given back until its result is there. */
  chat(request: AgentChatRequest): ChatStream;
  /**
   * A chat whose answer fits `schema`: bound by a grammar on local models, checked everywhere, repaired once.
   * @throws InvalidOutputError when it does not fit after the repair; OutputTruncatedError when `maxTokens` cut it off
   */
  object<S extends AgentSchema>(request: ObjectRequest<S>): Promise<InferOut<S>>;
  /** Vectors of unit length, in the order of the texts. Kept by (model, text). */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /** Says how far the call is. Reports that do not grow are dropped. */
  progress(done: number, total?: number, message?: string): void;
  /** Hands a piece of the answer to whoever listens (`onPart`, SSE); the output still says the whole. To hand a child's pieces on: `onPart: (text) => ctx.emit(text)`. */
  emit(text: string): void;
}
