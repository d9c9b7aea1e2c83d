/** What the model is told in a conversation, and when it sums one up. */
import type { ChatMessage } from '../../../runtime/backend.js';
import type { KeptTurn, Memory } from './store.js';

export const DEFAULT_SYSTEM = 'You are a helpful assistant. Answer briefly and clearly.';

/** The first message of every prompt of a conversation. It changes only when turns are summed up. */
export function systemMessage(system: string, { summary, quotes }: Pick<Memory, 'summary' | 'quotes'>): ChatMessage {
  const parts = [system];
  if (summary !== '') parts.push(`Earlier in this conversation:\n${summary}`);
  if (quotes.length > 0) parts.push(`The user also said:\n${quotes.map((quote) => `- ${quote}`).join('\n')}`);
  return { role: 'system', content: parts.join('\n\n') };
}

/** The whole prompt of a turn. Between two summaries each begins with the one before it and its answer, so their tokens are read once. */
export function conversationPrompt(system: string, memory: Memory, message: string): ChatMessage[] {
  return [
    systemMessage(system, memory),
    ...memory.turns.flatMap((turn): ChatMessage[] => [
      { role: 'user', content: turn.message },
      { role: 'assistant', content: turn.reply },
    ]),
    { role: 'user', content: message },
  ];
}

const SUMMARY_SYSTEM =
  'You keep the notes of a conversation. Write down in short sentences what must not be forgotten: names, numbers, dates, what the user said ' +
  'about themselves, what they want, and what was agreed or is still open. Leave out greetings and explanations. Invent nothing.';

/** Asks for notes that take the place of the notes so far and of some turns. */
export function summaryPrompt(summary: string, turns: readonly KeptTurn[]): ChatMessage[] {
  const lines = turns.map(({ message, reply }) => `User: ${message}\nAssistant: ${reply}`);
  const before = summary === '' ? '' : `Notes so far:\n${summary}\n\n`;
  return [
    { role: 'system', content: SUMMARY_SYSTEM },
    { role: 'user', content: `${before}Conversation:\n${lines.join('\n')}\n\nWrite the new notes.` },
  ];
}
