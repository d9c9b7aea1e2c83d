/** One agent, every face: the same output, the same code for the same bad input, one task and one outcome each. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { FastifyInstance } from 'fastify';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AnyAgent } from '../../lib/agents/index.js';
import type { TaskRecord } from '../../lib/runtime/service.js';
import { createServer } from '../../lib/server/index.js';
import { createTestYard, scriptedModel, toolCall } from '../../lib/testing/index.js';
import { Yard } from '../../lib/yard.js';
import { requireCompiledEngine } from '../support/engine.js';
import { SMOLLM2 } from '../support/shared.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const AGENTS = fileURLToPath(new URL('../support/face-agents.mjs', import.meta.url));

const GOOD = {
  items: [
    { name: 'tea', cents: 450 },
    { name: 'cake', cents: 325 },
  ],
};
const OUTPUT = { total: 7.75, currency: 'EUR', lines: ['tea: 4.50', 'cake: 3.25'] };
const BAD = { items: [{ name: 'tea', cents: 'four' }] };

/** What a call came to, whatever the face. */
type Came = { output: unknown } | { code: string };

let folder: string;
let agents: AnyAgent[];
let yard: Yard;
let server: FastifyInstance;
let origin: string;
let records: TaskRecord[];
const closers: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  requireCompiledEngine();
  folder = mkdtempSync(join(tmpdir(), 'agentyard-faces-'));
  const exported = (await import(AGENTS)) as { receipt: AnyAgent; others: AnyAgent[] };
  agents = [exported.receipt, ...exported.others];
  records = [];
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** A yard in this process behind a server; the scripted model asks once for the receipt of `input`, then it answers. */
async function serve(input: unknown): Promise<string> {
  const model = scriptedModel({ answers: [toolCall('receipt', input as Record<string, unknown>), 'There you are.'] });
  const path = join(folder, 'log.jsonl');
  yard = await createTestYard({ agents, models: { chat: model }, eventLog: { path } });
  yard.on('settled', (record) => records.push(record));
  server = createServer({ yard, log: false });
  await server.listen({ host: '127.0.0.1', port: 0 });
  origin = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  closers.push(
    () => yard.close(),
    () => server.close(),
  );
  return path;
}

/** Submissions and outcomes of functions in an event log; a chat is a task of its model. */
function functionsIn(log: string): { submitted: number; ended: number } {
  const lines = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; model?: number; task?: number });
  const submitted = lines.filter(({ event, model }) => event === 'submit' && model === -1).length;
  return { submitted, ended: records.filter(({ model }) => model === undefined).length };
}

async function http(input: unknown): Promise<Came> {
  const answer = await post(input, {});
  const body = (await answer.json()) as { output?: unknown; error?: { code: string } };
  return body.error === undefined ? { output: body.output } : { code: body.error.code };
}

async function sse(input: unknown): Promise<Came> {
  const answer = await post(input, { accept: 'text/event-stream' });
  if (!answer.ok) return { code: ((await answer.json()) as { error: { code: string } }).error.code };
  const events = (await answer.text())
    .split('\n\n')
    .filter((event) => event.startsWith('event: '))
    .map((event) => /^event: (\w+)\ndata: (.*)$/.exec(event)!.slice(1) as [string, string]);
  expect(events.map(([name]) => name)).toEqual(expect.arrayContaining(['progress', 'part', 'result']));
  const last = events.at(-1)!;
  expect(last[0]).toBe('result');
  return { output: (JSON.parse(last[1]) as { output: unknown }).output };
}

function post(input: unknown, headers: Record<string, string>): Promise<Response> {
  return fetch(`${origin}/agents/receipt`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ input }),
  });
}

/** OpenAI's tool runner with the tools as the server lists them; what the model asks for is done over HTTP. */
async function toolRunner(): Promise<Came> {
  const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'unused', maxRetries: 0 });
  const listed = (await (
    await fetch(`${origin}/agents?format=openai-tools`)
  ).json()) as OpenAI.ChatCompletionFunctionTool[];
  const came: Came[] = [];
  const runner = client.chat.completions.runTools({
    model: 'chat',
    messages: [{ role: 'user', content: 'What do tea and cake come to?' }],
    tools: listed.map(({ function: tool }) => ({
      type: 'function' as const,
      function: {
        name: tool.name,
        description: tool.description!,
        parameters: tool.parameters!,
        parse: JSON.parse as (args: string) => object,
        function: async (args: object) => {
          expect(tool.name).toBe('receipt');
          came.push(await http(args));
          return JSON.stringify(came.at(-1));
        },
      },
    })),
  });
  expect(await runner.finalContent()).toBe('There you are.');
  expect(came).toHaveLength(1);
  return came[0]!;
}

interface McpResult {
  isError?: boolean | undefined;
  structuredContent?: unknown;
  content: unknown;
}

/** Any of the two clients, over any transport. */
async function mcp(client: ClientV1 | ClientV2, transport: unknown, input: unknown): Promise<Came> {
  await (client as ClientV2).connect(transport as HttpV2);
  closers.push(() => client.close());
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(['fall', 'receipt.1.5', 'receipt', 'shout', 'wait']);
  const result = (await client.callTool({ name: 'receipt', arguments: input as Record<string, unknown> })) as McpResult;
  const said = JSON.parse((result.content as { text: string }[])[0]!.text) as { error?: { code: string } };
  if (result.isError === true) return { code: said.error!.code };
  expect(said).toEqual(result.structuredContent);
  return { output: result.structuredContent };
}

const info = { name: 'test', version: '1' };
const STDIO = { command: process.execPath, args: [MAIN, 'mcp', '--agents', AGENTS, '--no-built-ins', '--no-model'] };
const quiet = { ...STDIO, stderr: 'ignore' as const };

async function cli(input: unknown): Promise<Came> {
  const args = [
    MAIN,
    'run',
    'receipt',
    '--agents',
    AGENTS,
    '--no-built-ins',
    '--no-model',
    '--input',
    JSON.stringify(input),
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  if (code === 0) return { output: JSON.parse(out) };
  expect(out).toBe('');
  expect(code).toBe(2);
  const line = err.split('\n').find((candidate) => candidate.startsWith('{"error"'))!;
  return { code: (JSON.parse(line) as { error: { code: string } }).error.code };
}

async function typescript(input: unknown): Promise<Came> {
  try {
    return { output: await yard.run('receipt', input) };
  } catch (error) {
    return { code: (error as { code: string }).code };
  }
}

/** `isHere`: the yard is in this process, so its log is looked at. */
const FACES: [name: string, call: (input: unknown) => Promise<Came>, isHere: boolean][] = [
  ['TypeScript', typescript, true],
  ['HTTP', http, true],
  ['server-sent events', sse, true],
  ["a tool of OpenAI's tool runner", toolRunner, true],
  [
    'MCP over HTTP, client of SDK 1',
    (input) => mcp(new ClientV1(info), new HttpV1(new URL(`${origin}/mcp`)), input),
    true,
  ],
  [
    'MCP over HTTP, client of SDK 2',
    (input) => mcp(new ClientV2(info), new HttpV2(new URL(`${origin}/mcp`)), input),
    true,
  ],
  [
    'MCP over HTTP, client of SDK 2 without sessions',
    (input) => {
      const client = new ClientV2(info, { versionNegotiation: { mode: 'auto' } });
      return mcp(client, new HttpV2(new URL(`${origin}/mcp`)), input);
    },
    true,
  ],
  ['MCP over standard input, client of SDK 1', (input) => mcp(new ClientV1(info), new StdioV1(quiet), input), false],
  ['MCP over standard input, client of SDK 2', (input) => mcp(new ClientV2(info), new StdioV2(quiet), input), false],
  ['the command line', cli, false],
];

describe('one agent on every face', () => {
  it.each(FACES)('%s: the same output, by one task', async (_name, call, isHere) => {
    const log = await serve(GOOD);
    expect(await call(GOOD)).toEqual({ output: OUTPUT });
    if (isHere) await expectOneTask(log, 'completed');
  });

  it.each(FACES)('%s: the same code for the same bad input, and no task', async (_name, call, isHere) => {
    const log = await serve(BAD);
    expect(await call(BAD)).toEqual({ code: 'AY_INVALID_INPUT' });
    if (isHere) await expectNoTask(log);
  });
});

async function settledLog(log: string) {
  await server.close();
  await yard.close();
  return functionsIn(log);
}

async function expectOneTask(log: string, outcome: TaskRecord['outcome']): Promise<void> {
  expect(await settledLog(log)).toEqual({ submitted: 1, ended: 1 });
  expect(records.filter(({ model }) => model === undefined).map((record) => record.outcome)).toEqual([outcome]);
}

async function expectNoTask(log: string): Promise<void> {
  expect(await settledLog(log)).toEqual({ submitted: 0, ended: 0 });
}

describe('agents that the server calls for the model', () => {
  const question = { role: 'user' as const, content: 'What do tea and cake come to?' };
  const body = { model: 'chat', messages: [question], agentyard: { tools: ['receipt'] } };

  it('are called until the model answers, as one run with the chat', async () => {
    await serve(GOOD);
    const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'unused', maxRetries: 0 });
    const answer = await client.chat.completions.create(body);
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'There you are.' } });
    await server.close();
    await yard.close();
    // The loop, two rounds of the model, and the agent.
    expect(records.map(({ outcome }) => outcome)).toEqual(Array(4).fill('completed'));
    expect(records.filter(({ model }) => model === 'chat')).toHaveLength(2);
  });

  it('stream', async () => {
    await serve(GOOD);
    const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'unused', maxRetries: 0 });
    const stream = await client.chat.completions.create({ ...body, stream: true });
    let said = '';
    for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? '';
    expect(said).toBe('There you are.');
  });
});

const model = SMOLLM2 ?? undefined;
console.log(
  model === undefined
    ? 'skipped: no real model calls an agent, for none is here (AGENTYARD_SHARED)'
    : 'SmolLM2-135M-Instruct Q8_0 calls an agent.',
);

describe.skipIf(model === undefined)('SmolLM2', () => {
  it('makes a valid call of an agent', { timeout: 240_000 }, async () => {
    const real = new Yard({ agents, models: { chat: { path: model!, sequences: 1, contextTokens: 2_048 } } });
    const app = createServer({ yard: real, log: false });
    closers.push(
      () => real.close(),
      () => app.close(),
    );
    const baseURL = await app.listen({ host: '127.0.0.1', port: 0 });
    const listed = await fetch(`${baseURL}/agents?format=openai-tools`);
    const tools = ((await listed.json()) as OpenAI.ChatCompletionFunctionTool[]).filter(
      ({ function: { name } }) => name === 'shout' || name === 'wait',
    );
    const client = new OpenAI({ baseURL: `${baseURL}/v1`, apiKey: 'unused', maxRetries: 0 });
    const answer = await client.chat.completions.create({
      model: 'chat',
      messages: [{ role: 'user', content: 'Say "good morning" loudly.' }],
      tools,
      tool_choice: { type: 'function', function: { name: 'shout' } },
      temperature: 0,
      max_tokens: 100,
    });
    const [call] = answer.choices[0]!.message.tool_calls!;
    if (call?.type !== 'function') throw new Error('no call');
    const { input } = JSON.parse(call.function.arguments) as { input: string };
    expect(await real.run('shout', input)).toBe(input.toUpperCase());
    console.log(`SmolLM2 called shout with ${call.function.arguments}`);
  });
});
