import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EngineDiedError, InvalidGgufError, InvalidRequestError, PromptTooLongError } from '../../lib/base/errors.js';
import { savedSessionPlace } from '../../lib/dispatch/engine/session-folder.js';
import type { ChatStream } from '../../lib/runtime/service.js';
import type { Yard } from '../../lib/yard.js';
import { isAlive, openYard } from '../support/engine.js';
import { writeTinyGguf } from '../support/tiny-gguf.js';

const ALPHABET = 'defghijklmnopqrstuvwxyz';
let folder: string;
let successor: string;
let random: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'agentyard-engine-'));
  successor = join(folder, 'successor.gguf');
  random = join(folder, 'random.gguf');
  const chatTemplate = "{% for m in messages %}{{ m['content'] }}{% endfor %}";
  await writeTinyGguf(successor, { kind: 'successor', chatTemplate });
  await writeTinyGguf(random, { kind: 'random', dim: 128, layers: 4, contextTokens: 2_048 });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(stream: ChatStream): Promise<string> {
  let text = '';
  for await (const part of stream) text += part.text;
  return text;
}

describe('a model that knows the alphabet', () => {
  let yard: Yard;
  beforeAll(async () => {
    yard = await openYard({ path: successor, sequences: 4, contextTokens: 256 });
  });
  afterAll(() => yard.close());

  const complete = (prompt: string, extra = {}) => yard.complete({ model: 'm', prompt, temperature: 0, ...extra });

  it('continues it and ends by itself', async () => {
    const stream = complete('abc');
    expect(await read(stream)).toBe(ALPHABET);
    expect(await stream.result()).toMatchObject({ finishReason: 'stop', usage: { outputTokens: 23 } });
  });

  it('stops at the limit, and at a stop text that spans tokens', async () => {
    expect(await complete('abc', { maxTokens: 5 }).result()).toMatchObject({ text: 'defgh', finishReason: 'length' });
    expect(await complete('abc', { stop: 'klm' }).result()).toMatchObject({ text: 'defghij', finishReason: 'stop' });
  });

  it('runs more requests than it has slots, each with its own text', async () => {
    const letters = [...'abcdefghijkl'];
    const answers = await Promise.all(letters.map((letter) => complete(letter, { maxTokens: 3 }).result()));
    expect(answers.map(({ text }) => text)).toEqual(
      letters.map((letter) =>
        'abcdefghijklmnopqrstuvwxyz'.slice(letters.indexOf(letter) + 1, letters.indexOf(letter) + 4),
      ),
    );
  });

  it('ends with "length" when the context is full', async () => {
    const result = await complete(`${' '.repeat(240)}ab`, { maxTokens: 500 }).result();
    expect(result.finishReason).toBe('length');
    expect(result.usage.promptTokens + result.usage.outputTokens).toBeLessThanOrEqual(256);
  });

  it('refuses a prompt longer than the context with both numbers, also when a worker counts it', async () => {
    const error = await complete('a'.repeat(300))
      .accepted()
      .catch((reason) => reason);
    expect(error).toBeInstanceOf(PromptTooLongError);
    expect(error).toMatchObject({ contextTokens: 256 });
    expect(error.promptTokens).toBeGreaterThanOrEqual(300);
    const long = await complete('a'.repeat(20_000))
      .accepted()
      .catch((reason) => reason);
    expect(long).toBeInstanceOf(PromptTooLongError);
    expect(long.promptTokens).toBeGreaterThan(256);
  });

  it('refuses what this model cannot do, and unknown token ids', async () => {
    await expect(yard.embed({ model: 'm', input: 'text' })).rejects.toThrow(InvalidRequestError);
    await expect(yard.complete({ model: 'm', prompt: [1, 1_000_000] }).accepted()).rejects.toThrow(InvalidRequestError);
  });
});

describe('a model whose every token depends on all before it', () => {
  const prompt = Array.from({ length: 300 }, (_, i) => 270 + ((i * 31) % 90));

  it('gives the same answer whatever the chunks and whoever runs beside it', async () => {
    const answers: string[] = [];
    for (const chunkTokens of [32, 64, 500]) {
      const yard = await openYard({ path: random, sequences: 4, contextTokens: 512, chunkTokens });
      const noise = yard.complete({ model: 'm', prompt: prompt.slice(50), maxTokens: 60, temperature: 0 });
      const result = await yard.complete({ model: 'm', prompt, maxTokens: 20, temperature: 0 }).result();
      answers.push(result.text);
      await noise.result();
      await yard.close();
    }
    expect(answers[0]).not.toBe('');
    expect(new Set(answers).size).toBe(1);
  });

  it('keeps the earlier turns of a session in its slot and answers as if it had read everything again', async () => {
    const yard = await openYard({ path: random, sequences: 2, contextTokens: 512 });
    const ask = (tokens: number[], session?: string) =>
      yard.complete({ model: 'm', prompt: tokens, maxTokens: 8, temperature: 0, ...(session && { session }) }).result();
    await ask(prompt, 's');
    const longer = [...prompt, 300, 301, 302];
    const reused = await ask(longer, 's');
    expect(reused.usage.cachedTokens).toBeGreaterThanOrEqual(prompt.length - 1);
    const fresh = await ask(longer, 'other');
    expect(fresh.usage.cachedTokens).toBe(0);
    expect(reused.text).toBe(fresh.text);
    await yard.close();
  });

  it('frees a slot in the middle of a prompt, and while it generates', async () => {
    const yard = await openYard({ path: random, sequences: 1, contextTokens: 2_048, chunkTokens: 32 });
    const long = Array.from({ length: 1_900 }, (_, i) => 270 + ((i * 17) % 90));
    const victim = yard.complete({ model: 'm', prompt: long, maxTokens: 5 });
    await victim.started();
    const heir = yard.complete({ model: 'm', prompt: [300], maxTokens: 1_000 });
    victim.cancel();
    await heir.started();
    for await (const _ of heir) break;
    expect(await yard.complete({ model: 'm', prompt: [301], maxTokens: 2 }).result()).toMatchObject({
      finishReason: expect.stringMatching(/length|stop/),
    });
    // The prompt was not read to its end: that is what "in the middle" means.
    expect(yard.stats().models.m!.promptTokens).toBeLessThan(1_900);
    await yard.close();
  });
});

describe('named sessions that share one slot', () => {
  const SAVED_BYTES = 16 * 2 ** 20;
  const { root } = savedSessionPlace(SAVED_BYTES, undefined)!;
  /** Folders of engines that this process started. */
  const folders = () => readdirSync(root).filter((name) => name.startsWith(`agentyard-sessions-${process.pid}-`));
  const turn = (seed: number, length: number) => Array.from({ length }, (_, i) => 270 + ((i * seed) % 90));
  let large: string;
  beforeAll(async () => {
    large = join(folder, 'large.gguf');
    // Much to compute for each token and little to keep of it: saving is worth it also while others use the machine.
    await writeTinyGguf(large, {
      kind: 'random',
      dim: 256,
      layers: 4,
      kvHeads: 1,
      feedForward: 4_096,
      contextTokens: 2_048,
    });
  });
  const open = (savedSessionBytes: number) =>
    openYard({ path: large, sequences: 1, contextTokens: 1_024, savedSessionBytes });
  const ask = async (yard: Yard, session: string | undefined, prompt: number[]) => {
    const named = session === undefined ? {} : { session };
    const { text, usage } = await yard
      .complete({ model: 'm', prompt, maxTokens: 8, temperature: 0, ...named })
      .result();
    return { text, cachedTokens: usage.cachedTokens };
  };

  it('go on where they were, with the answers of a model that reads everything again', async () => {
    const [yard, plain] = [await open(SAVED_BYTES), await open(0)];
    for (const length of [300, 420, 540]) {
      for (const [session, seed] of [
        ['a', 31],
        ['b', 17],
        ['c', 53],
      ] as const) {
        const prompt = turn(seed, length);
        const answer = await ask(yard, session, prompt);
        expect(answer.text).toBe((await ask(plain, session, prompt)).text);
        // Beyond what two texts may have in common by chance.
        if (length > 300) expect(answer.cachedTokens).toBeGreaterThanOrEqual(length - 120);
      }
    }
    const { savedSessions } = yard.stats().models.m!;
    expect(savedSessions).toMatchObject({ sessions: 3, loads: 6, bytesMax: SAVED_BYTES });
    expect(savedSessions!.bytes).toBeGreaterThan(0);
    expect(plain.stats().models.m!.savedSessions).toBeUndefined();
    expect(plain.stats().models.m!.cachedTokens).toBeLessThan(300);
    await Promise.all([yard.close(), plain.close()]);
    expect(folders()).toEqual([]);
  });

  it('are saved only if they have a name, and read again after their file was spoiled or their engine crashed, which leaves no file', async () => {
    const yard = await open(SAVED_BYTES);
    await ask(yard, undefined, turn(53, 300));
    const expected = await ask(yard, 'a', turn(31, 420));
    await ask(yard, 'a', turn(31, 300));
    expect(yard.stats().models.m!.savedSessions).toMatchObject({ sessions: 0, bytes: 0, saves: 0 });
    await ask(yard, 'b', turn(17, 300));
    expect(yard.stats().models.m!.savedSessions).toMatchObject({ sessions: 1, saves: 1 });
    const [name] = folders();
    const [file] = readdirSync(join(root, name!));
    truncateSync(join(root, name!, file!), 1_000);
    const again = await ask(yard, 'a', turn(31, 420));
    // The first token of all these prompts is the same.
    expect(again).toEqual({ text: expected.text, cachedTokens: 1 });
    process.kill(yard.models()[0]!.enginePid!, 'SIGKILL');
    expect(await ask(yard, 'b', turn(17, 300))).toMatchObject({ cachedTokens: 0 });
    await vi.waitFor(() => expect(existsSync(join(root, name!))).toBe(false));
    expect(folders()).toHaveLength(1);
    await yard.close();
    expect(folders()).toEqual([]);
  });

  it('are counted in the lease where they lie in memory, and not as in use before they are', async () => {
    const bytesOf = async (savedSessionBytes: number) => {
      const yard = await open(savedSessionBytes);
      const { leased } = yard.stats().pools['host memory']!;
      const events = yard.eventLog().map((line): { event?: string; bytes: number } => JSON.parse(line));
      await yard.close();
      return { leased, usedBytes: events.find(({ event }) => event === 'ready')!.bytes };
    };
    const [without, beside] = [await bytesOf(0), await bytesOf(SAVED_BYTES)];
    const { isMemory } = savedSessionPlace(SAVED_BYTES, undefined)!;
    expect(beside.leased - without.leased).toBe(isMemory ? SAVED_BYTES : 0);
    expect(without.usedBytes).toBeGreaterThan(0);
    expect(beside.usedBytes).toBe(without.usedBytes);
  });
});

describe('the end of an engine', () => {
  it('ends streams that had begun with a typed error, repeats the rest, and comes back', async () => {
    const yard = await openYard({ path: random, sequences: 2, contextTokens: 2_048 });
    const begun = yard.complete({ model: 'm', prompt: [300], maxTokens: 1_900, temperature: 1 });
    const iterator = begun[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = Array.from({ length: 3 }, (_, i) => yard.complete({ model: 'm', prompt: [300 + i], maxTokens: 3 }));
    const [pid] = [yard.models()[0]!.enginePid!];
    process.kill(pid, 'SIGKILL');
    const outcome = await begun.result().catch((reason) => reason);
    expect(outcome).toBeInstanceOf(EngineDiedError);
    for (const stream of waiting) expect((await stream.result()).usage.outputTokens).toBeGreaterThan(0);
    expect(yard.stats().models.m).toMatchObject({ engineStarts: 2, engineDeaths: 1 });
    expect(yard.models()[0]!.enginePid).not.toBe(pid);
    await yard.close();
    expect(yard.stats().running).toBe(0);
  });

  it('lets a program end that has nothing to do any more', async () => {
    const program = fork(fileURLToPath(new URL('../support/idle.mjs', import.meta.url)), [successor], { execArgv: [] });
    const [[answer], [code]] = await Promise.all([once(program, 'message'), once(program, 'exit')]);
    expect(answer).toBe(ALPHABET);
    expect(code).toBe(0);
  });

  it('keeps a program alive that waits for the repetition of its task', async () => {
    const program = fork(fileURLToPath(new URL('../support/retry.mjs', import.meta.url)), [random], { execArgv: [] });
    const [[tokens], [code]] = await Promise.all([once(program, 'message'), once(program, 'exit')]);
    expect(tokens).toBe(3);
    expect(code).toBe(0);
  });

  it('follows the end of its parent, also by SIGKILL', async () => {
    const parent = fork(fileURLToPath(new URL('../support/parent.mjs', import.meta.url)), [random], { execArgv: [] });
    const [enginePid] = (await once(parent, 'message')) as [number];
    expect(isAlive(enginePid)).toBe(true);
    parent.kill('SIGKILL');
    await vi.waitFor(() => expect(isAlive(enginePid)).toBe(false), { timeout: 2_000, interval: 20 });
  });

  it('is gone when its yard is closed', async () => {
    const yard = await openYard({ path: successor, sequences: 1, contextTokens: 256 });
    const pid = yard.models()[0]!.enginePid!;
    await yard.close();
    expect(isAlive(pid)).toBe(false);
  });
});

describe('files that are no models', () => {
  it.each([
    ['no GGUF at all', () => 'hello'],
    ['nothing', () => ''],
  ])('%s ends in a typed error and no engine', async (_, content) => {
    const path = join(folder, 'bad.gguf');
    writeFileSync(path, content());
    await expect(openYard({ path })).rejects.toThrow(InvalidGgufError);
  });
});
