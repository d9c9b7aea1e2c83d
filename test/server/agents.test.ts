/** Agents over HTTP: what there is, calls whole and as events, and what goes wrong. */
import type { AddressInfo } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAgent } from '../../lib/agents/index.js';
import type { TaskRecord } from '../../lib/runtime/service.js';
import { createServer, type ServerOptions } from '../../lib/server/index.js';
import { createTestYard, scriptedModel, toolCall } from '../../lib/testing/index.js';
import { post, serveFake } from './serve-fake.js';

const CANARY = 'CANARY-4711';
const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Tree {
  name: string;
  children?: Tree[] | undefined;
}
const tree: z.ZodType<Tree> = z.object({
  name: z.string(),
  get children() {
    return z.array(tree).optional();
  },
});

/** What agents were called with, for those whose answer does not say it. */
let runs = 0;

const AGENTS = [
  defineAgent({
    name: 'depth',
    version: '1',
    description: 'How deep a tree is.',
    input: tree,
    output: z.object({ depth: z.int() }),
    run: (input) => ({ depth: depthOf(input) }),
  }),
  defineAgent({
    name: 'echo',
    version: '1',
    description: 'Gives back what it gets, also nothing.',
    deprecated: 'Use "echo@2".',
    input: z.string().nullable(),
    output: z.string().nullable(),
    run: (text) => text,
  }),
  defineAgent({
    name: 'echo',
    version: '2',
    description: 'Gives back what it gets.',
    input: z.strictObject({ text: z.string().min(1) }),
    output: z.object({
      text: z.string(),
      tenant: z.string(),
      deadlineMs: z.number().nullable(),
      budget: z.number().nullable(),
    }),
    run: ({ text }, { tenant, deadlineMs, budget }) => {
      runs++;
      return {
        text,
        tenant,
        deadlineMs: deadlineMs ?? null,
        budget: Number.isFinite(budget.limit) ? budget.limit : null,
      };
    },
  }),
  defineAgent({
    name: 'fall',
    version: '1',
    description: 'Fails.',
    input: z.object({ text: z.string() }),
    output: z.null(),
    run: ({ text }) => {
      throw new TypeError(`cannot digest ${text}`);
    },
  }),
  defineAgent({
    name: 'talk',
    version: '1',
    description: 'Says much, and goes on until it is stopped.',
    input: z.object({ parts: z.int() }),
    output: z.null(),
    run: ({ parts }, ctx) => {
      ctx.progress(1, undefined, 'talking');
      for (let part = 0; part < parts; part++) ctx.emit('x'.repeat(1_000));
      return new Promise<null>((_, reject) => {
        ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason));
      });
    },
  }),
];

function depthOf({ children = [] }: Tree): number {
  return 1 + Math.max(0, ...children.map(depthOf));
}

async function serve(options: Partial<ServerOptions> = {}, answers: string[] = []) {
  const model = scriptedModel({ answers });
  const yard = await createTestYard({ agents: AGENTS, models: { chat: model } });
  const settled = new Promise<TaskRecord>((resolve) => yard.onSettled(resolve));
  const app = createServer({ yard, log: false, ...options });
  await app.listen({ host: '127.0.0.1', port: 0 });
  open.push(
    () => yard.close(),
    () => {
      // The client opens another connection after one that it broke off, and keeps it.
      app.server.closeAllConnections();
      return app.close();
    },
  );
  const origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return { yard, app, model, origin, settled };
}

interface Body {
  agent: string;
  id: string;
  output: Record<string, unknown> | null;
  deprecated?: string;
  error?: { code: string; message: string; issues?: unknown };
}

async function call(url: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await post(url, body, headers);
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Body };
}

describe('what there is', () => {
  it('is listed with versions side by side, and each shows its schemas', async () => {
    const { origin } = await serve();
    const list = (await (await fetch(`${origin}/agents`)).json()) as {
      data: { id: string; links: { self: string } }[];
    };
    expect(list.data.map(({ id }) => id)).toEqual(['depth@1', 'echo@1', 'echo@2', 'fall@1', 'talk@1']);
    expect(list.data[1]).toMatchObject({ deprecated: 'Use "echo@2".' });
    const page = await (await fetch(origin + list.data[2]!.links.self)).json();
    expect(page).toMatchObject({ name: 'echo', version: '2', input: { type: 'object', required: ['text'] } });
  });

  it('is ready to be the tools of a chat', async () => {
    const { origin } = await serve();
    const tools = (await (await fetch(`${origin}/agents?format=openai-tools`)).json()) as {
      function: { name: string; parameters: object };
    }[];
    expect(tools.map(({ function: { name } }) => name)).toEqual(['depth', 'echo', 'fall', 'talk']);
    for (const { function: tool } of tools) {
      expect(tool.parameters).toMatchObject({ type: 'object' });
      new Ajv2020().compile(tool.parameters);
    }
    expect((await fetch(`${origin}/agents?format=yaml`)).status).toBe(400);
  });

  it('is nothing on a server whose yard has no agents', async () => {
    const server = await serveFake();
    open.push(() => server.close());
    expect((await fetch(`${server.origin}/agents`)).status).toBe(404);
    const body = { model: 'chat-model', messages: [{ role: 'user', content: 'Hi' }], agentyard: { tools: ['echo'] } };
    const answer = await post(`${server.origin}/v1/chat/completions`, body);
    expect(await answer.json()).toMatchObject({ error: { code: 'unsupported_parameter', param: 'agentyard.tools' } });
  });
});

describe('the OpenAPI document', () => {
  it('has every route, and schemas that hold', async () => {
    const { origin } = await serve();
    const document = (await (await fetch(`${origin}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string; responses: object; deprecated?: boolean }>>;
      components: { schemas: Record<string, object> };
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        '/agents',
        '/agents/{reference}',
        '/agents/depth@1',
        '/agents/echo@1',
        '/v1/chat/completions',
        '/v1/completions',
        '/v1/embeddings',
        '/v1/models',
        '/v1/models/{model}',
        '/health',
        '/metrics',
        '/mcp',
        '/openapi.json',
      ]),
    );
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { responses } of operations) expect(Object.keys(responses).length).toBeGreaterThan(0);
    expect(document.paths['/agents/echo@1']!.post!.deprecated).toBe(true);

    // Every schema of the document compiles where it lies, so every reference in it leads somewhere.
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema(document, 'document');
    for (const name of Object.keys(document.components.schemas)) {
      expect(ajv.getSchema(`document#/components/schemas/${name}`), name).toBeTypeOf('function');
    }
    const fits = ajv.getSchema('document#/components/schemas/depth.1.input')!;
    expect(fits({ name: 'a', children: [{ name: 'b' }] })).toBe(true);
    expect(fits({ name: 'a', children: [{ name: 1 }] })).toBe(false);
  });
});

describe('a call', () => {
  it('answers the output, of the version that was asked for', async () => {
    const { origin } = await serve();
    const newest = await call(`${origin}/agents/echo`, { input: { text: 'hi' } });
    expect(newest).toMatchObject({ status: 200, body: { agent: 'echo@2', output: { text: 'hi', tenant: 'default' } } });
    expect(newest.headers.get('deprecation')).toBeNull();
    const old = await call(`${origin}/agents/echo@1`, { input: null });
    expect(old.body).toMatchObject({ agent: 'echo@1', output: null, deprecated: 'Use "echo@2".' });
    expect(old.headers.get('deprecation')).toBe('true');
  });

  it('takes hints from the body before the headers, and its tenant from the key', async () => {
    const headers = {
      authorization: 'Bearer sk-1',
      'x-agentyard-deadline-ms': '90000',
      'x-agentyard-tenant': 'mallory',
    };
    const { origin } = await serve({ apiKeys: { acme: 'sk-1' } });
    const agentyard = { deadlineMs: 50_000, budget: 7, tenant: 'mallory', class: 'interactive', timeoutMs: 1_000 };
    const { body } = await call(`${origin}/agents/echo`, { input: { text: 'hi' }, agentyard }, headers);
    expect(body.output).toMatchObject({ tenant: 'acme', budget: 7 });
    expect(body.output!.deadlineMs).toBeLessThanOrEqual(50_000);
    expect((await call(`${origin}/agents/echo`, { input: { text: 'hi' } })).status).toBe(401);
  });

  it('runs once for an idempotency key, and anew for the same key of another tenant', async () => {
    const { origin } = await serve({ apiKeys: { a: 'sk-a', b: 'sk-b' } });
    runs = 0;
    const ask = (key: string) =>
      call(
        `${origin}/agents/echo`,
        { input: { text: 'hi' } },
        { authorization: `Bearer ${key}`, 'idempotency-key': 'k' },
      );
    expect((await ask('sk-a')).body.output).toMatchObject({ tenant: 'a' });
    expect((await ask('sk-a')).body.output).toMatchObject({ tenant: 'a' });
    expect(runs).toBe(1);
    expect((await ask('sk-b')).body.output).toMatchObject({ tenant: 'b' });
    expect(runs).toBe(2);
  });

  it.each<[string, string, unknown, number, string, string]>([
    ['an unknown agent', 'ecko', { input: {} }, 404, 'AY_UNKNOWN_AGENT', 'Did you mean "echo"?'],
    ['an unknown version', 'echo@9', { input: {} }, 404, 'AY_UNKNOWN_AGENT', 'echo@2'],
    ['a wrong input', 'echo', { input: { text: 5 } }, 400, 'AY_INVALID_INPUT', 'text: expected string, got number'],
    ['no input', 'echo', {}, 400, 'AY_INVALID_INPUT', 'expected object'],
    ['a body that is a list', 'echo', [], 400, 'AY_INVALID_REQUEST', 'a JSON object'],
    ['a body that is no JSON', 'echo', '{', 400, 'invalid_json', 'not valid JSON'],
    ['a misspelt field', 'echo', { input: {}, strem: true }, 400, 'unknown_parameter', 'Did you mean "stream"?'],
    ['an unknown hint', 'echo', { input: {}, agentyard: { sped: 1 } }, 400, 'AY_INVALID_REQUEST', 'only the fields'],
    ['a wrong budget', 'echo', { input: {}, agentyard: { budget: -1 } }, 400, 'AY_INVALID_REQUEST', 'at least 0'],
    ['an agent that fails', 'fall', { input: { text: CANARY } }, 500, 'AY_AGENT_FAILED', 'x-request-id'],
    ['no time', 'talk', { input: { parts: 0 }, agentyard: { timeoutMs: 20 } }, 504, 'AY_TASK_TIMEOUT', '20 ms'],
  ])('%s', async (_what, agent, body, status, code, message) => {
    const { origin } = await serve();
    const whole = await call(`${origin}/agents/${agent}`, body);
    expect(whole).toMatchObject({ status, body: { error: { code, message: expect.stringContaining(message) } } });
    expect(JSON.stringify(whole.body)).not.toContain(CANARY);
    // The same as events, before any byte of them: the status still tells.
    const asEvents = await post(`${origin}/agents/${agent}`, body, { accept: 'text/event-stream' });
    if (code !== 'AY_TASK_TIMEOUT') expect(asEvents.status).toBe(status);
    expect(await asEvents.text()).toContain(code);
  });

  it('tells every issue of the input by its path', async () => {
    const { origin } = await serve();
    const input = { name: 'a', children: [{ name: 1 }, {}] };
    const { body } = await call(`${origin}/agents/depth`, { input });
    expect(body.error!.issues).toEqual([
      { path: 'children[0].name', message: expect.any(String), expected: 'string', got: 'number' },
      { path: 'children[1].name', message: expect.any(String), expected: 'string', got: 'missing' },
    ]);
  });

  it('of the wrong method is told which there are', async () => {
    const { origin } = await serve();
    const answer = await fetch(`${origin}/agents/echo`, { method: 'DELETE' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
  });
});

describe('a call as events', () => {
  it('is cancelled when the client leaves', async () => {
    const { origin, settled } = await serve();
    const abort = new AbortController();
    const answer = await fetch(`${origin}/agents/talk`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: { parts: 1 }, stream: true }),
      signal: abort.signal,
    });
    const reader = answer.body!.getReader();
    const { value } = await reader.read();
    expect(Buffer.from(value!).toString()).toContain('event: progress\ndata: {"done":1,"message":"talking"}');
    abort.abort();
    expect(await settled).toMatchObject({ outcome: 'cancelled' });
  });

  it('ends for a reader who is too slow for what the agent says', async () => {
    const { origin, settled } = await serve();
    const answer = await post(`${origin}/agents/talk`, { input: { parts: 5_000 }, stream: true });
    await expect(answer.text()).rejects.toThrow();
    expect(await settled).toMatchObject({ outcome: 'cancelled' });
  });

  it('is kept open by comments while the agent is silent', async () => {
    const { origin } = await serve({ keepAliveMs: 20 });
    const answer = await post(`${origin}/agents/talk`, { input: { parts: 0 }, stream: true });
    const reader = answer.body!.getReader();
    let text = '';
    while (!text.includes(': keep-alive')) text += Buffer.from((await reader.read()).value!).toString();
    await reader.cancel();
  });

  it('keeps what clients write out of log, metrics and errors', async () => {
    const lines: string[] = [];
    const { origin } = await serve({ log: { level: 'debug', stream: { write: (line) => void lines.push(line) } } });
    const errors: string[] = [];
    for (const [agent, input] of [
      ['echo', { text: CANARY }],
      ['echo', { text: [CANARY] }],
      ['echo', CANARY],
      ['fall', { text: CANARY }],
      ['depth', { name: 'a', children: CANARY }],
    ] as const) {
      for (const stream of [true, false]) {
        const answer = await post(`${origin}/agents/${agent}`, { input, stream });
        const text = await answer.text();
        if (!answer.ok) errors.push(text);
      }
    }
    expect(errors).toHaveLength(8);
    const metrics = await (await fetch(`${origin}/metrics`)).text();
    for (const text of [...errors, metrics, ...lines]) expect(text).not.toContain(CANARY);
    expect(lines.join('')).toContain('"agent":"fall@1"');
    expect(lines.some((line) => line.includes('an agent failed') && line.includes('TypeError'))).toBe(true);
  });
});

describe('agents that the server calls for the model', () => {
  const messages = [{ role: 'user' as const, content: 'How deep is it?' }];
  const asks = toolCall('depth', { name: 'a', children: [{ name: 'b' }] });

  async function chat(answers: string[], agentyard: object, more: object = {}) {
    const { origin, model, yard } = await serve({}, answers);
    const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'unused', maxRetries: 0 });
    const answer = client.chat.completions.create({
      model: 'chat',
      messages,
      ...more,
      agentyard,
    } as OpenAI.ChatCompletionCreateParamsNonStreaming);
    return { answer, model, yard };
  }

  it('give the model their output', async () => {
    const { answer, model } = await chat([asks, 'Two.'], { tools: ['depth', 'echo@2'] });
    expect((await answer).choices[0]!.message.content).toBe('Two.');
    expect(model.requests[1]!.lastMessage).toContain('{"depth":2}');
  });

  it('tell the model what is wrong with its call, and the rest goes on', async () => {
    const { answer, model } = await chat([toolCall('depth', { name: 3 }), asks, 'Two.'], { tools: ['depth'] });
    expect((await answer).choices[0]!.message.content).toBe('Two.');
    expect(model.requests[1]!.lastMessage).toContain('{"error":{"code":"AY_INVALID_INPUT"');
  });

  it('count what all rounds cost', async () => {
    const { answer } = await chat([asks, 'Two.'], { tools: ['depth'] });
    const one = await (await chat(['Two.'], { tools: ['depth'] })).answer;
    expect((await answer).usage!.prompt_tokens).toBeGreaterThan(one.usage!.prompt_tokens);
  });

  it('may not be called in the last round', async () => {
    const { answer, model } = await chat([asks, asks, 'Enough.'], { tools: ['depth'], maxRounds: 3 });
    expect((await answer).choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'Enough.' } });
    expect(model.requests.map(({ options }) => options?.toolBounds?.choice ?? 'none')).toEqual([
      'auto',
      'auto',
      'none',
    ]);
  });

  it.each<[string, object, object, number, string]>([
    ['an unknown agent', { tools: ['deep'] }, {}, 404, 'agent_not_found'],
    ['one agent twice', { tools: ['echo@1', 'echo@2'] }, {}, 400, 'invalid_request'],
    ['no rounds', { tools: ['depth'], maxRounds: 0 }, {}, 400, 'invalid_request'],
    [
      'tools of the client beside them',
      { tools: ['depth'] },
      { tools: [{ type: 'function', function: { name: 'a' } }] },
      400,
      'unsupported_parameter',
    ],
  ])('%s is refused', async (_what, agentyard, more, status, code) => {
    const { answer, model } = await chat(['never'], agentyard, more);
    expect(await await answer.catch((error: unknown) => error)).toMatchObject({ status, code });
    expect(model.calls).toBe(0);
  });
});
