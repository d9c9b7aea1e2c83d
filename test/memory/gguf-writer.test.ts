import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roundUp, TENSOR_TYPES } from '../../lib/memory/gguf-format.js';
import { readRawHeader } from '../../lib/memory/gguf-reader.js';
import { type GgufTensor, type GgufValue, toHalf, writeGguf } from '../../lib/memory/gguf-writer.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agentyard-gguf-writer-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const tensor = (type: GgufTensor['type'], elements: number[]): GgufTensor => ({
  name: `t.${type}`,
  dimensions: [elements.length],
  type,
  elements: () => Float32Array.from(elements),
});

/** The number that half-precision bits stand for, straight from the definition. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25));
}

describe('half precision', () => {
  it('keeps every half as it is', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = fromHalf(bits);
      if (Number.isNaN(value)) expect(fromHalf(toHalf(value))).toBeNaN();
      else expect(toHalf(value)).toBe(bits);
    }
  });

  it('rounds to the nearest half, to the even one when two are equally near', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7bfe }), fc.double({ min: 0, max: 1, noNaN: true }), (bits, part) => {
        const below = fromHalf(bits);
        const above = fromHalf(bits + 1);
        const value = Math.fround(below + (above - below) * part);
        const rounded = fromHalf(toHalf(value));
        const nearest = value - below < above - value ? below : above;
        const tie = value - below === above - value;
        return rounded === (tie ? fromHalf(bits % 2 === 0 ? bits : bits + 1) : nearest);
      }),
      {
        seed: 1,
        examples: [
          [0, 0.5],
          [1, 0.5],
          [0x3ff, 0.5],
          [0x400, 0.5],
          [0x7bfe, 0.5],
        ],
      },
    );
    expect(fromHalf(toHalf(65_520))).toBe(Number.POSITIVE_INFINITY);
    expect(fromHalf(toHalf(65_519))).toBe(65_504);
  });
});

describe('a written file', () => {
  it('is read back as it was given', async () => {
    const path = join(folder, 'keys.gguf');
    const keys = new Map<string, GgufValue>([
      ['u', { type: 'uint32', value: 4_294_967_295 }],
      ['i', { type: 'int32', value: -5 }],
      ['f', { type: 'float32', value: 0.5 }],
      ['b', { type: 'bool', value: true }],
      ['s', { type: 'string', value: 'größer 🎉' }],
      ['texts', { type: 'strings', value: ['a', ''] }],
      ['ints', { type: 'int32s', value: [1, -2] }],
      ['floats', { type: 'float32s', value: [1.5] }],
    ]);
    await writeGguf(path, keys, [tensor('F32', [1, 2, 3]), tensor('F16', [1]), tensor('Q8_0', Array(64).fill(1))]);
    const header = await readRawHeader(path);
    expect([...header.keys]).toEqual([
      ['u', { kind: 'number', value: 4_294_967_295, integer: true }],
      ['i', { kind: 'number', value: -5, integer: true }],
      ['f', { kind: 'number', value: 0.5, integer: false }],
      ['b', { kind: 'bool', value: true }],
      ['s', { kind: 'text', text: 'größer 🎉', bytes: 13 }],
      ['texts', { kind: 'array', elementType: 8, count: 2, numbers: undefined }],
      ['ints', { kind: 'array', elementType: 5, count: 2, numbers: [1, -2] }],
      ['floats', { kind: 'array', elementType: 6, count: 1, numbers: [1.5] }],
    ]);
    expect(header.tensors.map(({ typeName, bytes }) => [typeName, bytes])).toEqual([
      ['F32', 12],
      ['F16', 2],
      ['Q8_0', 68],
    ]);
    // Each tensor is padded to 32 bytes: 32 + 32 + 96 after a padded header.
    expect(header.fileBytes % 32).toBe(0);
  });

  it('stores Q8_0 to half a step of the block', async () => {
    const path = join(folder, 'q8.gguf');
    const elements = Array.from({ length: 64 }, (_, i) => (i < 32 ? Math.sin(i) : 0));
    await writeGguf(path, new Map([['k', { type: 'bool', value: true }]]), [tensor('Q8_0', elements)]);
    const file = await readFile(path);
    const data = file.subarray(file.length - roundUp(2 * TENSOR_TYPES[8]!.bytes, 32));
    const largest = Math.max(...elements.map(Math.abs));
    for (let i = 0; i < 64; i++) {
      const block = Math.floor(i / 32) * 34;
      const stored = fromHalf(data.readUInt16LE(block)) * data.readInt8(block + 2 + (i % 32));
      expect(Math.abs(stored - elements[i]!)).toBeLessThanOrEqual(largest / 127 / 2 + 1e-4);
    }
  });

  it('appears whole or not at all', async () => {
    const path = join(folder, 'never.gguf');
    const broken: GgufTensor = { ...tensor('F32', [1]), elements: () => new Float32Array(2) };
    await expect(writeGguf(path, new Map(), [broken])).rejects.toThrow(RangeError);
    await expect(writeGguf(path, new Map(), [tensor('Q8_0', [1, 2])])).rejects.toThrow('multiple of 32');
    expect((await readdir(folder)).filter((name) => name.startsWith('never'))).toEqual([]);
  });
});
