/** What faces (server, command line, MCP) need of agents; `Yard` implements it. */
import type { TaskClass } from '../runtime/service.js';
import type { AgentInput, AgentOutput, AnyAgent } from './agent.js';
import type { Progress } from './agent-context.js';

/** Options of a call from outside. All are optional. */
export interface RunOptions {
  /** Name of the call for `cancel` and `why`; unique among unsettled tasks. */
  id?: string | undefined;
  tenant?: string | undefined;
  class?: TaskClass | undefined;
  priority?: number | undefined;
  /** Milliseconds from now until the result is worthless. */
  deadlineMs?: number | undefined;
  /** Default: the agent's. */
  timeoutMs?: number | undefined;
  /** Work that the call's descendants may do, ≥ 0: tokens of models and weights of agents. Default: no limit. */
  budget?: number | undefined;
  signal?: AbortSignal | undefined;
  idempotencyKey?: string | undefined;
  /** Overrides the agent's default model. */
  model?: string | undefined;
  /** False: a pure agent runs though its result is known. Default true. */
  reuse?: boolean | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
  onPart?: ((text: string) => void) | undefined;
}

/** The registry: agents by name and version. */
export interface AgentDirectory {
  /** @throws DuplicateAgentError */
  register(...agents: AnyAgent[]): void;
  /**
   * The agent of `name` (its highest version that is not deprecated, else the highest), or of `name@version`; "2" finds the highest 2.x.
   * @throws UnknownAgentError with a suggestion
   */
  find(reference: string): AnyAgent;
  /** By name, then version, ascending. */
  list(): readonly AnyAgent[];
}

export interface AgentService {
  readonly agents: AgentDirectory;
  /**
   * Runs an agent as one task. Rejects with InvalidInputError before anything runs, InvalidOutputError, AgentFailedError around
   * whatever the agent threw that is no error of agentyard, and everything that `Yard.add` rejects with.
   */
  run<A extends AnyAgent>(agent: A, input: AgentInput<A>, options?: RunOptions): Promise<AgentOutput<A>>;
  run(agent: string, input: unknown, options?: RunOptions): Promise<unknown>;
}
