/**
 * What an instance of a built-in agent has learnt: vectors of its examples, an index of its documents. It is learnt once, by a small
 * agent of its own, so that calls that need it at the same time wait as parents do (their slots given back) and the cost is seen in
 * the log as a task. Until then nothing is spent.
 *
 * States: nothing learnt → learning (its agent runs) → learnt, for as long as the instance lives. A failed or cancelled learning leaves
 * nothing learnt, and the next call tries again.
 */
import { z } from 'zod';
import type { Agent, AnyAgent } from '../../agent.js';
import type { AgentContext } from '../../agent-context.js';
import { defineAgent } from '../../define-agent.js';

const nothing = z.object({});
const report = z.object({ learnt: z.number().int().describe('How many texts were embedded.') });

/** Learns what an agent needs before its first answer. */
export type Preparation = Agent<typeof nothing, typeof report>;

const preparations = new WeakMap<AnyAgent, Preparation>();

/**
 * The agent that lets `agent` learn ahead of its first call: `await yard.run(preparationOf(agent)!, {})`.
 * Undefined for agents that have nothing to learn.
 */
export function preparationOf(agent: AnyAgent): Preparation | undefined {
  return preparations.get(agent);
}

/** Names have at most 64 characters. */
const NAME_LENGTH_MAX = 64;
const SUFFIX = '-preparation';

export interface TaughtOptions<T> {
  /** Of the agent that learns for itself. */
  name: string;
  version: string;
  embeddingModel: string | undefined;
  /** How many texts are embedded. */
  texts: number;
  learn(ctx: AgentContext): Promise<T>;
}

export class Taught<T> {
  readonly #options: TaughtOptions<T>;
  readonly #preparation: Preparation;
  #learnt: { value: T } | undefined;

  constructor(options: TaughtOptions<T>) {
    this.#options = options;
    const { name, version, embeddingModel, texts } = options;
    this.#preparation = defineAgent({
      name: `${name.slice(0, NAME_LENGTH_MAX - SUFFIX.length)}${SUFFIX}`,
      version,
      description: `Learns what ${name} needs before its first answer.`,
      input: nothing,
      output: report,
      embeddingModel,
      weight: Math.max(1, texts),
      // Calls at the same time become one.
      pure: true,
      run: async (_, ctx) => {
        await this.#learn(ctx);
        return { learnt: texts };
      },
    });
  }

  /** Names the preparation of `agent`, and returns it. */
  attach<A extends AnyAgent>(agent: A): A {
    preparations.set(agent, this.#preparation);
    return agent;
  }

  /** What is learnt; learns it first when that was not done yet. */
  async get(ctx: AgentContext): Promise<T> {
    if (this.#learnt === undefined) await ctx.run(this.#preparation, {});
    // A context that does not run its children (a scripted one, in a test) leaves nothing learnt.
    return this.#learnt === undefined ? this.#learn(ctx) : this.#learnt.value;
  }

  async #learn(ctx: AgentContext): Promise<T> {
    if (this.#learnt !== undefined) return this.#learnt.value;
    const value = await this.#options.learn(ctx);
    this.#learnt = { value };
    return value;
  }
}
