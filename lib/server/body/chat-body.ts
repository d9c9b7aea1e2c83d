/** `POST /v1/chat/completions`: the body. */
import { z } from 'zod';
import type { ChatMessage } from '../../runtime/backend.js';
import { unsupported } from '../failure.js';
import { explainIssues } from './explain-issue.js';
import { type GenerationFields, generationShape } from './generation-fields.js';
import { type HintFields, hintShape } from './hint-fields.js';
import { CHAT_NEUTRAL } from './neutral-fields.js';
import { modelName, readBody } from './read-body.js';

const MAX_MESSAGES = 4_096;
const MAX_PARTS = 256;

const chatBody = z.object({
  model: modelName,
  // The entries are checked one by one below: a schema would collect a complaint for each of a hostile body's millions.
  messages: z.array(z.unknown()).min(1).max(MAX_MESSAGES),
  ...generationShape,
  ...hintShape,
});

const textPart = z.object({ type: z.literal('text'), text: z.string() });

const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(z.unknown()).min(1).max(MAX_PARTS).pipe(z.array(textPart))]),
});

export interface ChatBody extends GenerationFields, HintFields {
  model: string;
  messages: ChatMessage[];
}

/**
 * Reads a chat body. `developer` is the newer name of `system`; text parts of one message are joined by line ends.
 * A message's `name` is left out (chat templates have no place for it) and told as ignored.
 */
export function readChatBody(body: unknown): { fields: ChatBody; ignored: string[] } {
  const { fields, ignored } = readBody(chatBody, CHAT_NEUTRAL, body);
  const messages = fields.messages.map(readMessage);
  if (fields.messages.some((given) => (given as { name?: unknown }).name != null)) ignored.push('messages.name');
  return { fields: { ...fields, messages } as ChatBody, ignored };
}

function readMessage(given: unknown, index: number): ChatMessage {
  refuseToolCalls(given, index);
  const parsed = message.safeParse(given);
  if (!parsed.success) throw explainIssues(parsed.error.issues, given, ['messages', index]);
  const { role, content } = parsed.data;
  return {
    role: role === 'developer' ? 'system' : role,
    content: typeof content === 'string' ? content : content.map(({ text }) => text).join('\n'),
  };
}

function refuseToolCalls(given: unknown, index: number): void {
  const { tool_calls: calls, function_call: call } = (given ?? {}) as { tool_calls?: unknown; function_call?: unknown };
  if ((calls == null || (Array.isArray(calls) && calls.length === 0)) && call == null) return;
  throw unsupported(
    `messages[${index}].${call == null ? 'tool_calls' : 'function_call'}`,
    `messages[${index}]: calls of tools are not supported here.`,
  );
}
