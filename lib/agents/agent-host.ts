/** What the runner of agents needs of a yard, and all that it knows of it. */
import type { AddOptions, TaskContext, TaskFunction } from '../dispatch/function/index.js';
import type { ChatStream, TaskClass } from '../runtime/service.js';
import type { AgentChatRequest } from './agent-context.js';

/** A call that runs, as its yard sees it. */
export interface HostedCall {
  /** Of its task. */
  readonly id: string;
  readonly tenant: string;
  readonly className: TaskClass;
  readonly deadlineMs: number | undefined;
  readonly task: TaskContext;
}

/** Hints of an embedding on behalf of a call; tenant and deadline are the call's. */
export interface HostedEmbedOptions {
  class?: TaskClass | undefined;
  priority?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** A chat whose model is chosen. */
export interface HostedChatRequest extends AgentChatRequest {
  model: string;
}

export type ModelSkill = 'generates' | 'embeds';

export interface AgentHost {
  /** Takes no new work. */
  readonly isClosed: boolean;
  /** A task of its own; children are added by their parent's {@link TaskContext.add}. */
  add(fn: TaskFunction<unknown>, options?: AddOptions): Promise<unknown>;

  /** The call awaits a child from now on: what it holds may go to others. Called when it held it. */
  giveBack(call: HostedCall): void;
  /** Resolves when the call holds again what it gave back, or is over. Never rejects. */
  takeAgain(call: HostedCall): Promise<void>;
  /** The function of the call is at its end: whatever it has started and is not settled is cancelled with ParentEndedError. */
  endChildren(call: HostedCall): void;
  /** Work of the call's descendants: the limit that is nearest to be reached, and how much of it is spent. */
  budgetOf(call: HostedCall): { limit: number; spent: number };

  /**
   * The first of `preferred` that is not known to lack the skill, else the first model of the yard that has it; a promise while models
   * that come first have not said what they can do.
   * @throws UnknownModelError when no model has it
   */
  modelFor(skill: ModelSkill, preferred: readonly (string | undefined)[]): string | Promise<string>;
  /** A chat as a child of the call: it ends with the call, and has its tenant and no more time than it. */
  chat(call: HostedCall, request: HostedChatRequest): ChatStream;
  /** Embeddings as children of the call, in the order of the texts. */
  embed(
    call: HostedCall,
    model: string,
    texts: readonly string[],
    options: HostedEmbedOptions,
  ): Promise<Float32Array[]>;
}
