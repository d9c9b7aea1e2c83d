import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { classification, preparationOf } from '../../../lib/agents/built-in/index.js';
import { InvalidAgentError, InvalidInputError } from '../../../lib/base/agent-errors.js';
import { closeYards, LONE_SURROGATE, NUL, openEmbeddingYard } from './support.js';

afterEach(closeYards);

const cards = {
  lost: ['my card is lost', 'I lost my card yesterday', 'the card was lost on a train'],
  pin: ['I forgot my pin', 'how do I change the pin', 'my pin does not work'],
  rate: ['what is the exchange rate', 'which exchange rate do I get', 'the rate of euros'],
};

describe('classification by examples', () => {
  it('gives one text its label, with a confidence and the next likely ones', async () => {
    const { yard } = await openEmbeddingYard();
    const { results } = await yard.run(classification({ labels: cards }), { texts: 'the pin is forgotten' });
    expectTypeOf(results[0]!.label).toEqualTypeOf<'lost' | 'pin' | 'rate'>();
    expect(results).toHaveLength(1);
    const { label, confidence, top, decidedBy } = results[0]!;
    expect({ label, decidedBy }).toEqual({ label: 'pin', decidedBy: 'examples' });
    expect(top.map((one) => one.label)).toHaveLength(3);
    expect(top[0]).toEqual({ label, confidence });
    expect(top.reduce((sum, one) => sum + one.confidence, 0)).toBeCloseTo(1, 6);
  });

  it('keeps the order of many texts and reports progress', async () => {
    const { yard } = await openEmbeddingYard();
    const seen: number[] = [];
    const texts = Array.from({ length: 130 }, (_, i) => (i % 2 === 0 ? `lost card ${i}` : `exchange rate ${i}`));
    const { results } = await yard.run(
      classification({ labels: cards }),
      { texts },
      { onProgress: ({ done }) => seen.push(done) },
    );
    expect(results.map(({ label }) => label)).toEqual(texts.map((_, i) => (i % 2 === 0 ? 'lost' : 'rate')));
    expect(seen).toEqual([64, 128, 130]);
  });

  it('learns once, however many calls come at once, in a yard with one slot', async () => {
    const { yard, embedder } = await openEmbeddingYard();
    const agent = classification({ labels: cards });
    await Promise.all(['lost', 'pin', 'rate', 'train'].map((texts) => yard.run(agent, { texts })));
    const examples = Object.values(cards).flat();
    const embedded = embedder.requests.map(({ lastMessage }) => lastMessage);
    for (const example of examples) expect(embedded.filter((text) => text === example)).toHaveLength(1);
  });

  it('can learn ahead', async () => {
    const { yard, embedder } = await openEmbeddingYard();
    const agent = classification({ labels: cards });
    expect(await yard.run(preparationOf(agent)!, {})).toEqual({ learnt: 9 });
    const before = embedder.calls;
    await yard.run(agent, { texts: 'pin' });
    expect(embedder.calls).toBe(before + 1);
  });

  it('learns again after a learning that was cancelled', async () => {
    const { yard } = await openEmbeddingYard();
    const agent = classification({ labels: cards });
    const controller = new AbortController();
    const cancelled = yard.run(agent, { texts: 'pin' }, { signal: controller.signal });
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'AY_CANCELLED' });
    expect((await yard.run(agent, { texts: 'pin' })).results[0]!.label).toBe('pin');
  });

  it('takes the nearest centroid where a label has a single example, and a description where it has none', async () => {
    const { yard } = await openEmbeddingYard();
    const agent = classification({
      labels: { lost: ['my card is lost'], pin: 'the secret pin of a card', exchange_rate: {} },
    });
    const { results } = await yard.run(agent, { texts: ['secret pin', 'card lost', 'rate of exchange'] });
    expect(results.map(({ label }) => label)).toEqual(['pin', 'lost', 'exchange_rate']);
  });
});

describe('classification with a language model', () => {
  const labels = { lost: cards.lost, pin: cards.pin, rate: cards.rate };
  /** Of no label's words. */
  const unclear = 'zebra';

  it('asks it about close texts only, and about the closest labels only', async () => {
    const { yard, model } = await openEmbeddingYard(() => JSON.stringify({ label: 'rate' }));
    const agent = classification({ labels, llm: 'close', closeMargin: 0.3 });
    const { results } = await yard.run(agent, { texts: ['my pin does not work', unclear] });
    expect(results.map(({ label, decidedBy }) => [label, decidedBy])).toEqual([
      ['pin', 'examples'],
      ['rate', 'model'],
    ]);
    expect(model.calls).toBe(1);
    expect(model.requests[0]!.lastMessage).toContain(unclear);
    expect(model.requests[0]!.lastMessage).toContain('- rate');
  });

  it('keeps the answer of the examples when the model gives none', async () => {
    const { yard, model } = await openEmbeddingYard(() => 'no idea');
    const agent = classification({ labels, llm: 'close', closeMargin: 0.3 });
    const { results } = await yard.run(agent, { texts: unclear });
    expect(results[0]!.decidedBy).toBe('examples');
    // Once, and once for the repair.
    expect(model.calls).toBe(2);
  });

  it('is not asked unless it is allowed', async () => {
    const { yard, model } = await openEmbeddingYard();
    await yard.run(classification({ labels }), { texts: unclear });
    expect(model.calls).toBe(0);
  });
});

describe('bad input of classification', () => {
  it.each([
    ['empty', ''],
    ['white space', ' \n '],
    ['NUL', NUL],
    ['a lone surrogate', LONE_SURROGATE],
    ['too long', 'x'.repeat(4_001)],
    ['no texts', []],
  ])('%s is refused before anything runs', async (_, texts) => {
    const { yard, embedder } = await openEmbeddingYard();
    await expect(yard.run(classification({ labels: cards }), { texts })).rejects.toBeInstanceOf(InvalidInputError);
    expect(embedder.calls).toBe(0);
  });

  it('of many texts names the one to blame', async () => {
    const { yard } = await openEmbeddingYard();
    const failed = yard.run(classification({ labels: cards }), { texts: ['fine', 'x'.repeat(4_001)] });
    await expect(failed).rejects.toThrow(/texts\[1\]: Too big/);
  });

  it.each([
    ['one label', { labels: { a: ['x', 'y'] } }, 'labels'],
    ['an empty example', { labels: { a: ['x', ''], b: ['y'] } }, 'labels.a'],
    ['regression with one example', { labels: { a: ['x'], b: ['y', 'z'] }, method: 'regression' }, 'labels.a'],
    ['a margin of 2', { labels: cards, closeMargin: 2 }, 'closeMargin'],
    ['an unknown option', { labels: cards, lables: 1 }, 'lables'],
  ])('%s is refused when the agent is made', (_, options, field) => {
    let caught: unknown;
    try {
      classification(options as unknown as Parameters<typeof classification>[0]);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(InvalidAgentError);
    expect((caught as InvalidAgentError).field).toMatch(new RegExp(`^${field}`));
  });
});
