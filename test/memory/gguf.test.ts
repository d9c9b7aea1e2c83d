import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InvalidGgufError } from '../../lib/base/errors.js';
import { readGgufHeader } from '../../lib/memory/gguf.js';
import { type GgufTensor, type GgufValue, writeGguf } from '../../lib/memory/gguf-writer.js';
import { writeTinyGguf } from '../support/tiny-gguf.js';

let folder: string;
let good: string;
let goodBytes: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agentyard-gguf-'));
  good = join(folder, 'good.gguf');
  await writeTinyGguf(good, { dim: 64, layers: 2, heads: 4, kvHeads: 2, feedForward: 96, contextTokens: 2048 });
  goodBytes = await readFile(good);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The smallest set of keys that is accepted. */
function requiredKeys(): Map<string, GgufValue> {
  return new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['llama.context_length', { type: 'uint32', value: 128 }],
    ['llama.embedding_length', { type: 'uint32', value: 64 }],
    ['llama.block_count', { type: 'uint32', value: 2 }],
    ['llama.feed_forward_length', { type: 'uint32', value: 96 }],
    ['llama.attention.head_count', { type: 'uint32', value: 4 }],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
    ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: ['a', 'b'] }],
  ]);
}

const oneTensor: readonly GgufTensor[] = [
  { name: 'token_embd.weight', dimensions: [64, 2], type: 'F32', elements: () => new Float32Array(128) },
];

async function write(keys: ReadonlyMap<string, GgufValue>): Promise<string> {
  const path = join(folder, 'crafted.gguf');
  await writeGguf(path, keys, oneTensor);
  return path;
}

async function refusal(path: string): Promise<InvalidGgufError> {
  const error = await readGgufHeader(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InvalidGgufError);
  expect((error as InvalidGgufError).file).toBe(path);
  return error as InvalidGgufError;
}

describe('a good file', () => {
  it('gives its shape and sizes', async () => {
    expect(await readGgufHeader(good)).toEqual({
      architecture: 'llama',
      name: 'tiny random',
      contextTokens: 2048,
      layers: 2,
      heads: 4,
      kvHeads: 2,
      kvHeadsTotal: 4,
      keyDim: 16,
      valueDim: 16,
      embeddingLength: 64,
      feedForward: 96,
      vocabSize: 384,
      hasChatTemplate: false,
      poolingType: undefined,
      causal: true,
      // embeddings and output 2·64·384, per layer q and o 2·64·64, k and v 2·64·32, three feed-forward 3·64·96, norms 2·64; last norm 64
      tensorBytes: 4 * (2 * 64 * 384 + 2 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 96 + 2 * 64) + 64),
      fileBytes: goodBytes.length,
      tensorCount: 3 + 2 * 9,
      standIn: false,
    });
  });

  it('needs no optional key', async () => {
    const header = await readGgufHeader(await write(requiredKeys()));
    expect(header).toMatchObject({ name: undefined, kvHeads: 4, kvHeadsTotal: 8, keyDim: 16, vocabSize: 2 });
  });

  it('may have one head count per layer, zeros included', async () => {
    const keys = requiredKeys();
    keys.set('llama.attention.head_count', { type: 'int32s', value: [4, 8] });
    keys.set('llama.attention.head_count_kv', { type: 'int32s', value: [0, 2] });
    expect(await readGgufHeader(await write(keys))).toMatchObject({ heads: 8, kvHeads: 2, kvHeadsTotal: 2 });
  });

  it('may be an encoder with pooling, no chat template and a plain norm', async () => {
    const keys = new Map(
      [...requiredKeys()].map(([key, value]): [string, GgufValue] => [key.replace(/^llama\./, 'bert.'), value]),
    );
    keys.set('general.architecture', { type: 'string', value: 'bert' });
    keys.delete('bert.attention.layer_norm_rms_epsilon');
    keys.set('bert.attention.layer_norm_epsilon', { type: 'float32', value: 1e-12 });
    keys.set('bert.attention.causal', { type: 'bool', value: false });
    keys.set('bert.pooling_type', { type: 'uint32', value: 1 });
    expect(await readGgufHeader(await write(keys))).toMatchObject({ causal: false, poolingType: 'mean' });
  });

  it('is read without its tensors: a vocabulary of 150,000 tokens and 1 GiB of weights cost little', async () => {
    const keys = requiredKeys();
    const tokens = Array.from({ length: 150_000 }, (_, id) => `token ${id}`);
    keys.set('tokenizer.ggml.tokens', { type: 'strings', value: tokens });
    keys.set('tokenizer.ggml.scores', { type: 'float32s', value: tokens.map(() => 0) });
    // Longer than the reading window, so that a text that spans two of them is stepped over.
    keys.set('tokenizer.chat_template', { type: 'string', value: 'x'.repeat(300_000) });
    const path = join(folder, 'large.gguf');
    await writeGguf(path, keys, oneTensor);
    await truncate(path, 2 ** 30); // a sparse file: the weights take no disk
    const before = process.memoryUsage().arrayBuffers;
    const header = await readGgufHeader(path);
    expect(header.vocabSize).toBe(150_000);
    expect(header.hasChatTemplate).toBe(true);
    expect(header.fileBytes).toBe(2 ** 30);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 2 ** 20);
    await rm(path);
  });
});

describe('a bad file is refused by name', () => {
  it('when it is absent, empty, a folder or no GGUF', async () => {
    expect((await refusal(join(folder, 'absent.gguf'))).message).toContain('no such file');
    expect((await refusal(folder)).message).toContain('directory');
    const path = join(folder, 'other');
    await writeFile(path, '');
    expect((await refusal(path)).message).toContain('empty');
    await writeFile(path, 'PK\u0003\u0004 this is a zip file, not a model');
    expect((await refusal(path)).message).toContain('not a GGUF file');
    await writeFile(path, 'GGUF');
    expect((await refusal(path)).message).toContain('not a GGUF file');
  });

  it.each([1, 4, 0x03000000])('when its version is %i', async (version) => {
    const bytes = Buffer.from(goodBytes);
    bytes.writeUInt32LE(version, 4);
    const path = join(folder, 'version.gguf');
    await writeFile(path, bytes);
    expect((await refusal(path)).message).toContain(`version ${version}`);
  });

  it.each([...requiredKeys().keys()])('when the key %s is missing', async (key) => {
    const keys = requiredKeys();
    keys.delete(key);
    const error = await refusal(await write(keys));
    expect(error.key).toBe(key);
    expect(error.message).toContain(`"${key}" is missing`);
  });

  const wrong: [string, GgufValue][] = [
    ['general.architecture', { type: 'uint32', value: 7 }],
    ['general.architecture', { type: 'string', value: '' }],
    ['llama.context_length', { type: 'string', value: '128' }],
    ['llama.context_length', { type: 'uint32', value: 0 }],
    ['llama.embedding_length', { type: 'float32', value: 64 }],
    ['llama.block_count', { type: 'int32', value: -1 }],
    ['llama.feed_forward_length', { type: 'uint32', value: 0 }],
    ['llama.attention.head_count', { type: 'uint32', value: 0 }],
    ['llama.attention.head_count', { type: 'int32s', value: [4] }],
    ['llama.attention.head_count', { type: 'int32s', value: [] }],
    ['llama.attention.head_count_kv', { type: 'int32s', value: [4, -1] }],
    ['llama.attention.key_length', { type: 'uint32', value: 0 }],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: Number.NaN }],
    ['tokenizer.ggml.model', { type: 'bool', value: true }],
    ['tokenizer.ggml.tokens', { type: 'int32s', value: [1, 2] }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: [] }],
    ['tokenizer.ggml.scores', { type: 'float32s', value: [0] }],
    ['tokenizer.ggml.token_type', { type: 'int32s', value: [1, 1, 1] }],
    ['general.alignment', { type: 'uint32', value: 24 }],
  ];
  it.each(wrong)('when the key %s holds %j', async (key, value) => {
    const keys = requiredKeys();
    keys.set(key, value);
    expect((await refusal(await write(keys))).key).toBe(key);
  });

  it('when a tensor ends after the file, by a single byte', async () => {
    const path = join(folder, 'short.gguf');
    await copyFile(good, path);
    await truncate(path, goodBytes.length - 1);
    expect((await refusal(path)).message).toMatch(/cut short: tensor "blk\.1\.ffn_down\.weight"/);
  });

  it.each([
    ['a tensor count', 8],
    ['a key count', 16],
    ['the length of the first key', 24],
  ])('when %s is absurd, at once', async (_, offset) => {
    const bytes = Buffer.from(goodBytes);
    for (const claim of [2n ** 64n - 1n, 2n ** 40n, 10_000n]) {
      bytes.writeBigUInt64LE(claim, offset);
      const path = join(folder, 'hostile.gguf');
      await writeFile(path, bytes);
      await refusal(path);
    }
  });

  it('when an array claims more elements than the file has bytes', async () => {
    const bytes = Buffer.from(goodBytes);
    const key = bytes.indexOf('tokenizer.ggml.tokens') + 'tokenizer.ggml.tokens'.length;
    bytes.writeBigUInt64LE(2n ** 53n, key + 8);
    const path = join(folder, 'array.gguf');
    await writeFile(path, bytes);
    expect((await refusal(path)).key).toBe('tokenizer.ggml.tokens');
  });

  it('when a tensor has an unknown type or does not follow the one before it', async () => {
    const path = join(folder, 'tensor.gguf');
    const nameEnd = goodBytes.indexOf('output_norm.weight') + 'output_norm.weight'.length;
    const typeAt = nameEnd + 4 + 8;
    const bytes = Buffer.from(goodBytes);
    bytes.writeUInt32LE(4, typeAt);
    await writeFile(path, bytes);
    expect((await refusal(path)).message).toContain('unknown type 4');
    bytes.writeUInt32LE(0, typeAt);
    bytes.writeBigUInt64LE(32n, typeAt + 4);
    await writeFile(path, bytes);
    expect((await refusal(path)).message).toContain('is said to start at 32');
  });
});

describe('whatever the bytes', () => {
  const path = () => join(folder, 'mutant.gguf');
  const outcome = async (): Promise<'read' | 'refused'> => {
    try {
      await readGgufHeader(path());
      return 'read';
    } catch (error) {
      if (error instanceof InvalidGgufError) return 'refused';
      throw error;
    }
  };

  it('a truncated file is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(goodBytes.length - 1), async (length) => {
        await writeFile(path(), goodBytes.subarray(0, length));
        return (await outcome()) === 'refused';
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it('a file with flipped bytes in its header is read or refused, never anything else', async () => {
    const headerBytes = goodBytes.indexOf('blk.1.ffn_down.weight') + 64;
    const flips = fc.array(fc.tuple(fc.nat(headerBytes - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 8,
    });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(flips, async (changes) => {
        const bytes = Buffer.from(goodBytes);
        for (const [at, mask] of changes) bytes[at]! ^= mask;
        await writeFile(path(), bytes);
        if ((await outcome()) === 'refused') refused++;
      }),
      { numRuns: 300, seed: 2 },
    );
    // Most of the header is token texts, where a flip is harmless; some flips must have hit a length or a type.
    expect(refused).toBeGreaterThan(20);
  });

  it('random bytes after the magic are refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (noise) => {
        const start = Buffer.from('GGUF\u0003\0\0\0');
        await writeFile(path(), Buffer.concat([start, noise]));
        return (await outcome()) === 'refused';
      }),
      { numRuns: 100, seed: 3 },
    );
  });
});

describe('real models', () => {
  const shared = process.env.AGENTYARD_SHARED ?? '../shared';
  const cases = [
    [
      'smollm2-135m-instruct/smollm2-135m-instruct-q8_0.gguf',
      { architecture: 'llama', layers: 30, kvHeads: 3, keyDim: 64 },
    ],
    ['all-minilm-l6-v2/all-minilm-l6-v2-q8_0.gguf', { architecture: 'bert', causal: false, poolingType: 'mean' }],
  ] as const;
  for (const [file, expected] of cases) {
    const path = join(shared, 'models', file);
    const present = existsSync(path);
    if (!present) console.log(`Skipped, absent: ${path}`);
    it.skipIf(!present)(`${file} is accepted`, async () => {
      expect(await readGgufHeader(path)).toMatchObject(expected);
    });
  }
});
