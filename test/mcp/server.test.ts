/** Agents as an MCP server: what both generations of the official client see of it. */
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAgent } from '../../lib/agents/index.js';
import { serveMcpStdio } from '../../lib/mcp/index.js';
import type { TaskRecord } from '../../lib/runtime/service.js';
import { createServer, type ServerOptions } from '../../lib/server/index.js';
import { createTestYard } from '../../lib/testing/index.js';

const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const count = defineAgent({
  name: 'count',
  version: '1',
  description: 'Counts up.',
  input: z.object({ to: z.int() }),
  output: z.object({ last: z.int() }),
  run: ({ to }, ctx) => {
    for (let done = 1; done <= to; done++) ctx.progress(done, to, `at ${done}`);
    return { last: to };
  },
});
const endless = defineAgent({
  name: 'endless',
  version: '1',
  description: 'Never ends by itself.',
  input: z.object({}),
  output: z.null(),
  run: (_input, ctx) => {
    ctx.progress(1);
    return new Promise<null>((_, reject) => {
      ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason));
    });
  },
});
const old = defineAgent({
  name: 'old',
  version: '3',
  description: 'Turns a text round.',
  deprecated: 'Use "reverse".',
  input: z.string(),
  output: z.string(),
  run: (text) => [...text].reverse().join(''),
});
const secretive = defineAgent({
  name: 'secretive',
  version: '1',
  description: 'Fails.',
  input: z.object({}),
  output: z.null(),
  run: () => {
    throw new Error('CANARY-4711');
  },
});
const whose = defineAgent({
  name: 'whose',
  version: '1',
  description: 'Says for whom it runs.',
  input: z.object({}),
  output: z.object({ tenant: z.string() }),
  run: (_input, { tenant }) => ({ tenant }),
});

async function serve(options: Partial<ServerOptions> = {}) {
  const yard = await createTestYard({ agents: [count, endless, old, secretive, whose] });
  const records: TaskRecord[] = [];
  const settled = new Promise<TaskRecord>((resolve) => yard.onSettled(resolve));
  yard.onSettled((record) => records.push(record));
  const app = createServer({ yard, log: false, ...options });
  await app.listen({ host: '127.0.0.1', port: 0 });
  open.push(
    () => yard.close(),
    () => {
      app.server.closeAllConnections();
      return app.close();
    },
  );
  const url = new URL(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/mcp`);
  return { yard, app, url, records, settled };
}

const info = { name: 'test', version: '1' };
type Headers = Record<string, string>;

async function clientV1(url: URL, headers: Headers = {}): Promise<ClientV1> {
  const client = new ClientV1(info);
  await client.connect(new HttpV1(url, { requestInit: { headers } }) as never);
  open.push(() => client.close());
  return client;
}

async function clientV2(url: URL, headers: Headers = {}, mode: 'legacy' | 'auto' = 'legacy'): Promise<ClientV2> {
  const client = new ClientV2(info, { versionNegotiation: { mode } });
  await client.connect(new HttpV2(url, { requestInit: { headers } }));
  open.push(() => client.close());
  return client;
}

interface Called {
  isError?: boolean;
  structuredContent?: unknown;
  content: { type: string; text: string }[];
  _meta?: Record<string, unknown>;
}
interface CallOptions {
  onprogress?: (progress: { progress: number; total?: number | undefined; message?: string | undefined }) => void;
  signal?: AbortSignal;
}
type Call = (name: string, args: Record<string, unknown>, options?: CallOptions) => Promise<Called>;

/** The same call by each of the clients. */
const CLIENTS: [string, (url: URL, headers?: Headers) => Promise<Call>][] = [
  [
    'SDK 1',
    async (url, headers) => {
      const client = await clientV1(url, headers);
      return (name, args, options) => client.callTool({ name, arguments: args }, undefined, options) as Promise<Called>;
    },
  ],
  [
    'SDK 2',
    async (url, headers) => {
      const client = await clientV2(url, headers);
      return (name, args, options) => client.callTool({ name, arguments: args }, options) as Promise<Called>;
    },
  ],
  [
    'SDK 2 without sessions',
    async (url, headers) => {
      const client = await clientV2(url, headers, 'auto');
      expect(client.getProtocolEra()).toBe('modern');
      return (name, args, options) => client.callTool({ name, arguments: args }, options) as Promise<Called>;
    },
  ],
];

describe.each(CLIENTS)('over HTTP, to the client of %s', (_name, connect) => {
  it('tells progress that grows, before the result', async () => {
    const { url } = await serve();
    const call = await connect(url);
    const seen: number[] = [];
    const result = await call('count', { to: 5 }, { onprogress: ({ progress }) => seen.push(progress) });
    expect(result.structuredContent).toEqual({ last: 5 });
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it('cancels the task when the client cancels', async () => {
    const { url, settled } = await serve();
    const call = await connect(url);
    const abort = new AbortController();
    const run = call('endless', {}, { signal: abort.signal, onprogress: () => abort.abort() });
    await expect(run).rejects.toThrow();
    expect(await settled).toMatchObject({ outcome: 'cancelled', errorCode: 'AY_CANCELLED' });
  });

  it('wraps what is no object, and says what is deprecated', async () => {
    const { url } = await serve();
    const call = await connect(url);
    const result = await call('old', { input: 'star' });
    expect(result.structuredContent).toEqual({ result: 'rats' });
    expect(result.content.map(({ text }) => text)).toEqual(['"rats"', expect.stringContaining('Use "reverse".')]);
    expect(result._meta).toMatchObject({ 'agentyard/deprecated': 'Use "reverse".' });
  });

  it.each([
    ['a wrong input', 'count', { to: 'five' }, 'AY_INVALID_INPUT', 'to: '],
    ['an agent that fails', 'secretive', {}, 'AY_AGENT_FAILED', 'The agent failed'],
    ['an unknown tool', 'cuont', {}, 'AY_UNKNOWN_AGENT', 'Did you mean "count"?'],
  ])('tells of %s by its code', async (_what, name, args, code, message) => {
    const { url } = await serve();
    const result = await (await connect(url))(name, args);
    const text = result.content[0]!.text;
    expect(result.isError).toBe(true);
    expect(JSON.parse(text)).toMatchObject({ error: { code, message: expect.stringContaining(message) } });
    expect(text).not.toContain('CANARY');
  });

  it('runs as the tenant of the key, and not without one', async () => {
    const { url } = await serve({ apiKeys: { acme: 'sk-1' } });
    const call = await connect(url, { authorization: 'Bearer sk-1', 'x-agentyard-tenant': 'other' });
    expect((await call('whose', {})).structuredContent).toEqual({ tenant: 'acme' });
    await expect(connect(url)).rejects.toThrow();
  });
});

describe('sessions', () => {
  it('answer nobody but their owner', async () => {
    const { url } = await serve({ apiKeys: { acme: 'sk-1', spy: 'sk-2' } });
    const transport = new HttpV1(url, { requestInit: { headers: { authorization: 'Bearer sk-1' } } });
    const client = new ClientV1(info);
    await client.connect(transport as never);
    open.push(() => client.close());
    const ask = (key: string) =>
      fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          authorization: `Bearer ${key}`,
          'mcp-session-id': transport.sessionId!,
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/list' }),
      });
    expect((await ask('sk-1')).status).toBe(200);
    expect((await ask('sk-2')).status).toBe(404);
  });

  it('end when the client says so', async () => {
    const { url } = await serve();
    const transport = new HttpV1(url);
    const client = new ClientV1(info);
    await client.connect(transport as never);
    open.push(() => client.close());
    await transport.terminateSession();
    await expect(client.listTools()).rejects.toThrow();
  });

  it('are begun by nothing but an initialize', async () => {
    const { url } = await serve();
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(400);
    expect((await fetch(url, { headers: { ...headers, 'mcp-session-id': 'unknown' } })).status).toBe(404);
  });
});

describe('the host check', () => {
  it('holds for the protocol as for all routes', async () => {
    const { url } = await serve();
    // `fetch` sends the host of the address, whatever it is told.
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: 'evil.example', 'content-type': 'application/json' };
      const sent = request(url, { method: 'POST', headers }, (answer) => resolve(answer.resume().statusCode));
      sent.once('error', reject).end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }));
    });
    expect(status).toBe(403);
  });
});

describe('over standard input', () => {
  it('is one task a call, and cancels what runs when the client closes its end', async () => {
    const { yard, records } = await serve();
    const input = new PassThrough();
    const output = new PassThrough();
    const connection = serveMcpStdio(yard, { input, output });
    const lines: { id?: number; method?: string; result?: Called }[] = [];
    let wake = () => {};
    let rest = '';
    output.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n');
      rest = parts.pop()!;
      lines.push(...parts.map((line) => JSON.parse(line) as (typeof lines)[number]));
      wake();
    });
    const until = async (isThere: () => boolean) => {
      while (!isThere()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    const send = (message: object) => input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: info };
    send({ id: 1, method: 'initialize', params });
    await until(() => lines.some(({ id }) => id === 1));
    send({ method: 'notifications/initialized' });
    send({ id: 2, method: 'tools/call', params: { name: 'count', arguments: { to: 3 } } });
    await until(() => lines.some(({ id }) => id === 2));
    expect(lines.find(({ id }) => id === 2)!.result!.structuredContent).toEqual({ last: 3 });
    expect(records.map(({ outcome }) => outcome)).toEqual(['completed']);

    const cancelled = new Promise<TaskRecord>((resolve) => yard.onSettled(resolve));
    send({ id: 3, method: 'tools/call', params: { name: 'endless', arguments: {}, _meta: { progressToken: 'p' } } });
    await until(() => lines.some(({ method }) => method === 'notifications/progress'));
    input.end();
    await connection.ended;
    await connection.close();
    expect(await cancelled).toMatchObject({ outcome: 'cancelled' });
  });
});
