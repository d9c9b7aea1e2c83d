/** One line and one count a request, however it ends; and bytes that are no HTTP while an answer is on its way. */
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHAT_MODEL, deferred } from './fake-yard.js';
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

/** Statuses of the chat route: as logged, and as counted. */
async function statuses(): Promise<{ logged: unknown[]; counted: string[] }> {
  const metrics = await (await fetch(`${server.origin}/metrics`)).text();
  const lines = server.logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const counts = metrics.matchAll(/^agentyard:http_requests_total\{route="([^"]*)",status="(\d+)"\} (\d+)$/gm);
  return {
    logged: lines.filter(({ route }) => route === PATH).map(({ status }) => status),
    counted: [...counts].filter(([, route]) => route === PATH).map(([, , status, count]) => `${count} × ${status}`),
  };
}

describe('a request whose client leaves', () => {
  it('before it was told anything is logged and counted once, as 499', async () => {
    server.yard.script = () => ({ startAfter: never });
    client.post(PATH, CHAT);
    await server.yard.submitted(1);
    client.leave();
    await server.logged(PATH);
    expect(await statuses()).toEqual({ logged: [499], counted: ['1 × 499'] });
  });

  it('in the middle of a stream is logged and counted once, with the status that it got', async () => {
    server.yard.script = () => ({ startAfter: never });
    client.post(PATH, STREAM);
    await client.received(/"role":"assistant"/);
    client.leave();
    await server.logged(PATH);
    expect(await statuses()).toEqual({ logged: [200], counted: ['1 × 200'] });
  });

  it('while it waits behind others on its connection is logged and counted once, as they are', async () => {
    server.yard.script = () => ({ startAfter: never });
    for (let count = 0; count < 3; count++) client.post(PATH, CHAT);
    await server.yard.submitted(3);
    client.leave();
    for (let count = 0; count < 3; count++) await server.logged(PATH);
    expect(await statuses()).toEqual({ logged: [499, 499, 499], counted: ['3 × 499'] });
  });
});

it('answers many pipelined requests in order, without a warning about listeners', async () => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error) => warnings.push(name);
  process.on('warning', onWarning);
  const start = deferred();
  server.yard.script = () => ({ startAfter: start.promise });
  for (let count = 0; count < 30; count++) client.post(PATH, { ...CHAT, agentyard: { session: `s${count}` } });
  await server.yard.submitted(30);
  start.resolve();
  const bodies = await client.received({ test: (text: string) => text.split('"task":').length === 31 });
  process.off('warning', onWarning);
  expect([...bodies.matchAll(/"task":"(t\d+)"/g)].map(([, id]) => id)).toEqual(
    Array.from({ length: 30 }, (_, index) => `t${index + 1}`),
  );
  expect(warnings).toEqual([]);
});

describe('bytes that are no HTTP', () => {
  it('after a stream has begun end the connection and write nothing into the answer', async () => {
    server.yard.script = () => ({ startAfter: never });
    client.post(PATH, STREAM);
    await client.received(/"role":"assistant"/);
    client.write('\u0000GARBAGE\r\n\r\n');
    const text = await client.closed();
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(text).not.toContain('invalid_http');
    expect((await (await server.yard.submitted(1)).settled.promise).outcome).toBe('cancelled');
  });

  it('after an answer that is complete get an answer of their own', async () => {
    client.post(PATH, CHAT);
    await client.received(/"finish_reason":"stop"/);
    await server.logged(PATH);
    client.write('\u0000GARBAGE\r\n\r\n');
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 400 [\s\S]*"code":"invalid_http"/);
  });

  it('and a header that is too long are told apart', async () => {
    client.write(`GET /health HTTP/1.1\r\nhost: localhost\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 431 [\s\S]*"code":"headers_too_large"/);
  });

  it('and a request that does not arrive in time are told apart', async () => {
    const accepted = new Promise<Socket>((resolve) => server.app.server.once('connection', resolve));
    const slow = await RawClient.connect(server.port);
    slow.write('POST ');
    // What Node reports when its own limit, of minutes, has passed.
    const error = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    server.app.server.emit('clientError', error, await accepted);
    const text = await slow.closed();
    expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(text).toContain('"message":"The request did not arrive whole in time."');
    expect(text).toContain('"type":"timeout_error","param":null,"code":"request_timeout"');
  });
});

it('logs what probers ask at level debug, and the rest at info', async () => {
  const level = async (path: string) => {
    await fetch(server.origin + path);
    return (await server.logged(path)).level;
  };
  const [debug, info] = [20, 30];
  expect(await level('/health')).toBe(debug);
  expect(await level('/metrics')).toBe(debug);
  expect(await level('/v1/models')).toBe(info);
  await post(server.origin + PATH, CHAT);
  expect((await server.logged(PATH)).level).toBe(info);
});
