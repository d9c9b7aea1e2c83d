/** What an agent is: a named, versioned, typed function with a declared demand. */
import type { AgentContext } from './agent-context.js';
import type { AgentSchema, InferIn, InferOut, JsonSchema } from './schema.js';

/** A value, or how it follows from the (validated) input. Must give the same for the same input. */
export type PerInput<T, V> = V | ((input: T) => V);

/** What `defineAgent` is given. */
export interface AgentDefinition<I extends AgentSchema, O extends AgentSchema> {
  /** 1 to 64 of a-z, 0-9, `_` and `-`, beginning with a letter: it is also the name of a tool. */
  name: string;
  /** One to three numbers, as "2" or "1.4.0"; agents of one name live side by side. */
  version: string;
  /** What it does, for people and for models that choose among tools. */
  description: string;
  input: I;
  output: O;
  /** Model that `ctx.chat` and `ctx.object` use when they name none. Default: the first of the yard that generates. */
  model?: string | undefined;
  /** Model that `ctx.embed` uses when it names none. Default: the first of the yard that embeds. */
  embeddingModel?: string | undefined;
  /** What a run takes of the yard's pools, by name. Default: one slot. */
  demand?: PerInput<InferOut<I>, Readonly<Record<string, number>>> | undefined;
  /** Work of one run as one number, > 0, for shares and budgets, without that of its children. Default 1. */
  weight?: PerInput<InferOut<I>, number> | undefined;
  /** How long a run is expected to take, ms, > 0. Default: not known. */
  estimateMs?: PerInput<InferOut<I>, number> | undefined;
  /** Longest run, ms. Default: the yard's. */
  timeoutMs?: number | undefined;
  /**
   * The same input gives an output that is as good: equal calls in flight are joined, and results are kept, by
   * (agent, version, input, model). Default false.
   */
  pure?: boolean | undefined;
  /** Why it should not be used any more, and what to use instead; said in every answer. */
  deprecated?: string | undefined;
  run(input: InferOut<I>, ctx: AgentContext): InferIn<O> | PromiseLike<InferIn<O>>;
}

/** A defined agent: checked, frozen, and known by `name@version`. */
export interface Agent<I extends AgentSchema = AgentSchema, O extends AgentSchema = AgentSchema> {
  readonly name: string;
  readonly version: string;
  /** `name@version`. */
  readonly id: string;
  readonly description: string;
  readonly input: I;
  readonly output: O;
  /** Of what a caller sends, and of what it gets. Made once, when the agent is defined. */
  readonly inputJsonSchema: JsonSchema;
  readonly outputJsonSchema: JsonSchema;
  readonly model: string | undefined;
  readonly embeddingModel: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly pure: boolean;
  readonly deprecated: string | undefined;
  readonly demand: PerInput<InferOut<I>, Readonly<Record<string, number>>> | undefined;
  readonly weight: PerInput<InferOut<I>, number> | undefined;
  readonly estimateMs: PerInput<InferOut<I>, number> | undefined;
  readonly run: (input: InferOut<I>, ctx: AgentContext) => unknown;
}

/** Any agent, whatever its types. */
// biome-ignore lint/suspicious/noExplicitAny: an agent's types stand in both directions, so no other type holds them all.
export type AnyAgent = Agent<any, any>;

/** What callers pass. */
export type AgentInput<A extends AnyAgent> = InferIn<A['input']>;
/** What callers get. */
export type AgentOutput<A extends AnyAgent> = InferOut<A['output']>;
