/** The paths of the OpenAPI document that are OpenAI's own, and those for operators. Fields are described where ours differ. */

type Json = Readonly<Record<string, unknown>>;

/** Parts that all operations are made of. */
export interface DocumentParts {
  ref(name: string): Json;
  json(schema: Json): Json;
  answer(description: string, schema: Json): Json;
  failures: Json;
}

const MODEL = { type: 'string', description: 'As GET /v1/models lists them.' };
const OBJECT = { type: 'object' };
const generation = {
  max_tokens: { type: 'integer', minimum: 1 },
  max_completion_tokens: { type: 'integer', minimum: 1 },
  temperature: { type: 'number', minimum: 0, maximum: 2 },
  top_p: { type: 'number', minimum: 0, maximum: 1 },
  seed: { type: 'integer' },
  stop: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
  response_format: OBJECT,
  stream: { type: 'boolean' },
};

/** Paths by route. */
export function openAiPaths({ ref, json, answer, failures }: DocumentParts): Json {
  const post = (
    operationId: string,
    summary: string,
    required: readonly string[],
    properties: Json,
    streams: boolean,
  ) => ({
    post: {
      operationId,
      summary,
      requestBody: {
        required: true,
        content: json({
          type: 'object',
          required: ['model', ...required],
          properties: { model: MODEL, ...properties },
        }),
      },
      responses: {
        200: {
          description: "The answer, in OpenAI's shape.",
          content: { ...json(OBJECT), ...(streams ? { 'text/event-stream': { schema: { type: 'string' } } } : {}) },
        },
        ...failures,
      },
    },
  });
  const get = (operationId: string, summary: string, responses: Json, parameters?: readonly Json[]) => ({
    get: { operationId, summary, ...(parameters === undefined ? {} : { parameters }), responses },
  });
  const name = { name: 'model', in: 'path', required: true, schema: { type: 'string' } };
  const metrics = { description: 'Prometheus text.', content: { 'text/plain': { schema: { type: 'string' } } } };
  return {
    '/v1/chat/completions': post(
      'chat',
      'Answers a chat.',
      ['messages'],
      {
        messages: { type: 'array', minItems: 1, items: OBJECT },
        tools: { type: 'array', items: OBJECT, description: 'Functions that the client calls.' },
        tool_choice: {},
        parallel_tool_calls: { type: 'boolean' },
        ...generation,
        agentyard: ref('ChatHints'),
      },
      true,
    ),
    '/v1/completions': post(
      'complete',
      'Goes on with a text.',
      ['prompt'],
      { prompt: {}, ...generation, agentyard: ref('Hints') },
      true,
    ),
    '/v1/embeddings': post(
      'embed',
      'Turns texts into vectors.',
      ['input'],
      { input: {}, encoding_format: { enum: ['float', 'base64'] }, agentyard: ref('Hints') },
      false,
    ),
    '/v1/models': get('list-models', 'The models.', { 200: answer('The list.', OBJECT), ...failures }),
    '/v1/models/{model}': get('show-model', 'One model.', { 200: answer('The model.', OBJECT), ...failures }, [name]),
    '/health': get('health', 'May traffic be sent here?', {
      200: answer('Every model is ready.', OBJECT),
      503: answer('One is not.', OBJECT),
    }),
    '/metrics': get('metrics', 'Figures for Prometheus.', { 200: metrics, ...failures }),
  };
}
