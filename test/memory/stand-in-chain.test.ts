import { describe, expect, it } from 'vitest';
import { buildChain, type Chain, CONTROL_TOKENS } from '../../lib/memory/stand-in-chain.js';
import { OPENING, TOPICS } from '../../lib/memory/stand-in-corpus.js';
import { cutIntoChunks, learnPieces, splitUnits } from '../../lib/memory/stand-in-vocabulary.js';

describe('units', () => {
  it('are words with the mark of a space, and punctuation', () => {
    expect(splitUnits('Start it, with --model in Node.js.')).toEqual([
      '▁Start',
      '▁it',
      ',',
      '▁with',
      '▁--model',
      '▁in',
      '▁Node.js',
      '.',
    ]);
  });
});

describe('pieces', () => {
  it('are the pairs that occur most, first in the alphabet among equals, until each unit is one', () => {
    // ab occurs three times, then abc twice.
    expect(learnPieces(['abc', 'abc', 'ab'])).toEqual(['ab', 'abc']);
    expect(learnPieces(['xy', 'ab'])).toEqual(['ab', 'xy']);
  });

  it('are listed once though two pairs spell the same', () => {
    const pieces = learnPieces(['aab', 'aab', 'aa', 'ab', 'ab', 'ab']);
    expect(new Set(pieces).size).toBe(pieces.length);
  });
});

describe('chunks', () => {
  it('grow to the right until they are new, and to the left at the end of a sentence', () => {
    const taken = new Set<string>();
    expect(cutIntoChunks('The task waits.', taken)).toEqual(['▁The', '▁task', '▁waits', '.']);
    expect(cutIntoChunks('The task ends.', taken)).toEqual(['▁The▁task', '▁ends.']);
    expect(() =>
      cutIntoChunks('The task waits.', new Set(['▁The', '▁The▁task', '▁The▁task▁waits', '▁The▁task▁waits.'])),
    ).toThrow('twice');
  });

  it('spell the sentence, and no two places of the corpus share one', () => {
    const taken = new Set<string>();
    let count = 0;
    for (const sentence of [OPENING, ...TOPICS.flat()]) {
      const chunks = cutIntoChunks(sentence, taken);
      count += chunks.length;
      expect(chunks.join('').replaceAll('▁', ' ').trim()).toBe(sentence);
    }
    expect(taken.size).toBe(count);
  });
});

describe('the chain', () => {
  const chain = buildChain(OPENING, TOPICS);
  const idOf = new Map(chain.tokens.map((token, id) => [token.text, id]));

  it('has one token for each text, as the engine requires', () => {
    expect(idOf.size).toBe(chain.tokens.length);
  });

  it('has a follower in every state', () => {
    expect(chain.followers.filter((followers) => followers.length === 0)).toEqual([]);
  });

  it('reaches the end greedily from every token, without saying anything twice', () => {
    for (let id = 0; id < chain.tokens.length; id++) {
      const said = walk(chain, id);
      expect(said.at(-1)).toBe(CONTROL_TOKENS.turnEnd);
      expect(new Set(said).size).toBe(said.length);
    }
  });

  it('says the opening and the first topic after a newline, in 30 to 120 tokens', () => {
    const said = walk(chain, idOf.get('<0x0A>')!);
    const text = said.slice(0, -1).map((id) => chain.tokens[id]!.text);
    expect(text.join('').replaceAll('▁', ' ')).toBe([OPENING, ...TOPICS[0]!].join(' '));
    expect(said.length).toBeGreaterThanOrEqual(30);
    expect(said.length).toBeLessThanOrEqual(120);
  });

  it('goes on where a word of the corpus stands, with its topic', () => {
    const first = chain.tokens[walk(chain, idOf.get('▁Benchmarks')!)[0]!]!.text;
    expect(first.startsWith('▁start')).toBe(true);
    const topic = chain.tokens[walk(chain, idOf.get('▁network')!)[0]!]!.text;
    expect(topic).toContain('▁By');
  });
});

/** Ids that greedy decoding gives after `id`. */
function walk(chain: Chain, id: number): number[] {
  const said: number[] = [];
  for (let at = id; said.length < 1_000; ) {
    const followers = chain.followers[chain.tokens[at]!.state]!;
    at = followers.reduce((best, follower) => (follower.penalty < best.penalty ? follower : best)).token;
    said.push(at);
    if (at === CONTROL_TOKENS.turnEnd) break;
  }
  return said;
}
