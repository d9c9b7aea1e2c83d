/**
 * A value of a schema out of a model: asked for with the schema's JSON form as a grammar, checked by the schema itself, and repaired
 * once: the model is shown its answer and what is wrong with it.
 */
import { InvalidOutputError, OutputTruncatedError, type ValueIssue } from '../base/agent-errors.js';
import { InvalidRequestError } from '../base/errors.js';
import type { ChatMessage } from '../runtime/backend.js';
import type { ChatStream } from '../runtime/service.js';
import type { AgentChatRequest, ObjectRequest } from './agent-context.js';
import type { AgentSchema, InferOut } from './schema.js';
import { grammarFormOf } from './structured.js';
import { issuesOf, validate } from './validate.js';

/** Whoever can chat: a call. */
export interface Chatting {
  readonly agent: string;
  chat(request: AgentChatRequest): ChatStream;
}

export async function generateObject<S extends AgentSchema>(
  chatting: Chatting,
  request: ObjectRequest<S>,
): Promise<InferOut<S>> {
  const { schema, repairs = 1, ...chat } = request;
  if (repairs !== 0 && repairs !== 1) {
    throw new InvalidRequestError(`Field "repairs" is wrong (got ${String(repairs)}): expected 0 or 1.`, 'repairs');
  }
  const jsonSchema = grammarFormOf(schema);
  let messages: readonly ChatMessage[] = chat.messages;
  for (let repair = 0; ; repair++) {
    const { text, finishReason, usage } = await chatting.chat({ ...chat, messages, jsonSchema }).result();
    if (finishReason === 'length') throw new OutputTruncatedError(chatting.agent, usage.outputTokens);
    const read = await readValue(schema, text);
    if (read.issues === undefined) return read.value as InferOut<S>;
    if (repair >= repairs) throw new InvalidOutputError(chatting.agent, read.issues);
    messages = [...messages, { role: 'assistant', content: text }, { role: 'user', content: complaint(read.issues) }];
  }
}

type Read = { value: unknown; issues?: undefined } | { issues: ValueIssue[] };

async function readValue(schema: AgentSchema, text: string): Promise<Read> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { issues: [{ path: '', message: 'is not JSON', expected: 'JSON', got: 'text' }] };
  }
  const checked = await validate(schema, value);
  return checked.issues === undefined ? { value: checked.value } : { issues: issuesOf(checked.issues, value) };
}

/** What a model is told about its answer. Issues in the schema's own words help it most. */
function complaint(issues: readonly ValueIssue[]): string {
  const lines = issues.slice(0, 10).map(({ path, message }) => `- ${path === '' ? 'The value' : path}: ${message}`);
  return `That answer is not valid:\n${lines.join('\n')}\nGive the whole corrected answer, as JSON and nothing else.`;
}
