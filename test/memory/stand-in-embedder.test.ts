import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getLlama, type Llama, type LlamaEmbeddingContext } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGgufHeader } from '../../lib/memory/gguf.js';
import { ensureStandInEmbedder, STAND_IN_EMBEDDER_FILE } from '../../lib/memory/stand-in-embedder.js';

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agentyard-stand-in-embedder-'));
  path = await ensureStandInEmbedder(join(folder, 'made', 'by it'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const digest = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

describe('the file', () => {
  it('has the bytes of this recipe: when this changes, raise RECIPE in stand-in-embedder.ts', async () => {
    expect(await digest(path)).toBe('6fcc6753619ba14cbcf6131b924891f5757c40707c34e567b9dde9a11edf8f6f');
  });

  it('is small, an encoder with pooling, recognisable, and passes our own checks', async () => {
    const header = await readGgufHeader(path);
    expect(header).toMatchObject({ standIn: true, causal: false, poolingType: 'mean', hasChatTemplate: false });
    expect(header.fileBytes).toBeLessThan(12e6);
  });

  it('is written anew when it is cut short, and appears whole when several ask at once', async () => {
    await truncate(path, 1_000_000);
    const other = join(folder, 'made', 'by it');
    await Promise.all([ensureStandInEmbedder(other), ensureStandInEmbedder(other)]);
    expect(await readdir(other)).toEqual([STAND_IN_EMBEDDER_FILE]);
    expect(await digest(path)).toBe('6fcc6753619ba14cbcf6131b924891f5757c40707c34e567b9dde9a11edf8f6f');
  });
});

describe('in the engine', () => {
  let llama: Llama;
  let context: LlamaEmbeddingContext;

  beforeAll(async () => {
    llama = await getLlama({ build: 'never', gpu: false, maxThreads: 1 });
    const model = await llama.loadModel({ modelPath: path });
    context = await model.createEmbeddingContext({ contextSize: 512, threads: 1 });
  });
  afterAll(() => llama?.dispose());

  async function cosine(a: string, b: string): Promise<number> {
    const one = await context.getEmbeddingFor(a);
    return one.calculateCosineSimilarity(await context.getEmbeddingFor(b));
  }

  it('says that texts are alike that share words, whatever their case and the little words between', async () => {
    expect(await cosine('the exchange rate to euros', 'Exchange rates for the euro')).toBeGreaterThan(0.6);
    expect(await cosine('We reserve memory', 'the reservation of memory')).toBeGreaterThan(0.6);
    expect(await cosine('Is it for you?', 'IT IS FOR YOU')).toBeGreaterThan(0.6);
  });

  it('says that texts are not alike that share only little words', async () => {
    expect(await cosine('What is the exchange rate?', 'The weather is what it is today.')).toBeLessThan(0.25);
    expect(await cosine('a card and its PIN', 'a storm and the sea')).toBeLessThan(0.25);
  });

  it('takes any text', async () => {
    for (const text of ['Größe', '你好', '🎉', 'α', '\n\t', '42']) {
      const { vector } = await context.getEmbeddingFor(text);
      expect(vector.every(Number.isFinite)).toBe(true);
    }
  });
});
