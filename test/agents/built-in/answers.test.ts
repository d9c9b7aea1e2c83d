import { afterEach, describe, expect, it } from 'vitest';
import { readCitations } from '../../../lib/agents/built-in/answers/citations.js';
import { NOT_IN_PASSAGES } from '../../../lib/agents/built-in/answers/prompt.js';
import { answers, preparationOf, retrieval } from '../../../lib/agents/built-in/index.js';
import { InvalidAgentError, InvalidInputError } from '../../../lib/base/agent-errors.js';
import { closeYards, LONE_SURROGATE, NUL, openEmbeddingYard } from './support.js';

afterEach(closeYards);

const documents = [
  {
    id: 'garden.md',
    text: '# Garden\nTomatoes need water every morning.\n\n## Roses\nRoses are cut in March, above an eye.\n\n## Soil\nCompost feeds the soil.',
  },
  {
    id: 'kitchen.md',
    title: 'The kitchen',
    text: 'Bread is baked at 230 degrees. The option CRUST_9000 makes it dark.',
  },
];

describe('retrieval', () => {
  it('finds the section that answers, and says where it stands', async () => {
    const { yard } = await openEmbeddingYard();
    const { passages } = await yard.run(retrieval({ documents }), { question: 'When are roses cut?' });
    expect(passages[0]).toMatchObject({
      document: 'garden.md',
      title: 'Garden',
      section: 'Garden › Roses',
      text: 'Roses are cut in March, above an eye.',
    });
    expect(passages[0]!.score).toBeLessThanOrEqual(1);
    for (const [i, { score }] of passages.entries()) expect(score).toBeLessThanOrEqual(passages[i - 1]?.score ?? 1);
  });

  it('finds a name that only the words know', async () => {
    const { yard } = await openEmbeddingYard();
    const agent = retrieval({ documents, minSimilarity: 0.99 });
    const { passages } = await yard.run(agent, { question: 'CRUST_9000' });
    expect(passages.map(({ document }) => document)).toEqual(['kitchen.md']);
  });

  it('gives nothing when nothing is relevant', async () => {
    const { yard } = await openEmbeddingYard();
    expect(await yard.run(retrieval({ documents }), { question: 'Who won the chess olympiad?' })).toEqual({
      passages: [],
    });
  });

  it('gives each section once, and no more than wanted', async () => {
    const { yard } = await openEmbeddingYard();
    const text = Array.from(
      { length: 12 },
      (_, i) => `## Part ${i}\nWater number ${i} is cold. ${'Water flows. '.repeat(20)}`,
    );
    const agent = retrieval({ documents: [{ id: 'w', text: text.join('\n') }], count: 4, passageCharacters: 120 });
    const { passages } = await yard.run(agent, { question: 'cold water' });
    expect(passages).toHaveLength(4);
    expect(new Set(passages.map(({ section }) => section)).size).toBe(4);
  });

  it('embeds its documents once', async () => {
    const { yard, embedder } = await openEmbeddingYard();
    const agent = retrieval({ documents });
    await yard.run(preparationOf(agent)!, {});
    const before = embedder.calls;
    await Promise.all(['roses', 'bread', 'soil'].map((question) => yard.run(agent, { question })));
    expect(embedder.calls).toBe(before + 3);
  });

  it('searches documents of a caller when it has none', async () => {
    const { yard } = await openEmbeddingYard();
    const { passages } = await yard.run(retrieval(), { question: 'bread degrees', documents });
    expect(passages[0]!.document).toBe('kitchen.md');
  });
});

describe('answers', () => {
  it('come from the passages, in parts, with the sources that they cite', async () => {
    const { yard, model } = await openEmbeddingYard(() => 'In March [1], perhaps [9].');
    const parts: string[] = [];
    const output = await yard.run(
      answers({ documents }),
      { question: 'When are roses cut?' },
      { onPart: (part) => parts.push(part) },
    );
    expect(output).toMatchObject({ found: true, answer: 'In March [1], perhaps.', isComplete: true });
    expect(output.sources[0]).toMatchObject({ number: 1, cited: true, section: 'Garden › Roses' });
    expect(output.sources.slice(1).every(({ cited }) => !cited)).toBe(true);
    expect(parts.join('')).toBe('In March [1], perhaps [9].');
    const asked = model.requests[0]!;
    expect(asked.lastMessage).toContain('[1] Garden, Garden › Roses\nRoses are cut in March');
    expect(asked.options?.temperature).toBe(0);
  });

  it('report progress that grows to its end, also when a caller brings the documents', async () => {
    const { yard } = await openEmbeddingYard(() => 'In March [1].');
    const seen: number[][] = [];
    await yard.run(
      answers(),
      { question: 'When are roses cut?', documents },
      { onProgress: ({ done, total }) => seen.push([done, total!]) },
    );
    expect(seen).toEqual([
      [4, 6],
      [5, 6],
      [6, 6],
    ]);
  });

  it('ask no model when nothing is relevant', async () => {
    const { yard, model } = await openEmbeddingYard();
    const output = await yard.run(answers({ documents, notFound: 'Sorry.' }), {
      question: 'Who won the chess olympiad?',
    });
    expect(output).toEqual({ found: false, answer: 'Sorry.', isComplete: true, sources: [] });
    expect(model.calls).toBe(0);
  });

  it('say so when the model finds nothing in the passages', async () => {
    const { yard } = await openEmbeddingYard(() => `${NOT_IN_PASSAGES}.`);
    const output = await yard.run(answers({ documents, notFound: 'Sorry.' }), { question: 'Why are roses cut?' });
    expect(output).toMatchObject({ found: false, answer: 'Sorry.' });
    expect(output.sources.length).toBeGreaterThan(0);
    expect(output.sources.some(({ cited }) => cited)).toBe(false);
  });

  it('say when the limit of tokens cut them off', async () => {
    const { yard } = await openEmbeddingYard(() => 'one two three four five six');
    const output = await yard.run(answers({ documents, maxTokens: 3 }), { question: 'roses' });
    expect(output).toMatchObject({ found: true, isComplete: false });
  });

  it('show the model no more than the limit, whole passages only', async () => {
    const { yard } = await openEmbeddingYard(() => 'So it is.');
    const text = Array.from({ length: 8 }, (_, i) => `# P${i}\n${`water ${i} `.repeat(12)}`).join('\n');
    const agent = answers({ documents: [{ id: 'w', text }], passageCharacters: 100, contextCharacters: 250 });
    const { sources } = await yard.run(agent, { question: 'water' });
    expect(sources).toHaveLength(2);
    expect(sources.reduce((sum, source) => sum + source.text.length, 0)).toBeLessThanOrEqual(250);
  });
});

describe('citations', () => {
  it('of passages that do not exist are taken out', () => {
    expect(readCitations('A [1]. B [2, 7]. C [8]. D [x].', 3)).toEqual({
      text: 'A [1]. B [2]. C. D [x].',
      cited: [1, 2],
    });
  });
});

describe('bad documents', () => {
  it.each([
    ['empty', [{ id: 'a', text: ' ' }], 'documents.0.text'],
    ['binary', [{ id: 'a', text: NUL }], 'documents.0.text'],
    ['half a character', [{ id: 'a', text: LONE_SURROGATE }], 'documents.0.text'],
    ['too large', [{ id: 'a', text: 'x'.repeat(1_000_001) }], 'documents.0.text'],
    ['of one id', [...documents, documents[0]!], 'documents'],
    ['none', [], 'documents'],
  ])('%s: refused when the agent is made, and from a caller', async (_, bad, field) => {
    expect(() => answers({ documents: bad })).toThrow(InvalidAgentError);
    expect(() => answers({ documents: bad })).toThrow(expect.objectContaining({ field }));
    const { yard } = await openEmbeddingYard();
    await expect(yard.run(answers(), { question: 'Why?', documents: bad })).rejects.toBeInstanceOf(InvalidInputError);
  });

  it('are those of nobody, and those of a caller where the agent has its own', async () => {
    const { yard } = await openEmbeddingYard();
    await expect(yard.run(answers(), { question: 'Why?' })).rejects.toMatchObject({ issues: [{ path: 'documents' }] });
    const both = yard.run(answers({ documents }), { question: 'Why?', documents });
    await expect(both).rejects.toMatchObject({ issues: [{ path: 'documents' }] });
  });

  it.each(['', NUL, 'x'.repeat(2_001)])('and bad questions are refused (%#)', async (question) => {
    const { yard } = await openEmbeddingYard();
    await expect(yard.run(answers({ documents }), { question })).rejects.toBeInstanceOf(InvalidInputError);
  });

  it('do not fit where two passages are larger than the context', () => {
    expect(() => answers({ documents, contextCharacters: 1_000, passageCharacters: 600 })).toThrow(/two passages/);
  });
});
