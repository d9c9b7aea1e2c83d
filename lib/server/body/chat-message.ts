/** One message of a chat body, in OpenAI's shape. */
import { z } from 'zod';
import { InvalidRequestError } from '../../base/index.js';
import type { ChatMessage, ToolCall } from '../../runtime/backend.js';
import { unsupported } from '../failure.js';
import { describe, explainIssues } from './explain-issue.js';

const MAX_PARTS = 256;
const MAX_CALLS = 128;
const MAX_ID = 256;

const textPart = z.object({ type: z.literal('text'), text: z.string() });
const content = z.union([z.string(), z.array(z.unknown()).min(1).max(MAX_PARTS).pipe(z.array(textPart))]);

const anyMessage = z.object({ role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']) });
const plainMessage = z.object({ content });
const toolMessage = z.object({ content, tool_call_id: z.string().min(1).max(MAX_ID) });
const callMessage = z.object({
  content: content.nullish(),
  tool_calls: z
    .array(z.unknown())
    .max(MAX_CALLS)
    .pipe(
      z.array(
        z.object({
          id: z.string().min(1).max(MAX_ID),
          type: z.literal('function'),
          function: z.object({ name: z.string().min(1), arguments: z.string() }),
        }),
      ),
    ),
});

/** Reads one message. `developer` is the newer name of `system`; text parts are joined by line ends. */
export function readMessage(given: unknown, index: number): ChatMessage {
  const { role } = parse(anyMessage, given, index);
  if ((given as { function_call?: unknown }).function_call != null) {
    throw unsupported(
      `messages[${index}].function_call`,
      `messages[${index}]: function_call is not supported here; use tool_calls.`,
    );
  }
  const calls = (given as { tool_calls?: unknown }).tool_calls;
  const hasCalls = calls != null && !(Array.isArray(calls) && calls.length === 0);
  if (hasCalls && role !== 'assistant') {
    throw unsupported(`messages[${index}].tool_calls`, `messages[${index}]: only the assistant calls tools.`);
  }
  switch (role) {
    case 'tool': {
      const message = parse(toolMessage, given, index);
      return { role, content: joined(message.content), toolCallId: message.tool_call_id };
    }
    case 'assistant': {
      if (!hasCalls) return { role, content: joined(parse(plainMessage, given, index).content) };
      const message = parse(callMessage, given, index);
      return {
        role,
        content: message.content == null ? '' : joined(message.content),
        toolCalls: message.tool_calls.map(({ id, function: { name, arguments: text } }, call) => ({
          id,
          name,
          arguments: readArguments(text, `messages[${index}].tool_calls[${call}].function.arguments`),
        })),
      };
    }
    default:
      return {
        role: role === 'developer' ? 'system' : role,
        content: joined(parse(plainMessage, given, index).content),
      };
  }
}

function parse<T extends z.ZodType>(schema: T, given: unknown, index: number): z.infer<T> {
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw explainIssues(parsed.error.issues, given, ['messages', index]);
  return parsed.data;
}

function joined(given: z.infer<typeof content>): string {
  return typeof given === 'string' ? given : given.map(({ text }) => text).join('\n');
}

/** An empty text is what some clients send for a call without arguments. */
function readArguments(text: string, param: string): ToolCall['arguments'] {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidRequestError(`${param}: expected an object as JSON text; got ${describe(text)}.`, param);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new InvalidRequestError(`${param}: expected an object as JSON text; got ${describe(value)} as JSON.`, param);
}
