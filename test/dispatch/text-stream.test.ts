import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextStream } from '../../lib/dispatch/engine/text-stream.js';

/** A tokenizer whose tokens are the bytes of UTF-8. */
const fromBytes = (tokens: readonly number[]) => Buffer.from(tokens).toString('utf8');
const bytesOf = (text: string) => [...Buffer.from(text, 'utf8')];

function play(text: string, stops: string[] = []): { parts: string[]; whole: string; stopped: boolean } {
  const stream = new TextStream(fromBytes, stops, []);
  const parts: string[] = [];
  for (const byte of bytesOf(text)) {
    parts.push(stream.push(byte));
    if (stream.isStopped) break;
  }
  parts.push(stream.finish());
  return { parts, whole: parts.join(''), stopped: stream.isStopped };
}

describe('a text stream', () => {
  it('gives out whole characters only', () => {
    const { parts, whole } = play('é€😀!');
    expect(whole).toBe('é€😀!');
    expect(parts.filter((part) => part.includes('\uFFFD'))).toEqual([]);
  });

  it('gives out whole characters also when tokens end one and begin the next', () => {
    // Three bytes each, cut in twos: no token but the last ends where a character does.
    const bytes = bytesOf('日本語です');
    const stream = new TextStream((tokens) => fromBytes(tokens.flatMap((at) => bytes.slice(at, at + 2))), [], []);
    const parts: string[] = [];
    for (let at = 0; at < bytes.length; at += 2) parts.push(stream.push(at));
    parts.push(stream.finish());
    expect(parts.join('')).toBe('日本語です');
    expect(parts.filter((part) => part !== '')).toEqual(['日', '本', '語', 'で', 'す']);
  });

  it('does not wait for ever for bytes that are no character', () => {
    const stream = new TextStream(fromBytes, [], []);
    const parts = [0xff, 0xff, 0xff, 0xff, 0x41].map((byte) => stream.push(byte));
    expect(parts.join('') + stream.finish()).toMatch(/^\uFFFD+A$/);
  });

  it('ends before a stop text that comes in pieces, and never shows its beginning', () => {
    const { parts, whole, stopped } = play('one END two', ['END']);
    expect(whole).toBe('one ');
    expect(stopped).toBe(true);
    expect(parts.some((part) => part.includes('E'))).toBe(false);
  });

  it('gives out what only looked like a stop text', () => {
    expect(play('one EN two', ['END']).whole).toBe('one EN two');
    expect(play('one EN', ['END']).whole).toBe('one EN');
    expect(play('aab', ['ab']).whole).toBe('a');
  });

  it('takes the earliest of several stop texts', () => {
    expect(play('abcdef', ['ef', 'cd']).whole).toBe('ab');
  });

  it('tells the tokenizer what came before, so that spaces are right', () => {
    const seen: (readonly number[])[] = [];
    const stream = new TextStream(
      (tokens, before) => {
        seen.push([...before]);
        return fromBytes(tokens);
      },
      [],
      [1, 2, 3, 4],
    );
    for (const byte of bytesOf('ab')) stream.push(byte);
    expect(seen).toEqual([
      [2, 3, 4],
      [3, 4, 97],
    ]);
  });
});

it('gives out exactly the text whatever its tokens are', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), cuts, (text, lengths) => {
      const bytes = bytesOf(text);
      const tokens: number[][] = [];
      for (let at = 0, i = 0; at < bytes.length; at += lengths[i % lengths.length]!, i++) {
        tokens.push(bytes.slice(at, at + lengths[i % lengths.length]!));
      }
      const stream = new TextStream((ids) => fromBytes(ids.flatMap((id) => tokens[id]!)), [], []);
      const parts = tokens.map((_, id) => stream.push(id));
      expect(parts.join('') + stream.finish()).toBe(text);
    }),
  );
});

it('gives out exactly the text up to the first stop text, whatever the text', () => {
  const alphabet = fc.constantFrom('a', 'b', 'é', '😀', ' ');
  const word = fc.array(alphabet, { maxLength: 30 }).map((letters) => letters.join(''));
  const stop = fc.array(alphabet, { minLength: 1, maxLength: 4 }).map((letters) => letters.join(''));
  fc.assert(
    fc.property(word, fc.array(stop, { maxLength: 3 }), (text, stops) => {
      // The first stop text is the one that is complete first.
      const ends = stops.map((one) => ({ at: text.indexOf(one), one })).filter(({ at }) => at >= 0);
      const firstEnd = Math.min(...ends.map(({ at, one }) => at + one.length));
      const complete = ends.filter(({ at, one }) => at + one.length === firstEnd);
      const expected = complete.length === 0 ? text : text.slice(0, Math.min(...complete.map(({ at }) => at)));
      expect(play(text, stops).whole).toBe(expected);
    }),
  );
});
