import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  getLlama,
  type Llama,
  LlamaChatSession,
  LlamaCompletion,
  type LlamaContext,
  type LlamaModel,
} from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGgufHeader } from '../../lib/memory/gguf.js';
import { ensureStandIn, STAND_IN_FILE } from '../../lib/memory/stand-in.js';
import { OPENING, TOPICS } from '../../lib/memory/stand-in-corpus.js';

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agentyard-stand-in-'));
  path = await ensureStandIn(join(folder, 'made', 'by it'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const digest = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

describe('the file', () => {
  it('has the bytes of this recipe: when this changes, raise RECIPE in stand-in.ts (unless only the corpus changed)', async () => {
    expect(await digest(path)).toBe('73e5088a4049fd6edbe1d04f68c5fc2b3354010542436056c91dd74bcc3126b0');
  });

  it('is small, recognisable and passes our own checks', async () => {
    const header = await readGgufHeader(path);
    expect(header).toMatchObject({ standIn: true, name: 'agentyard stand-in', hasChatTemplate: true, causal: true });
    expect(header.fileBytes).toBeLessThan(20e6);
  });

  it('is not written again while it is whole and current', async () => {
    const made = await ensureStandIn(join(folder, 'again'));
    await utimes(made, 1, 1);
    expect(await ensureStandIn(join(folder, 'again'))).toBe(made);
    expect((await stat(made)).mtimeMs).toBe(1000);
  });

  it('is written anew when it is cut short, foreign or of another recipe', async () => {
    const expected = await digest(path);
    const other = join(folder, 'repaired');
    const made = await ensureStandIn(other);
    await truncate(made, 1_000_000);
    await ensureStandIn(other);
    expect(await digest(made)).toBe(expected);
    await writeFile(made, 'something else');
    await ensureStandIn(other);
    expect(await digest(made)).toBe(expected);
    const bytes = await readFile(made);
    bytes.write('0', bytes.indexOf('agentyard.stand_in_recipe') + 'agentyard.stand_in_recipe'.length + 12);
    await writeFile(made, bytes);
    await ensureStandIn(other);
    expect(await digest(made)).toBe(expected);
  });

  it('appears whole when several ask at once, and nothing else is left', async () => {
    const shared = join(folder, 'at once');
    await Promise.all([ensureStandIn(shared), ensureStandIn(shared), ensureStandIn(shared)]);
    expect(await readdir(shared)).toEqual([STAND_IN_FILE]);
    expect(await digest(join(shared, STAND_IN_FILE))).toBe(await digest(path));
  });

  it('fails with the reason when the folder cannot be made', async () => {
    await writeFile(join(folder, 'a file'), '');
    await expect(ensureStandIn(join(folder, 'a file', 'below'))).rejects.toThrow(/ENOTDIR|EEXIST/);
  });
});

describe('in the engine', () => {
  let llama: Llama;
  let model: LlamaModel;
  let context: LlamaContext;

  beforeAll(async () => {
    llama = await getLlama({ build: 'never', gpu: false, maxThreads: 1 });
    model = await llama.loadModel({ modelPath: path });
    context = await model.createContext({ contextSize: 2048, threads: 1, sequences: 1 });
  });
  afterAll(() => llama?.dispose());

  async function chat(
    prompt: string,
    temperature: number,
    seed: number,
  ): Promise<{ text: string; stopReason: string }> {
    const sequence = context.getSequence();
    const session = new LlamaChatSession({ contextSequence: sequence });
    try {
      const { responseText, stopReason } = await session.promptWithMeta(prompt, {
        temperature,
        seed,
        maxTokens: 1_000,
      });
      return { text: responseText, stopReason };
    } finally {
      session.dispose();
      await sequence.dispose();
    }
  }

  it('says what it is, then something useful, and ends by itself', async () => {
    const expected = { text: [OPENING, ...TOPICS[0]!].join(' '), stopReason: 'eogToken' };
    expect(await chat('What is the capital of France?', 0, 1)).toEqual(expected);
    expect(await chat('Größe? 你好 🎉\n\tcode();', 0, 1)).toEqual(expected);
  });

  it('answers in whole sentences of the corpus at any temperature, differently for different seeds', async () => {
    const sentences = new Set([OPENING, ...TOPICS.flat()]);
    const answers = new Set<string>();
    for (const seed of [1, 2, 3, 4, 5]) {
      const { text, stopReason } = await chat('Hello', seed === 5 ? 2 : 0.8, seed);
      expect(stopReason).toBe('eogToken');
      for (const sentence of text.split(/(?<=\.) (?=[A-Z])/)) expect(sentences).toContain(sentence);
      answers.add(text);
    }
    expect(answers.size).toBeGreaterThan(1);
  });

  it('goes on from a word that it knows', async () => {
    const sequence = context.getSequence();
    const completion = new LlamaCompletion({ contextSequence: sequence });
    const text = await completion.generateCompletion('The engine', { temperature: 0, maxTokens: 100 });
    completion.dispose();
    await sequence.dispose();
    expect(text.startsWith(' dies, the server lives on and starts it again.')).toBe(true);
  });

  it('tokenises any text and gives it back', () => {
    const text = 'Agentyard: Größe 你好 🎉 \u0000\r\n\ttab, and the queue waits. '.repeat(200);
    const tokens = model.tokenize(text);
    expect(model.detokenize(tokens)).toBe(text);
    const english = 'Scheduling work of several tenants on a server with little memory is a different problem. '.repeat(
      20,
    );
    expect(english.length / model.tokenize(english).length).toBeGreaterThan(2);
  });
});
