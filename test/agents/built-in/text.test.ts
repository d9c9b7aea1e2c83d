/** The pure helpers of the agents that embed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Breather } from '../../../lib/agents/built-in/text/breather.js';
import { chunksOf } from '../../../lib/agents/built-in/text/chunk.js';
import { diversify } from '../../../lib/agents/built-in/text/diversify.js';
import { minimise } from '../../../lib/agents/built-in/text/minimise.js';
import { searchTermsOf } from '../../../lib/agents/built-in/text/search-terms.js';
import { sentencesOf, wordsOf } from '../../../lib/agents/built-in/text/segment.js';
import {
  fitSoftmax,
  type LabelledVectors,
  learnSoftmax,
  predictSoftmax,
  STRENGTHS,
} from '../../../lib/agents/built-in/text/softmax-regression.js';
import { centroid, dot, indicesOfLargest, softmax, toUnit } from '../../../lib/agents/built-in/text/vectors.js';
import { Random } from '../../../lib/base/random.js';

const breather = () => new Breather(new AbortController().signal);

describe('vectors', () => {
  it('have length 1 as units, and zero stays zero', () => {
    expect([...toUnit(Float32Array.of(3, 4))]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
    expect([...toUnit(new Float32Array(2))]).toEqual([0, 0]);
  });

  it('of different models are not compared', () => {
    expect(() => dot(new Float32Array(3), new Float32Array(4))).toThrow(/different embedding models/);
    expect(() => centroid([new Float32Array(3), new Float32Array(4)])).toThrow(/different embedding models/);
    expect(() => centroid([])).toThrow(RangeError);
  });

  it('give probabilities for any finite scores', () => {
    expect(softmax([1_000, 1_000])).toEqual([0.5, 0.5]);
    expect(softmax([-1_000, 0])[1]).toBe(1);
  });

  it('are ranked with equal ones in their order', () => {
    expect(indicesOfLargest([1, 3, 3, 2], 3)).toEqual([1, 2, 3]);
  });
});

describe('minimise', () => {
  it('finds the minimum of a narrow valley', async () => {
    const point = Float64Array.of(-1, 2, 5);
    const scales = [1, 100, 10_000];
    const steps = await minimise(
      point,
      async (at, gradient) => {
        let value = 0;
        for (const [i, scale] of scales.entries()) {
          const distance = at[i]! - i;
          value += (scale * distance * distance) / 2;
          gradient[i] = scale * distance;
        }
        return value;
      },
      { tolerance: 1e-6, maxIterations: 100 },
    );
    expect(steps).toBeLessThan(40);
    for (const [i, found] of point.entries()) expect(found).toBeCloseTo(i, 5);
  });
});

/** Clouds around one corner of the space for each label. */
function clouds(seed: number, labelCount: number, each: number, noise: number): LabelledVectors {
  const random = new Random(seed);
  const vectors: Float32Array[] = [];
  const labels: number[] = [];
  for (let label = 0; label < labelCount; label++) {
    for (let i = 0; i < each; i++) {
      const vector = Float32Array.from(
        { length: 8 },
        (_, at) => (at === label ? 1 : 0) + noise * (random.next() - 0.5),
      );
      vectors.push(toUnit(vector));
      labels.push(label);
    }
  }
  return { vectors, labels, labelCount };
}

describe('softmax regression', () => {
  const labelOf = (probabilities: Float64Array) => indicesOfLargest(probabilities, 1)[0];

  it('ends where the gradient is zero: the residuals of each label sum to nothing and their moments to W / C', async () => {
    const data = clouds(1, 3, 6, 1);
    const strength = 5;
    const model = await fitSoftmax(data, strength, breather(), undefined, 1e-8);
    const { dimensions, weights } = model;
    for (let label = 0; label < 3; label++) {
      let residual = 0;
      const moments = new Float64Array(dimensions);
      for (const [i, vector] of data.vectors.entries()) {
        const error = (data.labels[i] === label ? 1 : 0) - predictSoftmax(model, vector)[label]!;
        residual += error;
        for (let at = 0; at < dimensions; at++) moments[at]! += error * vector[at]!;
      }
      expect(residual).toBeCloseTo(0, 5);
      for (const [at, moment] of moments.entries())
        expect(moment).toBeCloseTo(weights[label * dimensions + at]! / strength, 5);
    }
  });

  it('tells clouds apart that it has not seen', async () => {
    const { model } = await learnSoftmax(clouds(2, 4, 10, 0.8), breather());
    const unseen = clouds(3, 4, 50, 0.8);
    const right = unseen.vectors.filter((vector, i) => labelOf(predictSoftmax(model, vector)) === unseen.labels[i]);
    expect(right.length / unseen.vectors.length).toBeGreaterThan(0.95);
  });

  it('trusts clean examples more than noisy ones', async () => {
    const data = clouds(4, 3, 60, 2);
    const clean = await learnSoftmax(clouds(4, 3, 60, 0.1), breather());
    const random = new Random(5);
    const noisy = await learnSoftmax({ ...data, labels: data.labels.map(() => random.below(3)) }, breather());
    expect(clean.strength).toBe(STRENGTHS.at(-1));
    expect(noisy.strength).toBe(STRENGTHS[0]);
  });

  it('gives probabilities, the same for the same examples', async () => {
    const data = clouds(6, 3, 5, 1);
    const [one, other] = [await learnSoftmax(data, breather()), await learnSoftmax(data, breather())];
    expect(one).toEqual(other);
    for (const vector of data.vectors) {
      const probabilities = predictSoftmax(one.model, vector);
      expect(probabilities.reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 12);
    }
  });

  it('refuses a vector of another model', async () => {
    const { model } = await learnSoftmax(clouds(7, 2, 3, 1), breather());
    expect(() => predictSoftmax(model, new Float32Array(9))).toThrow(/different embedding models/);
  });

  it('leaves the event loop free, and ends with its signal', async () => {
    const controller = new AbortController();
    // Heard only if the loop turns while it learns.
    setImmediate(() => controller.abort(new Error('gone')));
    await expect(learnSoftmax(clouds(8, 8, 200, 2), new Breather(controller.signal))).rejects.toThrow('gone');
  });
});

describe('words and sentences', () => {
  it('are those of the language', () => {
    expect(wordsOf('Card #42: don’t pay!')).toEqual(['card', '42', 'don’t', 'pay']);
    expect(wordsOf('银行卡')).not.toEqual([]);
  });

  it('do not end at an abbreviation', () => {
    expect(sentencesOf('Ask Dr. Li. See e.g. Page 3. Then go.').map((text) => text.trim())).toEqual([
      'Ask Dr. Li.',
      'See e.g. Page 3.',
      'Then go.',
    ]);
  });

  it('are the text when they are joined', () => {
    fc.assert(fc.property(fc.string(), (text) => sentencesOf(text).join('') === text));
  });
});

describe('chunks', () => {
  const options = { charactersMax: 80, overlapCharacters: 0 };

  it('follow the headings, and code is no heading', () => {
    const text = '# A\nOne.\n## B\nTwo.\n```sh\n# not a heading\n```\n# C\n### D\nThree.';
    expect(chunksOf(text, options)).toEqual([
      { section: ['A'], text: 'One.' },
      { section: ['A', 'B'], text: 'Two.\n```sh\n# not a heading\n```' },
      { section: ['C', 'D'], text: 'Three.' },
    ]);
  });

  it('are whole sentences, and neighbours share what fits into the overlap', () => {
    const text = 'The first sentence is here. The second one is short. The third sentence ends it all for good.';
    const chunks = chunksOf(text, { charactersMax: 60, overlapCharacters: 30 }).map((chunk) => chunk.text);
    expect(chunks).toEqual([
      'The first sentence is here. The second one is short.',
      // The second would not have left room for the third.
      'The third sentence ends it all for good.',
    ]);
    const roomy = chunksOf(text, { charactersMax: 72, overlapCharacters: 30 }).map((chunk) => chunk.text);
    expect(roomy[1]).toBe('The second one is short. The third sentence ends it all for good.');
  });

  const words = fc.array(
    fc.oneof(
      fc.constantFrom(
        'word ',
        'end. ',
        '\n\n',
        '\n',
        '- item\n',
        '| a | b |\n',
        '```\n',
        '  ',
        'x'.repeat(70),
        '😀'.repeat(40),
      ),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
    ),
    { maxLength: 60 },
  );

  it('hold everything in order, none too long and none empty', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 50, max: 120 }), (parts, charactersMax) => {
        // Without headings, which are named by the section.
        const text = parts.join('').replaceAll('#', '');
        const chunks = chunksOf(text, { charactersMax, overlapCharacters: 0 });
        const bare = (one: string) => one.replace(/\s/gu, '');
        expect(chunks.map((chunk) => bare(chunk.text)).join('')).toBe(bare(text));
        for (const chunk of chunks) {
          expect(chunk.text.length).toBeLessThanOrEqual(charactersMax);
          expect(chunk.text.trim()).not.toBe('');
        }
      }),
    );
  });

  it('are not too long with an overlap either, and cut no character in two', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 50, max: 120 }), fc.nat(49), (parts, charactersMax, overlapCharacters) => {
        const text = parts.join('');
        fc.pre(!/\p{Cs}/u.test(text));
        for (const chunk of chunksOf(text, { charactersMax, overlapCharacters })) {
          expect(chunk.text.length).toBeLessThanOrEqual(charactersMax);
          expect(chunk.text).not.toMatch(/\p{Cs}/u);
        }
      }),
    );
  });
});

describe('search terms', () => {
  it('are what a question is about', () => {
    expect(searchTermsOf('How do I cancel queries of the buses?')).toEqual(['cancel', 'query', 'buse']);
    expect(searchTermsOf('Who am I?')).toEqual([]);
  });

  it('are the same for one and many', () => {
    for (const [one, many] of [
      ['policy', 'policies'],
      ['slot', 'slots'],
      ['lease', 'leases'],
      ['class', 'class'],
    ]) {
      expect(searchTermsOf(many!)).toEqual(searchTermsOf(one!));
    }
  });
});

describe('maximal marginal relevance', () => {
  // 0 and 1 are twins, 2 is something else.
  const similarity = (a: number, b: number) => (a + b === 1 ? 0.99 : 0.1);

  it('is the order of relevance without a wish for diversity', () => {
    expect(diversify([0.9, 0.89, 0.5], similarity, 3, 0)).toEqual([0, 1, 2]);
  });

  it('passes over a twin', () => {
    expect(diversify([0.9, 0.89, 0.5], similarity, 2, 0.5)).toEqual([0, 2]);
  });

  it('picks each once and no more than there are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 20 }),
        fc.nat(30),
        (relevance, count) => {
          const picked = diversify(relevance, () => 0.5, count, 0.3);
          expect(picked).toHaveLength(Math.min(count, relevance.length));
          expect(new Set(picked).size).toBe(picked.length);
        },
      ),
    );
  });
});
