/** The agents that embed on a real engine: with the real embedding model where it is, else with the generated one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classification, recommendation, retrieval, sentiment } from '../../../lib/agents/built-in/index.js';
import { ensureStandInEmbedder } from '../../../lib/memory/index.js';
import { Yard } from '../../../lib/yard.js';
import { requireCompiledEngine } from '../../support/engine.js';
import { MINILM } from '../../support/shared.js';

const folder = mkdtempSync(join(tmpdir(), 'agentyard-embeddings-'));
let yard: Yard;

console.log(
  MINILM === undefined
    ? 'The real embedding model is not here (AGENTYARD_SHARED): the generated stand-in embeds.'
    : 'Embeds: all-MiniLM-L6-v2 Q8_0.',
);

beforeAll(async () => {
  requireCompiledEngine();
  yard = new Yard({ models: { embedder: { path: MINILM ?? (await ensureStandInEmbedder(folder)) } } });
  await yard.ready();
});
afterAll(async () => {
  await yard?.close();
  rmSync(folder, { recursive: true, force: true });
});

it('sorts texts by a few examples', async () => {
  const agent = classification({
    labels: {
      lost_card: ['I lost my card', 'my card is lost or stolen', 'where is my lost card'],
      exchange_rate: ['what is the exchange rate', 'which exchange rates do you use', 'exchange rate for euros'],
      change_pin: ['how do I change my PIN', 'I want another PIN', 'change the PIN number'],
    },
  });
  const { results } = await yard.run(agent, { texts: ['the card got lost', 'rates of exchange', 'a new PIN, please'] });
  expect(results.map(({ label }) => label)).toEqual(['lost_card', 'exchange_rate', 'change_pin']);
});

it('tells the tone without examples of its user', async () => {
  const { results } = await yard.run(sentiment(), {
    texts: ['A brilliant and moving film.', 'The staff were rude and the food was disgusting.'],
  });
  expect(results[0]!.score).toBeGreaterThan(results[1]!.score);
});

it('finds the section that answers', async () => {
  const documents = [
    { id: 'a', text: '# Roses\nRoses are cut in March.\n# Bread\nBread is baked at 230 degrees.' },
    { id: 'b', text: '# Chess\nA pawn that reaches the last rank becomes a queen.' },
  ];
  const { passages } = await yard.run(retrieval({ documents }), { question: 'At how many degrees is bread baked?' });
  expect(passages[0]).toMatchObject({ document: 'a', section: 'Bread' });
});

it('recommends what is like what was liked', async () => {
  const items = ['a storm at sea', 'sailors in a storm', 'bread and butter', 'baking bread'].map((text, i) => ({
    id: `${i}`,
    text,
  }));
  const output = await yard.run(recommendation({ items }), { liked: ['2'], count: 1 });
  expect(output.items[0]!.id).toBe('3');
});

describe('a text that is too long for the model', () => {
  it('is refused with its length, never cut', async () => {
    const agent = classification({ labels: { a: 'roses', b: 'bread' }, charactersMax: 100_000 });
    await expect(yard.run(agent, { texts: 'bread and roses '.repeat(2_000) })).rejects.toMatchObject({
      code: 'AY_PROMPT_TOO_LONG',
    });
  });
});
