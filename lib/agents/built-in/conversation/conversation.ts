/** Talks with many people over many turns, each within a bounded memory. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ConversationBusyError, InvalidAgentError, InvalidInputError } from '../../../base/agent-errors.js';
import type { TaskClass } from '../../../runtime/service.js';
import type { AgentContext } from '../../agent-context.js';
import { defineAgent } from '../../define-agent.js';
import { withoutLastSentence } from '../common/cut-off.js';
import { textSchema } from '../common/input-text.js';
import { type BuiltInOptions, builtInShape, readOptions } from '../common/options.js';
import { estimateTokens } from '../common/token-estimate.js';
import { leavesNoRoom, NEW_MEMORY, noteTokens, remember, summaryTokens, tokensIn, turnsToFold } from './memory.js';
import { conversationPrompt, DEFAULT_SYSTEM, summaryPrompt } from './prompts.js';
import { chooseQuotes, statementsOf } from './quotes.js';
import { type ConversationStore, type Memory, memoryStore } from './store.js';

export interface ConversationOptions extends BuiltInOptions {
  /** Who the model is and how it should talk. Default: a helpful assistant that answers briefly. */
  system?: string | undefined;
  /**
   * Tokens that a prompt may hold: system text, notes, earlier turns and the new message. At least 256; default 2,048. The model's context must
   * hold `maxTokens` besides.
   */
  memoryTokens?: number | undefined;
  /** The latest turns, which are summed up last, ≥ 0. Default 2. */
  keepTurns?: number | undefined;
  /** Longest reply, tokens. Default 256. */
  maxTokens?: number | undefined;
  /** 0 to 2. Default 0.7. */
  temperature?: number | undefined;
  /** Default: in this process. */
  store?: ConversationStore | undefined;
  /** Conversations that are kept in this process at most; the one that was silent longest is forgotten first. Default 1,000. */
  maxConversations?: number | undefined;
  /** Class of the call that sums up. Default: the run's, whose turn waits for it; a lower one would have it wait behind bulk work. */
  summaryClass?: TaskClass | undefined;
}

const optionsSchema = z.object({
  ...builtInShape,
  system: textSchema(100_000).default(DEFAULT_SYSTEM),
  memoryTokens: z.int().min(256).default(2_048),
  keepTurns: z.int().min(0).default(2),
  maxTokens: z.int().min(1).default(256),
  temperature: z.number().min(0).max(2).default(0.7),
  store: z.custom<ConversationStore>(isStore, 'expected an object with get and set').optional(),
  maxConversations: z.int().min(1).default(1_000),
  summaryClass: z.enum(['interactive', 'standard', 'batch', 'background']).optional(),
});
type Settings = z.output<typeof optionsSchema>;

function isStore(value: unknown): boolean {
  const { get, set } = (value ?? {}) as Partial<ConversationStore>;
  return typeof get === 'function' && typeof set === 'function';
}

const inputSchema = z.object({
  conversation: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'Name of the conversation; one that is not known begins. Without a name a new one begins, and the output names it.',
    ),
  message: textSchema(),
});

const outputSchema = z.object({
  conversation: z.string(),
  turn: z.int().min(1).describe('Counts the turns of the conversation that ended well. 1: it has just begun.'),
  reply: z.string(),
  isComplete: z.boolean().describe('False when the limit of tokens cut the reply off.'),
  memory: z.object({
    turns: z.int().describe('Earlier turns that the model was shown word for word.'),
    summedUp: z.int().describe('Earlier turns that it was shown as notes.'),
    promptTokens: z.int(),
    cachedTokens: z.int().describe('Of those: not read again.'),
  }),
});

/**
 * An agent that converses: `{conversation?, message}` → `{conversation, turn, reply, …}`. The reply is streamed (`onPart`).
 *
 * Prompts stay within `memoryTokens`. When the next one would not, the oldest turns are replaced by notes: a summary that the model writes, and
 * word for word what the person said that the summary lost. That happens in large steps; between two of them every prompt begins with the one
 * before it and its answer, in the same session, so that a model reads each turn once.
 *
 * One turn at a time: a message that comes while an earlier one is answered is refused with ConversationBusyError. (Would it wait, waiting
 * calls could hold all the slots that the turn they wait for needs.) A turn that fails leaves the conversation as it was. Conversations of one
 * tenant are not known to others.
 * @throws InvalidAgentError for wrong options
 */
export function conversation(options: ConversationOptions = {}) {
  const settings = readOptions('conversation', optionsSchema, options);
  if (estimateTokens(settings.system) > settings.memoryTokens / 4) {
    throw new InvalidAgentError(
      'memoryTokens',
      `Option "memoryTokens" of conversation(…) is wrong: the system text takes more than a quarter of ${settings.memoryTokens} tokens.`,
    );
  }
  const store = settings.store ?? memoryStore(settings.maxConversations);
  const busy = new Set<string>();
  return defineAgent({
    name: settings.name ?? 'conversation',
    version: settings.version,
    description: 'Talks with a person over many turns and remembers what was said, within a bounded memory.',
    input: inputSchema,
    output: outputSchema,
    model: settings.model,
    timeoutMs: settings.timeoutMs,
    run: async ({ conversation: name = randomUUID(), message }, ctx) => {
      const key = JSON.stringify([ctx.tenant, name]);
      if (busy.has(key)) throw new ConversationBusyError(name);
      busy.add(key);
      try {
        const memory = (await store.get(key)) ?? NEW_MEMORY;
        const { output, next } = await takeTurn(name, message, memory, settings, ctx);
        ctx.signal.throwIfAborted();
        await store.set(key, next);
        return output;
      } finally {
        busy.delete(key);
      }
    },
  });
}

type Output = z.output<typeof outputSchema>;

async function takeTurn(
  name: string,
  message: string,
  before: Memory,
  settings: Settings,
  ctx: AgentContext,
): Promise<{ output: Output; next: Memory }> {
  if (leavesNoRoom(message, before, settings)) {
    throw new InvalidInputError(ctx.agent, [
      {
        path: 'message',
        message: `is too long: about ${tokensIn(message, before)} tokens, where a whole prompt may have ${settings.memoryTokens}`,
      },
    ]);
  }
  const memory = await withRoom(message, before, settings, ctx);
  const messages = conversationPrompt(settings.system, memory, message);
  const stream = ctx.chat({
    messages,
    session: `${ctx.agent}/${name}`,
    maxTokens: settings.maxTokens,
    temperature: settings.temperature,
  });
  for await (const { text } of stream) ctx.emit(text);
  const { text: reply, finishReason, usage } = await stream.result();
  const promptBytes = messages.reduce((bytes, { content }) => bytes + Buffer.byteLength(content), 0);
  // The reply stays as it came: another spelling, be it a blank less, would be other tokens.
  const next = remember(memory, { message, reply }, usage, promptBytes);
  const output = {
    conversation: name,
    turn: next.turnsDone,
    reply,
    isComplete: finishReason !== 'length',
    memory: {
      turns: memory.turns.length,
      summedUp: memory.turnsDone - memory.turns.length,
      promptTokens: usage.promptTokens,
      cachedTokens: usage.cachedTokens,
    },
  };
  return { output, next };
}

/** The memory with so many turns summed up that the message fits. */
async function withRoom(message: string, memory: Memory, settings: Settings, ctx: AgentContext): Promise<Memory> {
  const count = turnsToFold(message, memory, settings);
  if (count === 0) return memory;
  const folded = memory.turns.slice(0, count);
  const summary = await summarise(memory.summary, folded, settings, ctx);
  const room = noteTokens(settings) - tokensIn(summary, memory);
  const statements = [...memory.quotes, ...statementsOf(folded.map((turn) => turn.message))];
  return {
    ...memory,
    turns: memory.turns.slice(count),
    summary,
    quotes: chooseQuotes(statements, summary, (text) => tokensIn(text, memory) + text.split('\n').length <= room),
    prefixTokens: undefined,
  };
}

async function summarise(
  summary: string,
  folded: Memory['turns'],
  settings: Settings,
  ctx: AgentContext,
): Promise<string> {
  const { text, finishReason } = await ctx
    .chat({
      messages: summaryPrompt(summary, folded),
      maxTokens: summaryTokens(settings),
      temperature: 0,
      class: settings.summaryClass,
    })
    .result();
  const written = finishReason === 'length' ? withoutLastSentence(text) : text.trim();
  return written === '' ? summary : written;
}
