/**
 * A chat whose model has agents called: asked, called and asked again until the model answers, as one run. The loop itself is an agent, so the
 * rounds and the agents that are called are its children: they have its tenant, class and deadline, and end with it.
 */
import { z } from 'zod';
import { type AgentContext, type AgentService, defineAgent, type ToolForm } from '../../agents/index.js';
import { UnknownAgentError } from '../../base/agent-errors.js';
import type { ToolCall, Usage } from '../../runtime/backend.js';
import type { ChatPart, ChatRequest, ChatResult, ChatStream } from '../../runtime/service.js';
import { toolError } from './agent-failure.js';
import { PartChannel } from './part-channel.js';

export interface AgentChatOptions {
  service: AgentService;
  tools: readonly ToolForm[];
  /** Answers of the model in all; the last of them may call nothing. At least 1. */
  maxRounds: number;
  chat: ChatRequest;
}

/**
 * Begins the chat. Its parts are the text of all rounds; its result has that text, the end of the last round, and the tokens of all.
 * @throws nothing: what is refused rejects the stream's promises
 */
export function chatWithAgents(options: AgentChatOptions): ChatStream {
  return new AgentChat(options);
}

class AgentChat implements ChatStream {
  readonly #options: AgentChatOptions;
  readonly #abort = new AbortController();
  readonly #accepted = later<{ promptTokens: number }>();
  readonly #started = later<{ waitMs: number }>();
  readonly #result: Promise<ChatResult>;
  readonly #parts = new PartChannel();
  #first: ChatStream | undefined;

  constructor(options: AgentChatOptions) {
    this.#options = options;
    this.#result = this.#run();
    this.#result.catch((error: unknown) => {
      this.#accepted.reject(error);
      this.#started.reject(error);
    });
    // Safe to ignore, as the service's.
    for (const promise of [this.#accepted.promise, this.#started.promise]) promise.catch(() => undefined);
  }

  /** Of the first round; empty before that. */
  get id(): string {
    return this.#first?.id ?? '';
  }

  accepted(): Promise<{ promptTokens: number }> {
    return this.#accepted.promise;
  }

  started(): Promise<{ waitMs: number }> {
    return this.#started.promise;
  }

  result(): Promise<ChatResult> {
    this.#parts.discardUnlessRead();
    return this.#result;
  }

  cancel(reason?: unknown): void {
    this.#abort.abort(reason);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ChatPart, void, undefined> {
    try {
      for await (const text of this.#parts) yield { text };
      await this.#result;
    } finally {
      this.cancel();
    }
  }

  async #run(): Promise<ChatResult> {
    const { service, chat } = this.#options;
    const { tenant, class: className, priority, deadlineMs, signal } = chat;
    const signals = signal === undefined ? [this.#abort.signal] : [this.#abort.signal, signal];
    const loop = defineAgent({
      name: 'chat',
      version: '1',
      description: 'Has agents called until a model answers.',
      input: z.null(),
      output: z.unknown(),
      run: (_input, ctx) => this.#loop(ctx),
    });
    try {
      const options = { tenant, class: className, priority, deadlineMs, signal: AbortSignal.any(signals) };
      return (await service.run(loop, null, options)) as ChatResult;
    } finally {
      this.#parts.end();
    }
  }

  async #loop(ctx: AgentContext): Promise<ChatResult> {
    const { tools, maxRounds, chat } = this.#options;
    const { tenant: _, class: _class, priority: _priority, deadlineMs: _deadline, signal: _signal, ...request } = chat;
    const definitions = tools.map(({ name, description, inputSchema }) => ({
      name,
      description,
      parameters: inputSchema,
    }));
    const messages = [...chat.messages];
    let sum: ChatResult | undefined;
    for (let round = 1; ; round++) {
      // A call that was asked for is asked for once: else there is no answer ever.
      const toolChoice = round === maxRounds ? 'none' : round === 1 ? (chat.toolChoice ?? 'auto') : 'auto';
      const stream = ctx.chat({ ...request, messages, tools: definitions, toolChoice });
      if (round === 1) this.#follow(stream);
      for await (const { text } of stream) if (text !== '') await this.#parts.put(text);
      const result = await stream.result();
      sum = sum === undefined ? result : added(sum, result);
      const { toolCalls = [], text, finishReason } = result;
      if (finishReason !== 'tool_calls') return sum;
      messages.push({ role: 'assistant', content: text, toolCalls });
      const results = await Promise.all(toolCalls.map((call) => this.#call(ctx, call)));
      for (const [index, content] of results.entries()) {
        messages.push({ role: 'tool', toolCallId: toolCalls[index]!.id, content });
      }
    }
  }

  /** What the model is told of a call: the output, or what is wrong, so that it may do better. */
  async #call(ctx: AgentContext, { name, arguments: args }: ToolCall): Promise<string> {
    const { tools } = this.#options;
    const tool = tools.find((candidate) => candidate.name === name);
    try {
      if (tool === undefined) {
        throw new UnknownAgentError(
          name,
          tools.map((known) => known.name),
        );
      }
      return JSON.stringify((await ctx.run(tool.agent, tool.inputOf(args))) ?? null);
    } catch (error) {
      // The whole run is over, not this call alone.
      ctx.signal.throwIfAborted();
      return JSON.stringify({ error: toolError(error) });
    }
  }

  #follow(stream: ChatStream): void {
    this.#first = stream;
    this.#accepted.resolve(stream.accepted());
    this.#started.resolve(stream.started());
  }
}

/** Two rounds as one answer. */
function added(sum: ChatResult, next: ChatResult): ChatResult {
  const { toolCalls: _, ...end } = next;
  return {
    ...end,
    id: sum.id,
    text: sum.text + next.text,
    usage: addedUsage(sum.usage, next.usage),
    waitMs: sum.waitMs + next.waitMs,
    firstTokenMs: sum.firstTokenMs ?? next.firstTokenMs,
    totalMs: sum.totalMs + next.totalMs,
  };
}

function addedUsage(a: Usage, b: Usage): Usage {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    outputTokens: a.outputTokens + b.outputTokens,
  };
}

interface Later<T> {
  promise: Promise<T>;
  resolve(value: T | PromiseLike<T>): void;
  reject(error: unknown): void;
}

function later<T>(): Later<T> {
  let settle!: Pick<Later<T>, 'resolve' | 'reject'>;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}
