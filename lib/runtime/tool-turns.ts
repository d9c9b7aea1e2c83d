/**
 * From a chat with tools to turns that every chat template takes: system, user and assistant, none of them twice in a row.
 * The tools are described at the end of the system message; calls are the assistant's text, results the user's.
 */
import type { ChatMessage, ChatTurn } from './backend.js';
import type { ToolDefinition } from './service.js';
import { OPENING, toolCallText, toolInstructions, toolResultText } from './tool-prompt.js';

/** The turns of a chat. A chat without tools, calls and results is left as it is, whatever its template says to it. */
export function chatTurns(messages: readonly ChatMessage[], tools: readonly ToolDefinition[]): ChatTurn[] {
  const usesTools = tools.length > 0 || messages.some(hasTools);
  if (!usesTools) return messages.map(({ role, content }) => ({ role, content }) as ChatTurn);
  const turns: ChatTurn[] = [];
  const add = (role: ChatTurn['role'], content: string, separator: string) => {
    const last = turns.at(-1);
    if (last?.role !== role) turns.push({ role, content });
    else last.content = [last.content, content].filter((text) => text !== '').join(separator);
  };
  for (const message of inOrderOfCalls(messages)) {
    switch (message.role) {
      case 'tool':
        add('user', toolResultText(message.content), '\n');
        break;
      case 'assistant':
        // As it was generated, so that the prefix which the engine holds is met again.
        add('assistant', message.content + (message.toolCalls ?? []).map(toolCallText).join(''), '\n\n');
        break;
      default:
        add(message.role, message.content, '\n\n');
    }
  }
  if (tools.length > 0) describe(turns, tools);
  return turns;
}

function hasTools(message: ChatMessage): boolean {
  return message.role === 'tool' || (message.role === 'assistant' && (message.toolCalls?.length ?? 0) > 0);
}

function describe(turns: ChatTurn[], tools: readonly ToolDefinition[]): void {
  const [first] = turns;
  const system = first?.role === 'system' ? first : { role: 'system' as const, content: '' };
  if (system !== first) turns.unshift(system);
  system.content = `${system.content === '' ? OPENING : system.content}\n\n${toolInstructions(tools)}`;
}

/** Results have no name in the text: their order says which call they answer, so they are put in the order of the calls. */
function inOrderOfCalls(messages: readonly ChatMessage[]): ChatMessage[] {
  const ordered: ChatMessage[] = [];
  let calls: readonly string[] = [];
  let results: Extract<ChatMessage, { role: 'tool' }>[] = [];
  const flush = () => {
    ordered.push(...results.sort((a, b) => calls.indexOf(a.toolCallId) - calls.indexOf(b.toolCallId)));
    results = [];
  };
  for (const message of messages) {
    if (message.role === 'tool') {
      results.push(message);
      continue;
    }
    flush();
    if (message.role === 'assistant') calls = (message.toolCalls ?? []).map(({ id }) => id);
    ordered.push(message);
  }
  flush();
  return ordered;
}
