/** Streams on the wire: order and framing, waiting readers, slow readers, readers that leave. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeadlineError, EngineDiedError } from '../../lib/base/index.js';
import { CHAT_MODEL, deferred, EMBED_MODEL } from './fake-yard.js';
import { RawClient } from './raw-client.js';
import { type FakeServer, post, serveFake } from './serve-fake.js';

const CHAT = { model: CHAT_MODEL, messages: [{ role: 'user', content: 'Hi' }] };
const STREAM = { ...CHAT, stream: true };
const PATH = '/v1/chat/completions';

const never = new Promise<void>(() => undefined);

let server: FakeServer;
let client: RawClient;

beforeEach(async () => {
  server = await serveFake();
  client = await RawClient.connect(server.port);
});

afterEach(async () => {
  client.leave();
  await server.close();
});

/** The data of each event, and the comments, in order. */
function events(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: ') || line.startsWith(':'))
    .map((line) => line.replace(/^data: /, ''));
}

describe('a stream', () => {
  it('is role, text, finish reason with our timing, DONE', async () => {
    const response = await post(server.origin + PATH, STREAM);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const [opening, first, second, closing, done, ...rest] = events(await response.text());
    expect(rest).toEqual([]);
    expect(JSON.parse(opening!).choices[0].delta).toEqual({ role: 'assistant', content: '', refusal: null });
    expect(JSON.parse(first!).choices[0]).toMatchObject({ delta: { content: 'Hello' }, finish_reason: null });
    expect(JSON.parse(second!).choices[0].delta).toEqual({ content: ' world' });
    expect(JSON.parse(closing!)).toMatchObject({
      choices: [{ delta: {}, finish_reason: 'stop' }],
      agentyard: { task: 't1', wait_ms: 12.5, first_token_ms: 20, total_ms: 30, cached_tokens: 3 },
    });
    expect(done).toBe('[DONE]');
  });

  it('ends with a usage chunk when asked, and carries the timing there', async () => {
    const body = { ...STREAM, stream_options: { include_usage: true } };
    const all = events(await (await post(server.origin + PATH, body)).text());
    expect(JSON.parse(all.at(-3)!)).not.toHaveProperty('agentyard');
    expect(JSON.parse(all.at(-2)!)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 7,
        completion_tokens: 2,
        total_tokens: 9,
        prompt_tokens_details: { cached_tokens: 3 },
      },
      agentyard: { wait_ms: 12.5 },
    });
  });

  it('keeps text that would break the framing in one event', async () => {
    const parts = ['line\n\ndata: [DONE]\n\n', '\u2028 "quoted" \u0000 é 😀'];
    server.yard.script = () => ({ parts });
    const all = events(await (await post(server.origin + PATH, STREAM)).text());
    expect(all.slice(1, 3).map((event) => JSON.parse(event).choices[0].delta.content)).toEqual(parts);
  });

  it('is silent about its status until the task is accepted', async () => {
    const accept = deferred();
    server.yard.script = () => ({ acceptAfter: accept.promise, refuse: new DeadlineError('Too late.') });
    client.post(PATH, STREAM);
    await server.yard.submitted(1);
    accept.resolve();
    expect(await client.received(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 504 /);
  });

  it('tells an error after the first text inside, without DONE', async () => {
    server.yard.script = () => ({ parts: ['a'], failWith: new EngineDiedError(CHAT_MODEL, 134, undefined) });
    const all = events(await (await post(server.origin + PATH, STREAM)).text());
    expect(JSON.parse(all.at(-1)!)).toEqual({
      error: {
        message: expect.stringContaining('ended while it worked on this request'),
        type: 'server_error',
        param: null,
        code: 'engine_died',
      },
    });
    expect(await server.logged(PATH)).toMatchObject({ status: 200, outcome: 'failed', errorCode: 'engine_died' });
  });

  it('does not pass an answer that was cut short for a whole one', async () => {
    server.yard.script = () => ({ parts: ['a'], finishReason: 'cancelled' });
    const all = events(await (await post(server.origin + PATH, STREAM)).text());
    expect(JSON.parse(all.at(-1)!)).toMatchObject({ error: { code: 'cancelled' } });
    expect((await post(server.origin + PATH, CHAT)).status).toBe(503);
  });
});

describe('a waiting stream', () => {
  beforeEach(async () => {
    await server.close();
    server = await serveFake({ keepAliveMs: 15 });
    client = await RawClient.connect(server.port);
  });

  it('gets comments while its task is queued, and then its answer', async () => {
    const start = deferred();
    server.yard.script = () => ({ startAfter: start.promise });
    client.post(PATH, STREAM);
    await client.received(/: keep-alive\n\n[\s\S]*: keep-alive\n\n/);
    start.resolve();
    const text = await client.received(/\[DONE\]/);
    expect(text).toContain('"content":"Hello"');
  });

  it('gets them while the model still loads and nothing is decided; a refusal then comes inside', async () => {
    const accept = deferred();
    server.yard.script = () => ({ acceptAfter: accept.promise, refuse: new DeadlineError('Too late.') });
    client.post(PATH, STREAM);
    await client.received(/^HTTP\/1.1 200 [\s\S]*: keep-alive\n\n/);
    accept.resolve();
    expect(await client.received(/deadline_exceeded/)).not.toContain('[DONE]');
  });
});

describe('a reader that is slow', () => {
  const PART = 'x'.repeat(64 * 1024);
  const PARTS = 512;

  it('slows only itself, and loses nothing', async () => {
    server.yard.script = () => ({ parts: Array<string>(PARTS).fill(PART) });
    client.post(PATH, STREAM);
    const slow = await server.yard.submitted(1);
    await client.received(/"role":"assistant"/);
    client.stopReading();

    const quick = await post(server.origin + PATH, STREAM);
    expect((await quick.text()).length).toBeGreaterThan(PARTS * PART.length);
    // 32 MiB went past it. What the slow one let through is what kernel buffers hold (up to some 10 MB on loopback).
    expect(slow.produced * PART.length).toBeLessThan(16 * 2 ** 20);

    client.readOn();
    const text = await client.receivedAtEnd('[DONE]');
    expect(events(text)).toHaveLength(PARTS + 3);
  });

  it('is cut off when it takes nothing for too long', async () => {
    const impatient = await serveFake({ unreadMs: 30 });
    const stuck = await RawClient.connect(impatient.port);
    impatient.yard.script = () => ({ parts: Array<string>(PARTS).fill(PART) });
    stuck.post(PATH, STREAM);
    const task = await impatient.yard.submitted(1);
    await stuck.received(/"role":"assistant"/);
    stuck.stopReading();
    expect((await task.settled.promise).outcome).toBe('cancelled');
    expect(await impatient.logged(PATH)).toMatchObject({ clientLeft: true });
    stuck.leave();
    await impatient.close();
  });
});

describe('a client that leaves', () => {
  it.each([
    ['a stream that is not accepted yet', STREAM, { acceptAfter: never }],
    ['a stream that is queued', STREAM, { startAfter: never }],
    ['a stream in the prefill', STREAM, { parts: silence() }],
    ['a whole answer that is queued', CHAT, { startAfter: never }],
    ['a whole answer in the prefill', CHAT, { parts: silence() }],
  ])('cancels %s', async (_what, body, script) => {
    server.yard.script = () => script;
    client.post(PATH, body);
    const task = await server.yard.submitted(1);
    client.leave();
    expect((await task.settled.promise).outcome).toBe('cancelled');
    expect(await server.logged(PATH)).toMatchObject({ clientLeft: true, outcome: 'cancelled' });
  });

  it('cancels a stream in the middle of its text', async () => {
    server.yard.script = () => ({ parts: firstOf('some') });
    client.post(PATH, STREAM);
    await client.received(/"content":"some"/);
    client.leave();
    const task = await server.yard.submitted(1);
    expect((await task.settled.promise).outcome).toBe('cancelled');
    expect(await server.logged(PATH)).toMatchObject({ status: 200, clientLeft: true, outcome: 'cancelled' });
  });

  it('counts as gone when it closes its side in good order', async () => {
    server.yard.script = () => ({ startAfter: never });
    client.post(PATH, CHAT);
    const task = await server.yard.submitted(1);
    client.sayGoodbye();
    expect((await task.settled.promise).outcome).toBe('cancelled');
    expect(await server.logged(PATH)).toMatchObject({ status: 499 });
  });

  it('cancels a request that waits behind another on the same connection', async () => {
    server.yard.script = () => ({ startAfter: never });
    client.post(PATH, CHAT);
    client.post(PATH, CHAT);
    const second = await server.yard.submitted(2);
    client.leave();
    expect((await second.settled.promise).outcome).toBe('cancelled');
  });

  it('cancels embeddings', async () => {
    server.yard.embedAfter = never;
    client.post('/v1/embeddings', { model: EMBED_MODEL, input: 'Hi' });
    await server.yard.embedded(1);
    client.leave();
    await server.logged('/v1/embeddings');
    expect(server.yard.embedsCancelled).toBe(1);
  });

  it('submits nothing when it left before its body was complete', async () => {
    client.write(
      `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{"model":`,
    );
    client.sayGoodbye();
    await client.closed();
    expect(server.yard.tasks).toHaveLength(0);
  });
});

describe('bytes that are no HTTP', () => {
  it('get an error in the shape that clients know', async () => {
    client.write('HELLO\r\n\r\n');
    expect(await client.closed()).toMatch(/^HTTP\/1.1 400 [\s\S]*"code":"invalid_http"/);
  });
});

/** An answer of which nothing comes. */
// biome-ignore lint/correctness/useYield: it stands for a prefill without end
async function* silence(): AsyncGenerator<string> {
  await never;
}

/** An answer that stops after its first part, without an end. */
async function* firstOf(part: string): AsyncGenerator<string> {
  yield part;
  await never;
}
