/** Requests of the library's callers, checked where they enter and turned into jobs. */
import { z } from 'zod';
import { InvalidRequestError } from '../base/errors.js';
import { TASK_CLASSES } from '../task/index.js';
import type { GenerationOptions, ModelJob } from './backend.js';
import type { ChatRequest, CompletionRequest, EmbedRequest, GenerationRequest, TaskHints } from './service.js';
import { checkToolMessages, checkTools, SERVICE_FIELDS, toolBounds } from './tool-request.js';
import { chatTurns } from './tool-turns.js';

export const DEFAULT_MAX_TOKENS = 512;
export const DEFAULT_TEMPERATURE = 0.7;

const hints = {
  tenant: z.string().min(1).max(256).optional(),
  class: z.enum(TASK_CLASSES).optional(),
  priority: z.number().finite().optional(),
  session: z.string().min(1).max(256).optional(),
  deadlineMs: z.number().positive().finite().optional(),
  signal: z.custom<AbortSignal>((value) => value instanceof AbortSignal, 'expected an AbortSignal').optional(),
};

const generation = {
  maxTokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().gt(0).max(1).optional(),
  seed: z.int().optional(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(16)]).optional(),
  jsonSchema: z.record(z.string(), z.unknown()).optional(),
};

const tokens = z.array(z.int().min(0)).min(1);
const model = z.string().min(1);

const jsonObject = z.record(z.string(), z.unknown());
const toolCall = z.strictObject({ id: z.string().min(1).max(256), name: z.string().min(1), arguments: jsonObject });
const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.enum(['system', 'user']), content: z.string() }),
  z.strictObject({ role: z.literal('assistant'), content: z.string(), toolCalls: z.array(toolCall).optional() }),
  z.strictObject({ role: z.literal('tool'), content: z.string(), toolCallId: z.string() }),
]);
const tool = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  parameters: jsonObject.optional(),
});

const chatSchema = z.strictObject({
  model,
  messages: z.array(message).min(1),
  tools: z.array(tool).optional(),
  toolChoice: z.union([z.enum(['auto', 'none', 'required']), z.strictObject({ name: z.string() })]).optional(),
  parallelToolCalls: z.boolean().optional(),
  ...hints,
  ...generation,
});
const completionSchema = z.strictObject({
  model,
  prompt: z.union([z.string().min(1), tokens]),
  ...hints,
  ...generation,
});
const embedSchema = z.strictObject({
  model,
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1), tokens, z.array(tokens).min(1)]),
  ...hints,
});

/** @throws {@link InvalidRequestError} naming the field, without repeating any text of the request */
export function chatJob(request: ChatRequest): ModelJob {
  check(chatSchema, request);
  const { tools = [], toolChoice, parallelToolCalls } = request;
  checkTools(tools, toolChoice, SERVICE_FIELDS);
  checkToolMessages(request.messages, SERVICE_FIELDS);
  // Plain JSON, and a copy: the caller may go on with its own objects while the task waits. So are the turns.
  const bounds = toolBounds(tools, toolChoice, parallelToolCalls);
  return {
    kind: 'chat',
    messages: chatTurns(request.messages, tools),
    options: { ...generationOptions(request), ...(bounds !== undefined && { toolBounds: plain(bounds) }) },
  };
}

/** @throws {@link InvalidRequestError} */
export function completionJob(request: CompletionRequest): ModelJob {
  check(completionSchema, request);
  const { prompt } = request;
  return {
    kind: 'completion',
    prompt: typeof prompt === 'string' ? prompt : [...prompt],
    options: generationOptions(request),
  };
}

/** One job per input. @throws {@link InvalidRequestError} */
export function embeddingJobs(request: EmbedRequest): ModelJob[] {
  check(embedSchema, request);
  const { input } = request;
  const isOne = typeof input === 'string' || typeof input[0] === 'number';
  const inputs = (isOne ? [input] : input) as readonly (string | readonly number[])[];
  return inputs.map((one) => ({ kind: 'embedding', input: typeof one === 'string' ? one : [...one] }));
}

function generationOptions(request: ChatRequest | CompletionRequest): GenerationOptions {
  return {
    maxTokens: request.maxTokens ?? DEFAULT_MAX_TOKENS,
    temperature: request.temperature ?? DEFAULT_TEMPERATURE,
    topP: request.topP ?? 1,
    // Any integer is accepted, as elsewhere; the sampler takes 32 bits.
    seed: request.seed === undefined ? undefined : request.seed >>> 0,
    stop: request.stop === undefined ? [] : typeof request.stop === 'string' ? [request.stop] : [...request.stop],
    jsonSchema: plainCopy(request.jsonSchema),
  };
}

/** Schema libraries attach functions, and a schema may refer to itself; what travels to an engine is plain JSON. */
function plainCopy(schema: GenerationRequest['jsonSchema']): GenerationRequest['jsonSchema'] {
  if (schema === undefined) return undefined;
  try {
    return plain(schema);
  } catch {
    throw new InvalidRequestError('Field "jsonSchema" is wrong: it cannot be written as JSON.', 'jsonSchema');
  }
}

function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function check(schema: z.ZodType, request: TaskHints): void {
  const result = schema.safeParse(request);
  if (result.success) return;
  const issue = result.error.issues[0]!;
  const param = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const name = issue.keys[0]!;
    throw new InvalidRequestError(`Unknown field "${name}" in the request.`, name);
  }
  throw new InvalidRequestError(`Field "${param}" is wrong: ${issue.message}.`, param === '' ? undefined : param);
}
