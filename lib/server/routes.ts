/** The `/v1` routes: what each reads, which call of the service it makes, and what it answers. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { InvalidRequestError, nearest, UnknownModelError } from '../base/index.js';
import type { ModelInfo, TaskHints } from '../runtime/service.js';
import { chatWithAgents } from './agents/agent-chat.js';
import { readAgentTools } from './agents/agent-tools.js';
import { type AnswerShape, chatShape, completionShape } from './answer-shape.js';
import { readChatBody } from './body/chat-body.js';
import { readCompletionBody } from './body/completion-body.js';
import { readEmbeddingBody } from './body/embedding-body.js';
import { type GenerationFields, generationRequest } from './body/generation-fields.js';
import type { HintFields } from './body/hint-fields.js';
import { toolRequest } from './body/tool-fields.js';
import { exchangeOf } from './exchange.js';
import { unsupported } from './failure.js';
import { type GenerateOptions, generate } from './generate.js';
import { readHints } from './hints.js';
import type { ResolvedOptions } from './options.js';

/** Registers the `/v1` routes. */
export function registerRoutes(app: FastifyInstance, options: ResolvedOptions): void {
  const { yard } = options;

  const admit = (
    request: FastifyRequest,
    reply: FastifyReply,
    fields: HintFields & { model: string },
    ignored: string[],
  ) => {
    const exchange = exchangeOf(request);
    if (yard.models().some(({ name }) => name === fields.model)) exchange.model = fields.model;
    const hints: TaskHints = readHints(fields, request.headers, exchange.keyTenant);
    exchange.tenant = hints.tenant ?? 'default';
    exchange.class = hints.class ?? 'standard';
    if (ignored.length > 0) reply.header('x-agentyard-ignored-fields', ignored.join(', '));
    return { ...hints, signal: exchange.signal };
  };

  const answerOptions = (shape: AnswerShape, fields: GenerationFields & { model: string }): GenerateOptions => ({
    shape,
    model: fields.model,
    stream: fields.stream ?? false,
    includeUsage: fields.stream_options?.include_usage ?? false,
    keepAliveMs: options.keepAliveMs,
    unreadMs: options.unreadMs,
  });

  app.post('/v1/chat/completions', { config: { promptParam: 'messages' } }, async (request, reply) => {
    const { fields, ignored } = readChatBody(request.body);
    const hints = admit(request, reply, fields, ignored);
    const { model, messages } = fields;
    const chat = { ...hints, ...generationRequest(fields), ...toolRequest(fields), model, messages };
    const loop = readAgentTools(yard, fields);
    const task = loop === undefined ? yard.chat(chat) : chatWithAgents({ ...loop, chat });
    return generate(request, reply, task, answerOptions(chatShape, fields));
  });

  app.post('/v1/completions', { config: { promptParam: 'prompt' } }, async (request, reply) => {
    const { fields, ignored } = readCompletionBody(request.body);
    const hints = admit(request, reply, fields, ignored);
    const task = yard.complete({ ...hints, ...generationRequest(fields), model: fields.model, prompt: fields.prompt });
    return generate(request, reply, task, answerOptions(completionShape, fields));
  });

  app.post('/v1/embeddings', { config: { promptParam: 'input' } }, async (request, reply) => {
    const { fields, ignored } = readEmbeddingBody(request.body);
    const hints = admit(request, reply, fields, ignored);
    const result = await yard.embed({ ...hints, model: fields.model, input: fields.input });
    refuseOtherLength(fields.dimensions, result.vectors[0]?.length);
    const encode = fields.encoding_format === 'base64' ? toBase64 : (vector: Float32Array) => Array.from(vector);
    const exchange = exchangeOf(request);
    exchange.outcome = 'completed';
    exchange.waitMs = result.waitMs;
    exchange.promptTokens = result.promptTokens;
    reply.header('x-agentyard-wait-ms', Math.round(result.waitMs));
    return {
      object: 'list',
      data: result.vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector) })),
      model: fields.model,
      usage: { prompt_tokens: result.promptTokens, total_tokens: result.promptTokens },
    };
  });

  app.get('/v1/models', async () => ({ object: 'list', data: yard.models().map(modelBody) }));

  // A wildcard, because names such as "org/model" hold slashes.
  app.get<{ Params: { '*': string } }>('/v1/models/*', async (request) => {
    const name = request.params['*'];
    const models = yard.models();
    const model = models.find((candidate) => candidate.name === name);
    if (model !== undefined) return modelBody(model);
    const known = models.map((candidate) => candidate.name);
    throw new UnknownModelError(name, known, nearest(name, known));
  });
}

/** OpenAI's model object, and under `agentyard` what a client may want to know before it asks. */
function modelBody(model: ModelInfo): object {
  return {
    id: model.name,
    object: 'model',
    created: model.createdSeconds,
    owned_by: 'agentyard',
    agentyard: {
      state: model.state,
      stand_in: model.standIn,
      sequences: model.sequences,
      context_tokens: model.contextTokens ?? null,
      generates: model.generates ?? null,
      embeds: model.embeds ?? null,
    },
  };
}

/** Vectors keep the length that the model gives them: cut ones would no longer have unit length, nor mean the same. */
function refuseOtherLength(asked: number | undefined, length: number | undefined): void {
  if (asked === undefined || asked === length) return;
  if (length === undefined) throw new InvalidRequestError('dimensions: the model gave no vector.', 'dimensions');
  throw unsupported('dimensions', `dimensions: this model's vectors have ${length}; got ${asked}.`);
}

/** 32-bit floats, little-endian, as OpenAI sends them; every platform that Node runs on here stores them so. */
function toBase64(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}
