import { afterEach, describe, expect, it } from 'vitest';
import { type SummaryOptions, summary } from '../../../lib/agents/built-in/summary/index.js';
import { type AnswerFunction, createTestYard, scriptedModel } from '../../../lib/testing/index.js';
import type { Yard } from '../../../lib/yard.js';
import { LONE_SURROGATE, NUL } from './support.js';

const open: Yard[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((yard) => yard.close()));
});

async function setUp(answers: AnswerFunction, options: SummaryOptions = {}, contextTokens = 100_000) {
  const model = scriptedModel({ answers, contextTokens });
  const yard = await createTestYard({ models: { m: model } });
  open.push(yard);
  return { model, yard, agent: summary(options) };
}

/** Keeps the marks of a text, in its order. */
const marks: AnswerFunction = ({ lastMessage }) => (lastMessage.match(/FACT\d+/g) ?? ['nothing']).join(' ');
const longText = (facts: number) =>
  Array.from({ length: facts }, (_, at) => `FACT${at} came first. ${'Then came other things. '.repeat(14)}`).join(
    '\n\n',
  );

it('sums up a short text in one call, and streams it', async () => {
  const { yard, agent, model } = await setUp(() => ' The cat sat. ', { words: 30 });
  const parts: string[] = [];
  const output = await yard.run(
    agent,
    { text: 'A cat sat on a mat.', words: 10 },
    { onPart: (part) => parts.push(part) },
  );
  expect(output).toEqual({ summary: 'The cat sat.', isComplete: true, parts: 1, rounds: 1 });
  expect(parts.join('')).toBe('The cat sat.');
  expect(model.requests[0]!.lastMessage).toMatch(/^A cat sat on a mat\.[\s\S]*at most 10 words/);
});

it('leaves out whole sentences beyond the words that were asked for, and does not show them either', async () => {
  const { yard, agent } = await setUp(() => 'One two three. Four five six. Seven eight nine. Ten.');
  const parts: string[] = [];
  const output = await yard.run(agent, { text: 'Some text.', words: 7 }, { onPart: (part) => parts.push(part) });
  expect(output).toMatchObject({ summary: 'One two three. Four five six.', isComplete: false });
  expect(parts.join('')).toBe(output.summary);
});

it('sums up a long text part by part, at the same time, in its order', async () => {
  const { yard, agent, model } = await setUp(
    (request) => ({ text: marks(request) as string, latencyMs: request.call % 5 }),
    { chunkTokens: 400 },
  );
  const progress: [number, number][] = [];
  const {
    summary: text,
    parts,
    rounds,
    isComplete,
  } = await yard.run(agent, { text: longText(24) }, { onProgress: ({ done, total }) => progress.push([done, total!]) });
  expect(text).toBe(Array.from({ length: 24 }, (_, at) => `FACT${at}`).join(' '));
  expect({ rounds, isComplete }).toEqual({ rounds: 2, isComplete: true });
  expect(parts).toBeGreaterThanOrEqual(8);
  expect(model.calls).toBe(parts + 1);
  expect(model.runningMax).toBeGreaterThan(1);
  expect(progress.at(-1)).toEqual([parts + 1, parts + 1]);
});

it('goes on in rounds until the summaries fit', async () => {
  const { yard, agent } = await setUp(
    ({ lastMessage }) => `${marks.length}${(lastMessage.match(/FACT\d+/g) ?? []).join(' ')} ${'and so on '.repeat(20)}`,
    { chunkTokens: 128 },
  );
  const { rounds, parts } = await yard.run(agent, { text: longText(60) });
  expect(rounds).toBeGreaterThan(2);
  expect(parts).toBeGreaterThan(60);
});

it('ends even when the model only repeats the text', async () => {
  const { yard, agent } = await setUp(({ lastMessage }) => lastMessage.replace(/\s/g, '_'), { chunkTokens: 128 });
  const { isComplete, summary: text } = await yard.run(agent, { text: longText(12) });
  expect(isComplete).toBe(false);
  expect(text.length).toBeGreaterThan(0);
});

it('halves what is longer than the context of the model', async () => {
  const { yard, agent, model } = await setUp(marks, { chunkTokens: 4_000 }, 250);
  const { summary: text } = await yard.run(agent, { text: longText(9) });
  expect(text).toBe(Array.from({ length: 9 }, (_, at) => `FACT${at}`).join(' '));
  expect(model.calls).toBeGreaterThan(3);
});

describe('answers that are none', () => {
  it('are asked for again, once', async () => {
    const { yard, agent, model } = await setUp(({ call }) => (call === 1 ? '  ' : 'Fine.'));
    await expect(yard.run(agent, { text: 'Some text.' })).resolves.toMatchObject({ summary: 'Fine.' });
    expect(model.requests[1]!.options!.temperature).toBeGreaterThan(0);
  });

  it('end typed when they stay so: a part is never left out silently', async () => {
    const { yard, agent } = await setUp(({ lastMessage }) => (lastMessage.includes('FACT3') ? '' : 'Fine.'), {
      chunkTokens: 400,
    });
    await expect(yard.run(agent, { text: longText(8) })).rejects.toMatchObject({ code: 'AY_INVALID_OUTPUT' });
  });

  it('are said to be cut off, and lose the sentence without an end', async () => {
    const { yard, agent, model } = await setUp(
      ({ lastMessage }) =>
        lastMessage.includes('part of') ? { text: 'One is done. Two is not', finishReason: 'length' } : 'All.',
      { chunkTokens: 400 },
    );
    await expect(yard.run(agent, { text: longText(8) })).resolves.toMatchObject({ summary: 'All.', isComplete: false });
    expect(model.requests.at(-1)!.lastMessage).not.toContain('Two is not');
  });
});

it('is done once for equal calls', async () => {
  const { yard, agent, model } = await setUp(() => 'Fine.');
  await Promise.all([1, 2, 3].map(() => yard.run(agent, { text: 'Some text.' })));
  expect(model.calls).toBe(1);
});

it.each([[''], ['\t '], [NUL], [LONE_SURROGATE], ['x'.repeat(1_000_001)]])(
  'refuses what is no text, or too much: %#',
  async (text) => {
    const { yard, agent, model } = await setUp(() => 'Fine.');
    await expect(yard.run(agent, { text })).rejects.toMatchObject({ code: 'AY_INVALID_INPUT' });
    expect(model.calls).toBe(0);
  },
);

it('refuses wrong options by name', () => {
  expect(() => summary({ words: 0 })).toThrow(/"words"/);
  expect(() => summary({ chunkTokens: 10 })).toThrow(/"chunkTokens"/);
});
