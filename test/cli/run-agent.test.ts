/** The commands about agents, compiled, as processes of their own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnyAgent } from '../../lib/agents/index.js';
import { listAgents } from '../../lib/cli/agents.js';
import { builtInAgents, loadAgents } from '../../lib/cli/load-agents.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const AGENTS = fileURLToPath(new URL('../support/face-agents.mjs', import.meta.url));
const isCompiled = existsSync(main);
if (!isCompiled) console.log('skipped: dist/cli/main.js does not exist; compile first (npm run compile)');

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'agentyard-run-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FIXED = ['--agents', AGENTS, '--no-built-ins', '--no-model'];

async function run(args: readonly string[], input = '', onError: (said: string, end: () => void) => void = () => {}) {
  const child = spawn(process.execPath, [main, 'run', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.stdin.end(input);
  let err = '';
  child.stderr.on('data', (bytes: Buffer) => {
    err += bytes.toString();
    onError(err, () => child.kill('SIGTERM'));
  });
  const out = await text(child.stdout);
  return { out, code: await code, err };
}

const ITEMS = JSON.stringify({ items: [{ name: 'tea', cents: 450 }] });

describe.skipIf(!isCompiled)('agentyard run', () => {
  it('keeps standard output for the output, whatever the agent prints', async () => {
    const { out, err, code } = await run(['receipt', ...FIXED, '--input', ITEMS]);
    expect({ out, code }).toEqual({ out: '{"total":4.5,"currency":"EUR","lines":["tea: 4.50"]}\n', code: 0 });
    expect(err).toBe('adding up\nProgress: 1 of 1, tea\n');
  });

  it('reads standard input, and writes parts as they come', async () => {
    const { out, code } = await run(['receipt@2', ...FIXED, '--stream'], ITEMS);
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      { text: 'tea;' },
      { output: { total: 4.5, currency: 'EUR', lines: ['tea: 4.50'] } },
    ]);
    expect(code).toBe(0);
  });

  it('reads a file, and says what is deprecated', async () => {
    const file = join(folder, 'input.json');
    writeFileSync(file, ITEMS);
    const { out, err, code } = await run(['receipt@1.5', ...FIXED, '--input-file', file]);
    expect({ out, code }).toEqual({ out: '{"count":1}\n', code: 0 });
    expect(err).toContain('Deprecated: receipt@1.5. It does not know prices. Use version 2.');
  });

  it.each<[string, string[], number, string, string]>([
    ['an unknown agent', ['reciept', '--input', '{}'], 2, 'AY_UNKNOWN_AGENT', 'Did you mean "receipt"?'],
    ['a wrong input', ['receipt', '--input', '{"items":[]}'], 2, 'AY_INVALID_INPUT', 'items'],
    ['an input that is no JSON', ['shout', '--input', 'hello'], 2, 'AY_INVALID_OPTION', 'expected JSON'],
    ['two inputs', ['shout', '--input', '1', '--input-file', 'x'], 2, 'AY_INVALID_OPTION', 'give one'],
    ['a file that is not there', ['shout', '--input-file', '/nowhere'], 2, 'AY_INVALID_OPTION', 'ENOENT'],
    ['an agent that fails', ['fall', '--input', '{"text":"a stone"}'], 1, 'AY_AGENT_FAILED', 'cannot digest a stone'],
    ['no time', ['wait', '--input', '{}', '--timeout', '20'], 1, 'AY_TASK_TIMEOUT', '20 ms'],
  ])('%s', async (_what, args, code, errorCode, message) => {
    const { out, err, code: exit } = await run([...args, ...FIXED]);
    expect([out, exit]).toEqual(['', code]);
    const { error } = JSON.parse(err.trimEnd().split('\n').at(-1)!) as { error: object };
    expect(error).toMatchObject({ code: errorCode, message: expect.stringContaining(message) });
  });

  it('cancels the call when it is told to end', async () => {
    const { out, code } = await run(['wait', ...FIXED, '--input', '{}'], '', (said, end) => {
      if (said.includes('waiting')) end();
    });
    expect([out, code]).toEqual(['', 143]);
  });
});

describe('agentyard agents', () => {
  it('lists the built-in agents, and those of modules', async () => {
    const lines: string[] = [];
    await listAgents({ agents: [AGENTS] }, (line) => lines.push(line));
    const ids = lines.map((line) => line.split(' ')[0]);
    expect(ids).toEqual(expect.arrayContaining(['receipt@1.5', 'receipt@2', 'shout@1']));
    for (const { id } of await builtInAgents()) expect(ids).toContain(id);
    expect(lines.find((line) => line.startsWith('receipt@1.5'))).toContain('(deprecated: It does not know prices.');
  });

  it('writes them as JSON with their schemas', async () => {
    const lines: string[] = [];
    await listAgents({ agents: [AGENTS], builtIns: false, json: true }, (line) => lines.push(line));
    const listed = JSON.parse(lines.join('\n')) as { id: string; input: object }[];
    expect(listed).toHaveLength(5);
    expect(listed.find(({ id }) => id === 'receipt@2')!.input).toMatchObject({ required: ['items'] });
  });
});

describe('modules of agents', () => {
  it('may export agents, lists of them, and other things', async () => {
    const agents = await loadAgents({ agents: [AGENTS], builtIns: false });
    expect(agents.map(({ id }) => id).sort()).toEqual(['fall@1', 'receipt@1.5', 'receipt@2', 'shout@1', 'wait@1']);
  });

  it('replace built-in agents of the same name', async () => {
    const [builtIn] = (await builtInAgents()) as [AnyAgent];
    const file = join(folder, 'own.mjs');
    const dist = new URL('../../dist/index.js', import.meta.url).href;
    const zod = import.meta.resolve('zod');
    writeFileSync(
      file,
      `import { defineAgent } from ${JSON.stringify(dist)}; import { z } from ${JSON.stringify(zod)};
       export default defineAgent({ name: ${JSON.stringify(builtIn.name)}, version: '9', description: 'Own.', input: z.null(), output: z.null(), run: () => null });`,
    );
    const named = (await loadAgents({ agents: [file] })).filter(({ name }) => name === builtIn.name);
    expect(named.map(({ version }) => version)).toEqual(['9']);
  });

  it.each([
    ['is not there', 'missing.mjs', undefined, 'cannot be loaded'],
    ['is no module', 'broken.mjs', 'export const = 1', 'cannot be loaded'],
    ['has no agents', 'empty.mjs', 'export const answer = 42', 'exports no agent'],
  ])('one that %s is refused by its name', async (_what, name, code, message) => {
    const file = join(folder, name);
    if (code !== undefined) writeFileSync(file, code);
    const loading = loadAgents({ agents: [file] });
    await expect(loading).rejects.toMatchObject({ code: 'AY_INVALID_OPTION' });
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.toThrow(name);
  });
});
