/** Other servers' tools as agents: a public server from npm, and one that misbehaves in every way. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { AnyAgent, Progress } from '../../lib/agents/index.js';
import { type McpAgents, type McpAgentsOptions, mcpAgents } from '../../lib/mcp/index.js';
import { createTestYard } from '../../lib/testing/index.js';
import type { Yard } from '../../lib/yard.js';

const EVERYTHING = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js');
const HOSTILE = fileURLToPath(new URL('./hostile-server.mjs', import.meta.url));

const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function yardOf({ agents, close }: McpAgents): Promise<Yard> {
  const yard = await createTestYard({ agents });
  open.push(close, () => yard.close());
  return yard;
}

function everything(): Promise<McpAgents> {
  return mcpAgents({ name: 'everything', command: process.execPath, args: [EVERYTHING, 'stdio'] });
}

function hostile(mode: string, options: McpAgentsOptions = {}): Promise<McpAgents> {
  return mcpAgents({ name: 'hostile', command: process.execPath, args: [HOSTILE, mode] }, options);
}

/** What a promise rejects with. */
function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => expect.fail(`it gave ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}

describe('a public server', () => {
  it('has its tools as agents, typed by its schemas', async () => {
    const source = await everything();
    const yard = await yardOf(source);
    const names = source.agents.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['everything_echo', 'everything_get-sum']));
    expect(await yard.run('everything_get-sum', { a: 2, b: 40 })).toMatchObject({
      text: expect.stringContaining('42'),
    });
    const weather = await yard.run('everything_get-structured-content', { location: 'Chicago' });
    expect(weather).toMatchObject({ temperature: expect.any(Number), conditions: expect.any(String) });
    const error = await failure(yard.run('everything_get-sum', { a: 'two', b: 40 }));
    expect(error).toMatchObject({ code: 'AY_INVALID_INPUT' });
  });

  it('passes progress on', async () => {
    const yard = await yardOf(await everything());
    const seen: Progress[] = [];
    const input = { duration: 0.4, steps: 4 };
    const onProgress = (progress: Progress) => seen.push(progress);
    await yard.run('everything_trigger-long-running-operation', input, { onProgress });
    // The protocol's library drops a report that arrives together with the result: the last may be missing.
    const steps = [1, 2, 3, 4].map((step) => [step, 4]);
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(seen.map(({ done, total }) => [done, total])).toEqual(steps.slice(0, seen.length));
  });

  it('is told of a cancel, and serves others meanwhile and after it', async () => {
    const yard = await yardOf(await everything());
    const abort = new AbortController();
    const run = failure(
      yard.run(
        'everything_trigger-long-running-operation',
        { duration: 600, steps: 6_000 },
        { signal: abort.signal, onProgress: () => abort.abort() },
      ),
    );
    expect(await yard.run('everything_echo', { message: 'still here' })).toMatchObject({ text: 'Echo: still here' });
    expect(await run).toMatchObject({ code: 'AY_CANCELLED' });
    expect(await yard.run('everything_echo', { message: 'and now' })).toMatchObject({ text: 'Echo: and now' });
  });
});

describe('names', () => {
  it('are those of agents, each used once', async () => {
    const source = await hostile('fine');
    open.push(source.close);
    expect(source.agents.map(({ id }) => id)).toEqual(['hostile_do_it@1', 'hostile_typed@1', 'hostile_do_it_2@1']);
  });

  it('may be chosen', async () => {
    const source = await hostile('fine', { prefix: '', only: ['typed'] });
    open.push(source.close);
    expect(source.agents.map(({ name }) => name)).toEqual(['typed']);
    expect(await failure(hostile('fine', { only: ['tpyed'] }))).toMatchObject({
      code: 'AY_INVALID_OPTION',
      message: expect.stringContaining('Do.It, typed'),
    });
  });
});

describe('a server that fails at its start', () => {
  it.each([
    ['ends at once', 'gone'],
    ['says nothing', 'silent'],
    ['says what no server says', 'babble'],
    ['lists nonsense', 'list'],
  ])('%s', async (_what, mode) => {
    const error = await failure(hostile(mode, { connectMs: 1_500 }));
    expect(error).toMatchObject({ code: 'AY_TOOL_SERVER', server: 'hostile' });
  });

  it('is not there', async () => {
    const source = mcpAgents({ name: 'none', command: '/nowhere/to/be/found' });
    expect(await failure(source)).toMatchObject({ code: 'AY_TOOL_SERVER', message: expect.stringContaining('ENOENT') });
    const web = mcpAgents({ name: 'web', url: 'http://127.0.0.1:9/mcp' }, { connectMs: 1_500 });
    expect(await failure(web)).toMatchObject({ code: 'AY_TOOL_SERVER' });
  });
});

describe('a server that fails in a call', () => {
  it.each([
    ['dies', 'die', 'hostile_typed', 'AY_TOOL_SERVER'],
    ['hangs', 'hang', 'hostile_typed', 'AY_TOOL_SERVER'],
    ['answers nonsense', 'nonsense', 'hostile_typed', 'AY_TOOL_SERVER'],
    ['answers more than is read', 'huge', 'hostile_do_it', 'AY_TOOL_SERVER'],
    ['breaks the schema that it promised', 'untyped', 'hostile_typed', 'AY_INVALID_OUTPUT'],
    ['reports an error of the tool', 'error', 'hostile_typed', 'AY_AGENT_FAILED'],
  ])('%s: a typed error, in time, and other agents go on', async (_what, mode, agent, code) => {
    const source = await hostile(mode, { timeoutMs: 1_500, messageBytesMax: 1_000_000 });
    const fine = await hostile('fine', { prefix: 'fine_' });
    open.push(fine.close);
    const agents: AnyAgent[] = [...source.agents, ...fine.agents];
    const yard = await yardOf({ agents, close: source.close });
    const other = yard.run('fine_typed', { n: 1 });
    const error = await failure(yard.run(agent, { n: 1 }));
    expect(error).toMatchObject({ code });
    if (mode === 'error') expect(error).toMatchObject({ message: expect.stringContaining('the shelf is empty') });
    expect(await other).toEqual({ n: 1 });
  });
});

describe('a server that ended', () => {
  it('is started again by the next call', async () => {
    const yard = await yardOf(await hostile('once', { backoffMs: 1 }));
    const pids = new Set<string>();
    while (pids.size < 3) {
      // A call may meet the process on its way out.
      const result = await yard.run('hostile_do_it', {}).catch(() => undefined);
      if (result !== undefined) pids.add((result as { text: string }).text);
    }
    expect(pids.size).toBe(3);
  });

  it('is left alone for a while when it keeps failing', async () => {
    const yard = await yardOf(await hostile('die', { backoffMs: 60_000 }));
    const errors = [];
    for (let call = 0; call < 3; call++) errors.push(await failure(yard.run('hostile_do_it', {})));
    expect(errors[1]).toMatchObject({ message: expect.stringContaining('ended') });
    expect(errors[2]).toMatchObject({
      code: 'AY_TOOL_SERVER',
      message: expect.stringMatching(/failed 2 times in a row and is tried again in \d+ ms/),
    });
  });

  it('is not started again after it was closed', async () => {
    const source = await hostile('fine');
    const yard = await yardOf(source);
    await source.close();
    expect(await failure(yard.run('hostile_do_it', {}))).toMatchObject({ code: 'AY_CLOSED' });
  });
});
