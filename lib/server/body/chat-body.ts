/** `POST /v1/chat/completions`: the body. */
import { z } from 'zod';
import type { ChatMessage } from '../../runtime/backend.js';
import { checkToolMessages } from '../../runtime/tool-request.js';
import { type AgentToolFields, agentToolShape } from './agent-tool-fields.js';
import { readMessage } from './chat-message.js';
import { type GenerationFields, generationShape } from './generation-fields.js';
import { chatHintShape, type HintFields, hintShape, ownObject } from './hint-fields.js';
import { CHAT_NEUTRAL } from './neutral-fields.js';
import { modelName, readBody } from './read-body.js';
import { type ToolBodyFields, toolShape, WIRE_FIELDS } from './tool-fields.js';

const MAX_MESSAGES = 4_096;

const chatBody = z.object({
  model: modelName,
  // The entries are checked one by one below: a schema would collect a complaint for each of a hostile body's millions.
  messages: z.array(z.unknown()).min(1).max(MAX_MESSAGES),
  ...toolShape,
  ...generationShape,
  ...hintShape,
  agentyard: ownObject({ ...chatHintShape, ...agentToolShape }).optional(),
});

export interface ChatBody extends ToolBodyFields, GenerationFields, HintFields {
  model: string;
  messages: ChatMessage[];
  agentyard?: NonNullable<HintFields['agentyard']> & AgentToolFields;
}

/**
 * Reads a chat body. A message's `name` is left out (chat templates have no place for it) and told as ignored.
 */
export function readChatBody(body: unknown): { fields: ChatBody; ignored: string[] } {
  const { fields, ignored } = readBody(chatBody, CHAT_NEUTRAL, body);
  const messages = fields.messages.map(readMessage);
  checkToolMessages(messages, WIRE_FIELDS);
  if (fields.messages.some((given) => (given as { name?: unknown }).name != null)) ignored.push('messages.name');
  return { fields: { ...fields, messages } as ChatBody, ignored };
}
