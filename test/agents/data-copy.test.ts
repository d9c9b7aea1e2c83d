import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyData, keyOfData } from '../../lib/agents/data-copy.js';

const data = fc.anything({ withDate: true, withMap: true, withSet: true, withTypedArray: true, withBigInt: true });

/** The same value, with the keys of its objects the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

describe('a copy', () => {
  it('is equal, and shares nothing that can be changed', () => {
    fc.assert(
      fc.property(data, (value) => {
        const copy = copyData(value).value;
        expect(copy).toEqual(value);
        if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value);
      }),
    );
    const bytes = Buffer.from('abc');
    const copied = copyData(bytes).value as Buffer;
    bytes[0] = 0;
    expect([...copied]).toEqual([97, 98, 99]);
  });

  it('weighs what it holds', () => {
    const small = copyData({ text: 'x' }).bytes;
    expect(copyData({ text: 'x'.repeat(1_000) }).bytes - small).toBe(2 * 999);
    expect(copyData(new Float32Array(1_000)).bytes).toBeGreaterThan(4_000);
  });

  it.each([
    ['a function', () => 1],
    ['an instance of Error', new Error('x')],
    ['a symbol', Symbol('x')],
    ['an instance of Promise', Promise.resolve()],
  ])('of %s is none', (said, value) => {
    expect(() => copyData([value])).toThrow(said);
    expect(keyOfData([value])).toBeUndefined();
  });

  it('of what refers to itself is none', () => {
    const circle: unknown[] = [];
    circle.push(circle);
    expect(() => copyData(circle)).toThrow('refers to itself');
    expect(keyOfData(circle)).toBeUndefined();
  });

  it('keeps a key that would change its prototype', () => {
    const value = JSON.parse('{"__proto__": {"polluted": true}}') as object;
    const copy = copyData(value).value as { polluted?: boolean };
    expect(copy.polluted).toBeUndefined();
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"polluted":true}}');
  });
});

describe('a key', () => {
  it('is the same for equal data, whatever the order of the keys', () => {
    fc.assert(
      fc.property(data, (value) => {
        const key = keyOfData(value);
        expect(key).toBeDefined();
        expect(keyOfData(copyData(value).value)).toBe(key);
        expect(keyOfData(reversed(value))).toBe(key);
      }),
    );
  });

  it('differs for different data', () => {
    const json = fc.jsonValue();
    fc.assert(
      fc.property(json, json, (a, b) => {
        const isSame = JSON.stringify(reversed(reversed(a))) === JSON.stringify(b);
        if (keyOfData(a) === keyOfData(b)) expect(a).toEqual(b);
        else expect(isSame && !JSON.stringify([a, b]).includes('0')).toBe(false);
      }),
    );
    const alike = [
      undefined,
      null,
      0,
      -0,
      '0',
      0n,
      '0n',
      Number.NaN,
      'NaN',
      [],
      {},
      [[]],
      [undefined],
      { a: undefined },
      ['a', undefined],
      new Date(0),
      'Date(0)',
      new Set(['a']),
      new Set([['a']]),
      new Map([['a', 1]]),
      { a: 1 },
      new Uint8Array([1]),
      new Int8Array([1]),
      [1],
      '[1,]',
    ];
    expect(new Set(alike.map((value) => keyOfData(value))).size).toBe(alike.length);
  });
});
