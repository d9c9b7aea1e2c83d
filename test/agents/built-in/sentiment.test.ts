import { afterEach, describe, expect, it } from 'vitest';
import { sentiment } from '../../../lib/agents/built-in/index.js';
import { BUILT_IN_EXAMPLES } from '../../../lib/agents/built-in/sentiment/examples.js';
import { InvalidAgentError, InvalidInputError } from '../../../lib/base/agent-errors.js';
import { closeYards, NUL, openEmbeddingYard } from './support.js';

afterEach(closeYards);

const examples = {
  positive: ['a wonderful day', 'wonderful and lovely', 'such a lovely day'],
  negative: ['a terrible day', 'terrible and nasty', 'such a nasty day'],
};

describe('sentiment', () => {
  it('gives a score whose sign is the tone, in the order of the texts', async () => {
    const { yard } = await openEmbeddingYard();
    const { results } = await yard.run(sentiment({ examples }), {
      texts: ['lovely wonderful', 'nasty terrible', 'day'],
    });
    const [good, bad, flat] = results;
    expect(good!.label).toBe('positive');
    expect(good!.score).toBeGreaterThan(0.25);
    expect(bad!.label).toBe('negative');
    expect(bad!.score).toBeLessThan(-0.25);
    expect(flat!.label).toBe('neutral');
    for (const { score } of results) expect(Math.abs(score)).toBeLessThanOrEqual(1);
  });

  it('calls nothing neutral when it is told so', async () => {
    const { yard } = await openEmbeddingYard();
    const { results } = await yard.run(sentiment({ examples, neutralBelow: 0 }), { texts: ['zebra', 'day', 'lovely'] });
    expect(results.every(({ label, score }) => label === (score >= 0 ? 'positive' : 'negative'))).toBe(true);
  });

  it('works without examples of its user', async () => {
    const { yard } = await openEmbeddingYard();
    const texts = [BUILT_IN_EXAMPLES.positive[0]!, BUILT_IN_EXAMPLES.negative[0]!, BUILT_IN_EXAMPLES.neutral![0]!];
    const { results } = await yard.run(sentiment(), { texts });
    expect(results[0]!.score).toBeGreaterThan(results[2]!.score);
    expect(results[1]!.score).toBeLessThan(results[2]!.score);
  });

  it('has examples of the same number for each tone, none twice', () => {
    const { positive, negative, neutral } = BUILT_IN_EXAMPLES;
    expect(new Set([positive.length, negative.length, neutral!.length]).size).toBe(1);
    const all = [...positive, ...negative, ...neutral!];
    expect(new Set(all).size).toBe(all.length);
  });

  it('refuses what is no text, and examples that are too few', async () => {
    const { yard } = await openEmbeddingYard();
    await expect(yard.run(sentiment(), { texts: NUL })).rejects.toBeInstanceOf(InvalidInputError);
    expect(() => sentiment({ examples: { positive: ['a'], negative: ['b', 'c'] } })).toThrow(InvalidAgentError);
  });
});
