/** What is refused, how the answer names it, and what is accepted although it is not acted on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHAT_MODEL, EMBED_MODEL } from './fake-yard.js';
import { type FakeServer, post, serveFake } from './serve-fake.js';

let server: FakeServer;

beforeAll(async () => {
  server = await serveFake({ bodyLimitBytes: 100_000 });
});

afterAll(() => server.close());

const CHAT = { model: CHAT_MODEL, messages: [{ role: 'user', content: 'Hi' }] };
const COMPLETION = { model: CHAT_MODEL, prompt: 'Hi' };
const EMBEDDING = { model: EMBED_MODEL, input: 'Hi' };

interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string };
}

async function refusal(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await post(server.origin + path, body, headers);
  const { error } = (await response.json()) as ErrorBody;
  return { status: response.status, ...error };
}

const nested = (depth: number): object => (depth === 0 ? {} : { properties: nested(depth - 1) });
const schema = (value: unknown) => ({ type: 'json_schema', json_schema: { name: 'x', schema: value } });

// [what, changed fields, blamed field, part of the message]
const CHAT_CASES: readonly [string, object, string, string][] = [
  ['no model', { model: undefined }, 'model', 'expected a string; got nothing'],
  ['an empty model name', { model: '' }, 'model', 'at least 1 characters'],
  ['a model that is a number', { model: 3 }, 'model', 'expected a string; got 3'],
  ['no messages', { messages: undefined }, 'messages', 'expected a list; got nothing'],
  ['an empty list of messages', { messages: [] }, 'messages', 'at least 1 entries; got a list of 0'],
  ['messages that are a text', { messages: 'Hi' }, 'messages', 'expected a list; got a string of 2 characters'],
  ['a message that is null', { messages: [null] }, 'messages[0]', 'expected an object; got null'],
  ['a role that is misspelt', { messages: [{ role: 'usr', content: '' }] }, 'messages[0].role', '"developer", "user"'],
  ['an old role', { messages: [{ role: 'function', content: '' }] }, 'messages[0].role', 'got "function"'],
  ['content that is null', { messages: [{ role: 'user', content: null }] }, 'messages[0].content', 'got null'],
  [
    'an image',
    {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: '?' },
            { type: 'image_url', image_url: {} },
          ],
        },
      ],
    },
    'messages[0].content[1].type',
    'expected "text"; got "image_url"',
  ],
  ['a temperature above 2', { temperature: 2.1 }, 'temperature', 'at most 2; got 2.1'],
  ['a temperature below 0', { temperature: -1 }, 'temperature', 'at least 0; got -1'],
  ['a top_p above 1', { top_p: 1.5 }, 'top_p', 'at most 1'],
  ['max_tokens of 0', { max_tokens: 0 }, 'max_tokens', 'at least 1'],
  ['max_tokens with a fraction', { max_completion_tokens: 1.5 }, 'max_completion_tokens', 'a whole number; got 1.5'],
  ['max_tokens as text', { max_tokens: '12' }, 'max_tokens', 'a number; got a string of 2 characters'],
  ['too many stops', { stop: Array(17).fill('x') }, 'stop', 'at most 16 entries'],
  ['a stop that is no text', { stop: ['a', 4] }, 'stop[1]', 'expected a string; got 4'],
  ['a stream flag that is a text', { stream: 'yes' }, 'stream', 'expected true or false'],
  ['two answers', { n: 2 }, 'n', 'only 1 is supported here; got 2'],
  ['log probabilities', { logprobs: true }, 'logprobs', 'only false'],
  ['a presence penalty', { presence_penalty: 0.5 }, 'presence_penalty', 'only 0'],
  ['a bias', { logit_bias: { 50256: -100 } }, 'logit_bias', 'only an empty object'],
  ['another server’s sampling', { top_k: 40 }, 'top_k', 'only -1 or 0'],
  ['a reasoning effort', { reasoning_effort: 'high' }, 'reasoning_effort', 'only "none"'],
  ['audio out', { modalities: ['text', 'audio'] }, 'modalities', 'only ["text"]'],
  ['storing', { store: true }, 'store', 'only false'],
  ['a misspelt field', { max_token: 5 }, 'max_token', 'Did you mean "max_tokens"?'],
  [
    'an unknown response format',
    { response_format: { type: 'xml' } },
    'response_format.type',
    '"json_schema"; got "xml"',
  ],
  [
    'a response format without schema',
    { response_format: { type: 'json_schema' } },
    'response_format.json_schema',
    'nothing',
  ],
  ['a schema without end', { response_format: schema(nested(100)) }, 'response_format.json_schema.schema', '64 levels'],
  ['an unknown class', { agentyard: { class: 'urgent' } }, 'agentyard.class', '"interactive"'],
  [
    'an unknown hint',
    { agentyard: { prio: 1 } },
    'agentyard',
    'class, priority, deadlineMs, tenant, session, tools and maxRounds; got "prio"',
  ],
  ['a deadline of 0', { agentyard: { deadlineMs: 0 } }, 'agentyard.deadlineMs', 'more than 0'],
  ['a tenant with spaces', { agentyard: { tenant: 'a b' } }, 'agentyard.tenant', '1 to 64 of the characters'],
  ['a foreign priority that is a text', { priority: 'high' }, 'priority', 'expected a number'],
];

describe('a chat that is refused', () => {
  it.each(CHAT_CASES)('%s', async (_what, change, param, message) => {
    const { status, ...error } = await refusal('/v1/chat/completions', { ...CHAT, ...change });
    expect({ status, type: error.type, param: error.param }).toEqual({
      status: 400,
      type: 'invalid_request_error',
      param,
    });
    expect(error.message).toContain(message);
    expect(error.code).toMatch(/^(invalid_request|unsupported_parameter|unknown_parameter)$/);
  });

  it('reaches no task', () => {
    expect(server.yard.tasks).toHaveLength(0);
  });
});

describe('a text completion that is refused', () => {
  it.each<[string, object, string, string]>([
    ['no prompt', { prompt: undefined }, 'prompt', 'got nothing'],
    ['an empty prompt', { prompt: '' }, 'prompt', 'an empty string'],
    ['two prompts', { prompt: ['a', 'b'] }, 'prompt', 'one prompt a request'],
    ['tokens with a hole', { prompt: [1, null] }, 'prompt[1]', 'a token id of 0 or more; got null'],
    ['negative tokens', { prompt: [[5, -1]] }, 'prompt[0][1]', 'got -1'],
    ['echo', { echo: true }, 'echo', 'only false'],
    ['a suffix', { suffix: 'end' }, 'suffix', 'only ""'],
    ['best of several', { best_of: 3 }, 'best_of', 'only 1'],
  ])('%s', async (_what, change, param, message) => {
    const error = await refusal('/v1/completions', { ...COMPLETION, ...change });
    expect(error).toMatchObject({ status: 400, param });
    expect(error.message).toContain(message);
  });
});

describe('an embedding that is refused', () => {
  it.each<[string, object, string, string]>([
    ['no input', { input: undefined }, 'input', 'got nothing'],
    ['an empty list', { input: [] }, 'input', '1 to 2048 entries'],
    ['an empty text', { input: ['a', ''] }, 'input[1]', 'an empty string'],
    ['texts mixed with tokens', { input: [[1], 2] }, 'input[1]', 'a list of token ids'],
    ['another number of dimensions', { dimensions: 3 }, 'dimensions', 'vectors have 4; got 3'],
    ['an unknown encoding', { encoding_format: 'hex' }, 'encoding_format', '"base64"; got "hex"'],
  ])('%s', async (_what, change, param, message) => {
    const error = await refusal('/v1/embeddings', { ...EMBEDDING, ...change });
    expect(error).toMatchObject({ status: 400, param });
    expect(error.message).toContain(message);
  });
});

describe('a body that is no JSON object', () => {
  it.each<[string, string, Record<string, string>, number, string]>([
    ['broken JSON', '{"model": secret}', {}, 400, 'invalid_json'],
    ['an empty body', '', {}, 400, 'invalid_json'],
    ['a list', '[]', {}, 400, 'invalid_request'],
    ['a number', '5', {}, 400, 'invalid_request'],
    ['a form', 'model=x', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported_content_type'],
    ['plain text', 'hello', { 'content-type': 'text/plain' }, 415, 'unsupported_content_type'],
    ['a compressed body', '\x1f\x8b', { 'content-encoding': 'gzip' }, 415, 'unsupported_content_encoding'],
    ['a poisoned prototype', '{"__proto__": {"model": "x"}}', {}, 400, 'invalid_json'],
    ['a body above the limit', JSON.stringify({ ...CHAT, user: 'x'.repeat(100_000) }), {}, 413, 'body_too_large'],
  ])('%s', async (_what, body, headers, status, code) => {
    const error = await refusal('/v1/chat/completions', body, headers);
    expect(error).toMatchObject({ status, code });
    expect(error.message).not.toContain('secret');
  });

  it('names the limit', async () => {
    const { message } = await refusal('/v1/chat/completions', 'x'.repeat(100_001));
    expect(message).toContain('100000 bytes');
  });
});

describe('hostile sizes', () => {
  it('answers a list of a million wrong entries without collecting a complaint for each', async () => {
    const large = await serveFake();
    try {
      const body = `{"model":"${CHAT_MODEL}","messages":[{"role":"user","content":[${'1,'.repeat(2_000_000)}1]}]}`;
      const before = process.memoryUsage().heapUsed;
      const response = await post(`${large.origin}/v1/chat/completions`, body);
      expect(response.status).toBe(400);
      expect(((await response.json()) as ErrorBody).error.param).toBe('messages[0].content');
      // A complaint takes over 100 bytes: two million of them would be 200 MB and more.
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(150e6);
    } finally {
      await large.close();
    }
  });
});

describe('routes', () => {
  it('answers 404 for unknown ones and says which exist', async () => {
    const error = await refusal('/v1/chat/completion', CHAT);
    expect(error).toMatchObject({ status: 404, code: 'unknown_route' });
    expect(error.message).toContain('/v1/chat/completions');
  });

  it('answers 405 for the wrong method and says which is right', async () => {
    const response = await fetch(`${server.origin}/v1/chat/completions`);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
  });

  it('finds models whose names hold slashes, escaped or not, and suggests the nearest', async () => {
    const error = (await (await fetch(`${server.origin}/v1/models/org%2Fchat`)).json()) as ErrorBody;
    expect(error.error).toMatchObject({ code: 'model_not_found', message: expect.stringContaining('"org/chat"') });
    const near = (await (await fetch(`${server.origin}/v1/models/chat-modle`)).json()) as ErrorBody;
    expect(near.error.message).toContain(`Did you mean "${CHAT_MODEL}"?`);
  });
});

describe('fields that are accepted and not acted on', () => {
  it('takes what clients send by habit', async () => {
    const habits = {
      n: 1,
      logprobs: false,
      top_logprobs: null,
      presence_penalty: 0,
      frequency_penalty: 0.0,
      logit_bias: {},
      user: 'somebody',
      store: false,
      parallel_tool_calls: true,
      service_tier: 'auto',
      metadata: { run: '1' },
      tools: [],
      tool_choice: 'none',
      response_format: { type: 'text' },
      stop: null,
      seed: null,
      max_tokens: null,
      stream_options: null,
      top_k: -1,
    };
    const response = await post(`${server.origin}/v1/chat/completions`, { ...CHAT, ...habits });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-agentyard-ignored-fields')).toBeNull();
  });

  it('names unknown fields in a header instead of ignoring them in silence', async () => {
    const messages = [{ role: 'user', content: 'Hi', name: 'ann' }];
    const body = { ...CHAT, messages, some_future_field: 1, 'strange\nname': 2 };
    const response = await post(`${server.origin}/v1/chat/completions`, body);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-agentyard-ignored-fields')).toBe('some_future_field, ?, messages.name');
  });
});
