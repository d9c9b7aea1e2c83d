/** What a request becomes for the service, and how each error of the service is answered. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AgentyardError,
  DeadlineError,
  EngineDiedError,
  EngineError,
  InsufficientMemoryError,
  InvalidGgufError,
  PromptTooLongError,
  QueueFullError,
} from '../../lib/base/index.js';
import type { ChatRequest, CompletionRequest } from '../../lib/runtime/service.js';
import { FAILURE_TABLE, failureOf } from '../../lib/server/failure.js';
import { CHAT_MODEL, EMBED_MODEL } from './fake-yard.js';
import { type FakeServer, post, serveFake } from './serve-fake.js';

let server: FakeServer;

beforeAll(async () => {
  server = await serveFake();
});

afterAll(() => server.close());

const CHAT = { model: CHAT_MODEL, messages: [{ role: 'user', content: 'Hi' }] };

/** What the service was asked when this chat arrived. */
async function asked(body: object, headers: Record<string, string> = {}): Promise<Omit<ChatRequest, 'signal'>> {
  const response = await post(`${server.origin}/v1/chat/completions`, { ...CHAT, ...body }, headers);
  expect(response.status).toBe(200);
  const { signal, ...request } = server.yard.tasks.at(-1)!.request as ChatRequest;
  expect(signal).toBeInstanceOf(AbortSignal);
  return request;
}

describe('a chat request', () => {
  it('leaves defaults to the service', async () => {
    expect(await asked({})).toEqual(CHAT);
  });

  it('carries every generation field over', async () => {
    const fields = { max_tokens: 9, temperature: 0, top_p: 0.5, seed: 42, stop: ['a', ''] };
    expect(await asked(fields)).toEqual({ ...CHAT, maxTokens: 9, temperature: 0, topP: 0.5, seed: 42, stop: ['a'] });
  });

  it('prefers max_completion_tokens, the newer name', async () => {
    expect(await asked({ max_tokens: 9, max_completion_tokens: 4 })).toMatchObject({ maxTokens: 4 });
  });

  it('keeps equal seeds equal when it folds them to 32 bits', async () => {
    expect((await asked({ seed: -1 })).seed).toBe(2 ** 32 - 1);
    expect((await asked({ seed: 2 ** 32 + 5 })).seed).toBe(5);
  });

  it('reads top_p 0 as "the most likely token alone"', async () => {
    const { topP } = await asked({ top_p: 0 });
    expect(topP).toBeGreaterThan(0);
    expect(topP).toBeLessThan(1e-3);
  });

  it('joins text parts and takes developer for system', async () => {
    const parts = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ];
    const { messages } = await asked({
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: parts },
      ],
    });
    expect(messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'a\nb' },
    ]);
  });

  it('turns response formats into schemas', async () => {
    expect((await asked({ response_format: { type: 'text' } })).jsonSchema).toBeUndefined();
    expect((await asked({ response_format: { type: 'json_object' } })).jsonSchema).toEqual({
      type: 'object',
      additionalProperties: true,
    });
    const schema = { type: 'object', properties: { a: { type: 'number' } } };
    const format = { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } };
    expect((await asked({ response_format: format })).jsonSchema).toEqual(schema);
  });
});

describe('scheduling hints', () => {
  const hints = { class: 'batch', priority: 2, session: 's', deadlineMs: 5000, tenant: 'acme' };
  const headers = {
    'x-agentyard-class': 'interactive',
    'x-agentyard-priority': '-1.5',
    'x-agentyard-session': 'h',
    'x-agentyard-deadline-ms': '250',
    'x-agentyard-tenant': 'header-tenant',
  };

  it('come from the body', async () => {
    expect(await asked({ agentyard: hints })).toEqual({ ...CHAT, ...hints });
  });

  it('come from headers, which any client can set', async () => {
    const expected = { class: 'interactive', priority: -1.5, session: 'h', deadlineMs: 250, tenant: 'header-tenant' };
    expect(await asked({}, headers)).toEqual({ ...CHAT, ...expected });
  });

  it('of the body win over those of headers', async () => {
    expect(await asked({ agentyard: hints }, headers)).toEqual({ ...CHAT, ...hints });
  });

  it('with a priority of vLLM or LiteLLM, where lower goes first, are turned around', async () => {
    expect((await asked({ priority: -3 })).priority).toBe(3);
    expect((await asked({ priority: 0 })).priority).toBe(0);
    expect((await asked({ priority: 10, agentyard: { priority: 1 } })).priority).toBe(1);
  });

  it('take prompt_cache_key for a session', async () => {
    expect((await asked({ prompt_cache_key: 'thread-9' })).session).toBe('thread-9');
  });

  it('name a tenant by header, then user, then bearer token, and never show the last two', async () => {
    const bearer = { authorization: 'Bearer sk-very-secret' };
    const byKey = (await asked({}, bearer)).tenant;
    expect(byKey).toMatch(/^key-[0-9a-f]{12}$/);
    const byUser = (await asked({ user: 'ann@example.org' }, bearer)).tenant;
    expect(byUser).toMatch(/^user-[0-9a-f]{12}$/);
    expect((await asked({ user: 'ann@example.org' })).tenant).toBe(byUser);
    expect((await asked({ user: 'bob@example.org' })).tenant).not.toBe(byUser);
    expect((await asked({ user: 'ann' }, { ...bearer, 'x-agentyard-tenant': 'acme' })).tenant).toBe('acme');
  });

  it.each([
    ['x-agentyard-class', 'urgent', '"interactive"'],
    ['x-agentyard-priority', 'high', 'a number; got a string of 4 characters'],
    ['x-agentyard-deadline-ms', '-5', 'more than 0'],
    ['x-agentyard-tenant', 'a b', 'the characters'],
  ])('that are malformed are refused: %s: %s', async (header, value, message) => {
    const response = await post(`${server.origin}/v1/chat/completions`, CHAT, { [header]: value });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { message: string; param: string } };
    expect(error.param).toBe(header);
    expect(error.message).toContain(message);
  });
});

describe('other requests', () => {
  it.each([
    ['Hi', 'Hi'],
    [['Hi'], 'Hi'],
    [
      [1, 2],
      [1, 2],
    ],
    [[[1, 2]], [1, 2]],
  ])('completes the prompt %j', async (prompt, expected) => {
    const response = await post(`${server.origin}/v1/completions`, { model: CHAT_MODEL, prompt });
    expect(response.status).toBe(200);
    expect((server.yard.tasks.at(-1)!.request as CompletionRequest).prompt).toEqual(expected);
  });

  it.each([
    ['a', 1],
    [['a', 'b'], 2],
    [[1, 2, 3], 1],
    [[[1], [2, 3]], 2],
  ])('embeds the input %j', async (input, count) => {
    const response = await post(`${server.origin}/v1/embeddings`, { model: EMBED_MODEL, input, dimensions: 4 });
    const body = (await response.json()) as { data: { embedding: number[] }[] };
    expect(body.data).toHaveLength(count);
    expect(body.data[0]?.embedding).toHaveLength(4);
    expect(server.yard.embeds.at(-1)?.input).toEqual(input);
  });

  it('answers with the request id of the client, or with one of its own when that is no plain word', async () => {
    const echoed = await fetch(`${server.origin}/v1/models`, { headers: { 'x-request-id': 'abc-1' } });
    expect(echoed.headers.get('x-request-id')).toBe('abc-1');
    const assigned = await fetch(`${server.origin}/v1/models`, { headers: { 'x-request-id': 'two words' } });
    expect(assigned.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('reports health: 200 when all models are ready, 503 before and after', async () => {
    const health = async () => {
      const response = await fetch(`${server.origin}/health`);
      return [response.status, ((await response.json()) as { status: string }).status];
    };
    expect(await health()).toEqual([200, 'ok']);
    server.yard.modelState = 'loading';
    expect(await health()).toEqual([503, 'loading']);
    server.yard.modelState = 'failed';
    expect(await health()).toEqual([503, 'failed']);
    server.yard.modelState = 'ready';
  });
});

describe('errors of the service', () => {
  it.each([
    [new QueueFullError(10, 10, 1_500), 429, 'queue_full', null, ['2', '1500', null]],
    [new InsufficientMemoryError('Model "x"', 'ram', 2, 1, 0), 503, 'insufficient_memory', null, ['5', '5000', null]],
    [new DeadlineError('The deadline has passed.'), 504, 'deadline_exceeded', null, [null, null, 'false']],
    [new PromptTooLongError(5000, 2048), 400, 'context_length_exceeded', 'messages', [null, null, null]],
  ])('%s', async (error, status, code, param, pacing) => {
    for (const stream of [false, true]) {
      server.yard.script = () => ({ refuse: error });
      const response = await post(`${server.origin}/v1/chat/completions`, { ...CHAT, stream });
      expect(response.status).toBe(status);
      const body = (await response.json()) as { error: object };
      expect(body.error).toEqual({ message: error.message, type: expect.any(String), param, code });
      expect(['retry-after', 'retry-after-ms', 'x-should-retry'].map((name) => response.headers.get(name))).toEqual(
        pacing,
      );
    }
    server.yard.script = () => ({});
  });

  it('says that an engine that ended is worth another try, and when', async () => {
    server.yard.script = () => ({ refuse: new EngineDiedError('x', 1, undefined) });
    const response = await post(`${server.origin}/v1/chat/completions`, CHAT);
    server.yard.script = () => ({});
    expect([response.status, response.headers.get('retry-after-ms')]).toEqual([503, '1000']);
    expect(await response.json()).toMatchObject({
      error: { code: 'engine_died', message: expect.stringContaining('repeat the request') },
    });
  });

  it('blames the field that holds the prompt, with both numbers', () => {
    const failure = failureOf(new PromptTooLongError(5000, 2048), 'input');
    expect(failure.param).toBe('input');
    expect(failure.message).toMatch(/5000.*2048/);
  });

  it('does not show the paths of this machine', () => {
    const said = 'error loading /home/ann/model.gguf';
    for (const error of [
      new InvalidGgufError('/home/ann/model.gguf', 'is empty'),
      new EngineError(`The model cannot be loaded: ${said}`),
      new EngineDiedError('x', 1, undefined, said),
    ]) {
      expect(error.message).toContain('/home');
      expect(failureOf(error).message).not.toContain('/home');
    }
  });

  it('does not show the message of a bug, which may quote anything', () => {
    const failure = failureOf(new TypeError('cannot read "secret"'));
    expect(failure).toMatchObject({ status: 500, code: 'internal_error' });
    expect(failure.message).not.toContain('secret');
    expect(failureOf(new AgentyardError('AY_FROM_THE_FUTURE', 'secret')).message).not.toContain('secret');
  });

  it('have a row for every code that the package knows', () => {
    const source = readFileSync(new URL('../../lib/base/errors.ts', import.meta.url), 'utf8');
    const codes = [...source.matchAll(/'(AY_[A-Z_]+)'/g)].map(([, code]) => code as string);
    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((code) => !Object.hasOwn(FAILURE_TABLE, code))).toEqual([]);
  });

  it('become 503 closed once the yard is closed', async () => {
    const closing = await serveFake();
    await closing.yard.close();
    const response = await post(`${closing.origin}/v1/chat/completions`, CHAT);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: 'closed' } });
    await closing.close();
  });
});
