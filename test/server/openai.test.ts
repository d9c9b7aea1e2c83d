/** The official SDK over the fake yard: the shared suite, and what only a scripted yard can bring about. */
import OpenAI from 'openai';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { EngineDiedError, QueueFullError } from '../../lib/base/index.js';
import { CHAT_MODEL, EMBED_MODEL } from './fake-yard.js';
import { openaiConformance } from './openai-conformance.js';
import { type FakeServer, serveFake } from './serve-fake.js';

const servers: FakeServer[] = [];

async function start(): Promise<FakeServer> {
  const server = await serveFake();
  servers.push(server);
  return server;
}

afterAll(async () => {
  for (const server of servers) await server.close();
});

openaiConformance('a scripted yard', async () => {
  const server = await start();
  // Long requests go on until they are cancelled, as a real engine's would.
  server.yard.script = ({ maxTokens = 0 }) => (maxTokens > 1_000 ? { parts: endless() } : {});
  return { baseURL: `${server.origin}/v1`, chatModel: CHAT_MODEL, embedModel: EMBED_MODEL };
});

async function* endless(): AsyncGenerator<string> {
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    yield 'word ';
  }
}

describe('the OpenAI SDK when things go wrong', () => {
  let server: FakeServer;
  let client: OpenAI;
  const request = { model: CHAT_MODEL, messages: [{ role: 'user' as const, content: 'Hi' }] };

  beforeEach(async () => {
    server = await start();
    client = new OpenAI({ baseURL: `${server.origin}/v1`, apiKey: 'unused' });
  });

  it('repeats a request that met a full queue, after the delay that the server named', async () => {
    const times: number[] = [];
    server.yard.script = () => {
      times.push(performance.now());
      return times.length === 1 ? { refuse: new QueueFullError(10, 10, 80) } : {};
    };
    const answer = await client.chat.completions.create(request);
    expect(answer.choices[0]?.message.content).toBe('Hello world');
    expect(times).toHaveLength(2);
    // The SDK's own first delay is 375 to 500 ms: anything between says that it obeyed.
    const delayMs = (times[1] as number) - (times[0] as number);
    expect(delayMs).toBeGreaterThanOrEqual(79);
    expect(delayMs).toBeLessThan(375);
  });

  it('raises RateLimitError when the queue stays full', async () => {
    server.yard.script = () => ({ refuse: new QueueFullError(10, 10, 1) });
    const error = await client.chat.completions.create(request, { maxRetries: 1 }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({ code: 'queue_full', status: 429 });
    expect(server.yard.tasks).toHaveLength(2);
  });

  it('raises the error of an engine that died in the middle of a stream, after the text that came before', async () => {
    server.yard.script = () => ({ parts: ['a', 'b'], failWith: new EngineDiedError(CHAT_MODEL, undefined, 'SIGKILL') });
    const stream = await client.chat.completions.create({ ...request, stream: true });
    let text = '';
    const read = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    };
    const error = await read().catch((reason: unknown) => reason);
    expect(text).toBe('ab');
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ code: 'engine_died', type: 'server_error' });
  });

  it('keeps the HTTP status of an engine that died before a whole answer, and is told to retry', async () => {
    let calls = 0;
    server.yard.script = () =>
      calls++ === 0
        ? { failWith: Object.assign(new EngineDiedError(CHAT_MODEL, 1, undefined), { retryAfterMs: 1 }) }
        : {};
    const answer = await client.chat.completions.create(request);
    expect(answer.choices[0]?.message.content).toBe('Hello world');
    expect(calls).toBe(2);
  });

  it('cancels the task upstream when a whole answer is aborted', async () => {
    server.yard.script = () => ({ startAfter: new Promise(() => undefined) });
    const controller = new AbortController();
    const answer = client.chat.completions
      .create(request, { signal: controller.signal })
      .catch((reason: unknown) => reason);
    const task = await server.yard.submitted(1);
    controller.abort();
    expect(await answer).toBeInstanceOf(OpenAI.APIUserAbortError);
    expect((await task.settled.promise).outcome).toBe('cancelled');
  });

  it('takes a json_schema response format as the parse helper sends it', async () => {
    server.yard.script = () => ({ parts: ['{"city":', '"Bern"}'] });
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const answer = await client.chat.completions.parse({
      ...request,
      response_format: { type: 'json_schema', json_schema: { name: 'place', strict: true, schema } },
    });
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual({ city: 'Bern' });
    expect(server.yard.tasks[0]?.request.jsonSchema).toEqual(schema);
  });
});
