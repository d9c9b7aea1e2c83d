/** How an answer looks on the wire: chat completions and text completions, whole and in chunks. */
import type { ToolCall, Usage } from '../runtime/backend.js';
import type { AnswerEnd, ChatResult, ToolCallPart } from '../runtime/service.js';

/** What every chunk of one answer repeats. */
export interface Envelope {
  id: string;
  /** Seconds since the Unix epoch. */
  created: number;
  model: string;
  /** Did the client ask for a usage chunk? Then every other chunk carries `usage: null`. */
  withUsage: boolean;
}

export interface AnswerShape {
  /** Start of the answer's id. */
  readonly idPrefix: string;
  /** The field that holds the prompt, blamed when it is too long. */
  readonly promptParam: string;
  whole(envelope: Envelope, result: ChatResult): object;
  /** The chunk before the first text, when the protocol has one. */
  opening(envelope: Envelope): string | undefined;
  /** Returns the function that makes a text chunk: what does not change is rendered once an answer, not once a token. */
  textChunks(envelope: Envelope): (text: string) => string;
  /** The chunk of a piece of a call; absent where the protocol has no calls. */
  toolCallChunk?(envelope: Envelope, part: ToolCallPart): string;
  closing(envelope: Envelope, reason: AnswerEnd, timing: object): string;
  usage(envelope: Envelope, usage: Usage, timing: object): string;
}

/** Our own account of the answer: how long it waited, and what the slot already held. All times in ms from submission. */
export function timingOf(result: ChatResult): { agentyard: object } {
  return {
    agentyard: {
      task: result.id,
      wait_ms: round(result.waitMs),
      first_token_ms: result.firstTokenMs === undefined ? null : round(result.firstTokenMs),
      total_ms: round(result.totalMs),
      cached_tokens: result.usage.cachedTokens,
    },
  };
}

/** Milliseconds to the microsecond: what a monotonic clock can tell. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** OpenAI's usage object. */
export function usageBody({ promptTokens, outputTokens, cachedTokens }: Usage): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

const MARK = '\u0000';

/** Renders a chunk around a mark, and puts each text in the mark's place. */
function template(chunk: object): (text: string) => string {
  const [before, after] = JSON.stringify(chunk).split(JSON.stringify(MARK)) as [string, string];
  return (text) => before + JSON.stringify(text) + after;
}

function chunk(
  object: string,
  { id, created, model, withUsage }: Envelope,
  choices: readonly object[],
  rest: object = {},
): object {
  return { id, object, created, model, choices, ...(withUsage ? { usage: null } : {}), ...rest };
}

function chatChunk(envelope: Envelope, delta: object, reason: string | null, rest: object = {}): object {
  const choice = { index: 0, delta, logprobs: null, finish_reason: reason };
  return chunk('chat.completion.chunk', envelope, [choice], rest);
}

/** Without text beside the calls, `content` is null, as clients expect. */
function messageBody({ text, toolCalls = [] }: ChatResult): object {
  const content = text === '' && toolCalls.length > 0 ? null : text;
  const calls = toolCalls.length > 0 ? { tool_calls: toolCalls.map(toolCallBody) } : {};
  return { role: 'assistant', content, refusal: null, ...calls };
}

function toolCallBody({ id, name, arguments: args }: ToolCall): object {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(args) } };
}

function toolCallDelta({ index, id, name, arguments: text }: ToolCallPart): object {
  if (id === undefined) return { index, function: { arguments: text } };
  return { index, id, type: 'function', function: { name, arguments: text } };
}

export const chatShape: AnswerShape = {
  idPrefix: 'chatcmpl-',
  promptParam: 'messages',
  whole: ({ id, created, model }, result) => ({
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: messageBody(result),
        logprobs: null,
        finish_reason: result.finishReason,
      },
    ],
    usage: usageBody(result.usage),
    ...timingOf(result),
  }),
  opening: (envelope) => JSON.stringify(chatChunk(envelope, { role: 'assistant', content: '', refusal: null }, null)),
  textChunks: (envelope) => template(chatChunk(envelope, { content: MARK }, null)),
  toolCallChunk: (envelope, part) => JSON.stringify(chatChunk(envelope, { tool_calls: [toolCallDelta(part)] }, null)),
  closing: (envelope, reason, timing) => JSON.stringify(chatChunk(envelope, {}, reason, timing)),
  usage: (envelope, usage, timing) =>
    JSON.stringify(chunk('chat.completion.chunk', envelope, [], { usage: usageBody(usage), ...timing })),
};

function textChunk(envelope: Envelope, text: string, reason: string | null, rest: object = {}): object {
  return chunk('text_completion', envelope, [{ text, index: 0, logprobs: null, finish_reason: reason }], rest);
}

export const completionShape: AnswerShape = {
  idPrefix: 'cmpl-',
  promptParam: 'prompt',
  whole: ({ id, created, model }, result) => ({
    id,
    object: 'text_completion',
    created,
    model,
    choices: [{ text: result.text, index: 0, logprobs: null, finish_reason: result.finishReason }],
    usage: usageBody(result.usage),
    ...timingOf(result),
  }),
  opening: () => undefined,
  textChunks: (envelope) => template(textChunk(envelope, MARK, null)),
  closing: (envelope, reason, timing) => JSON.stringify(textChunk(envelope, '', reason, timing)),
  usage: (envelope, usage, timing) =>
    JSON.stringify(chunk('text_completion', envelope, [], { usage: usageBody(usage), ...timing })),
};
