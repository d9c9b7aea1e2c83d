import { afterEach, describe, expect, it } from 'vitest';
import { recommendation } from '../../../lib/agents/built-in/index.js';
import { relevanceOf, softMaximum } from '../../../lib/agents/built-in/recommendation/profile.js';
import { InvalidAgentError, InvalidInputError } from '../../../lib/base/agent-errors.js';
import { closeYards, NUL, openEmbeddingYard } from './support.js';

afterEach(closeYards);

const items = [
  { id: 'sea-1', title: 'Sea one', text: 'a sailor and a storm at sea' },
  { id: 'sea-2', title: 'Sea two', text: 'a sailor and a storm at sea again' },
  { id: 'sea-3', title: 'Sea three', text: 'an old sailor tells of a whale' },
  { id: 'cook-1', title: 'Cook one', text: 'baking bread with butter' },
  { id: 'cook-2', title: 'Cook two', text: 'bread and butter for beginners' },
  { id: 'chess-1', title: 'Chess one', text: 'openings of grandmasters' },
];

describe('recommendation', () => {
  it('finds what is close to one of several interests, never what is known', async () => {
    const { yard } = await openEmbeddingYard();
    const agent = recommendation({ items, diversity: 0 });
    const output = await yard.run(agent, { liked: ['sea-1', 'cook-1'], count: 3 });
    const ids = output.items.map(({ id }) => id);
    expect(ids).toHaveLength(3);
    expect(ids).toEqual(expect.arrayContaining(['sea-2', 'cook-2']));
    expect(ids).not.toContain('sea-1');
    expect(ids).not.toContain('cook-1');
  });

  it('says which liked item is near, and the rare words that both have', async () => {
    const { yard } = await openEmbeddingYard();
    const output = await yard.run(recommendation({ items, diversity: 0 }), { liked: ['cook-1'], count: 1 });
    expect(output.items[0]).toMatchObject({
      id: 'cook-2',
      reason: {
        nearest: 'cook-1',
        words: expect.arrayContaining(['bread', 'butter']),
        text: expect.stringContaining('Close to “Cook one”, which you liked: both speak of'),
      },
    });
  });

  it('keeps away from what is disliked', async () => {
    const { yard } = await openEmbeddingYard();
    const agent = recommendation({ items, diversity: 0 });
    const scoreOf = async (disliked: string[]) => {
      const output = await yard.run(agent, { liked: ['sea-3'], disliked, count: 6 });
      expect(output.items.map(({ id }) => id)).not.toContain(disliked[0]);
      return output.items.find(({ id }) => id === 'sea-2')!.score;
    };
    expect(await scoreOf(['sea-1'])).toBeLessThan(await scoreOf(['chess-1']));
  });

  it('passes over a twin when diversity is wanted', async () => {
    const { yard } = await openEmbeddingYard();
    const twins = [...items, { id: 'sea-4', text: 'a sailor and a storm at sea again' }];
    const agent = recommendation({ items: twins });
    const idsWith = async (diversity: number) =>
      (await yard.run(agent, { liked: ['sea-1'], count: 2, diversity })).items.map(({ id }) => id).sort();
    expect(await idsWith(0)).toEqual(['sea-2', 'sea-4']);
    expect(await idsWith(0.9)).not.toEqual(['sea-2', 'sea-4']);
  });

  it('goes by a text alone', async () => {
    const { yard } = await openEmbeddingYard();
    const output = await yard.run(recommendation({ items }), { text: 'grandmasters of chess openings', count: 1 });
    expect(output.items[0]!.id).toBe('chess-1');
    expect(output.items[0]!.reason.nearest).toBeUndefined();
    expect(output.items[0]!.reason.text).toContain('Close to what you look for');
  });

  it('lets a model write the reasons when it is told so', async () => {
    const { yard, model } = await openEmbeddingYard(() => 'Because of the bread.');
    const agent = recommendation({ items, reasons: 'model' });
    const output = await yard.run(agent, { liked: ['cook-1'], count: 2 });
    expect(output.items.map(({ reason }) => reason.text)).toEqual(['Because of the bread.', 'Because of the bread.']);
    expect(model.calls).toBe(2);
    expect(model.requests[0]!.lastMessage).toContain('baking bread with butter');
  });

  it.each([
    ['an unknown item', { liked: ['sea-9'] }],
    ['nothing that is liked', { disliked: ['sea-1'] }],
    ['a binary text', { text: NUL }],
    ['too many', { liked: ['sea-1'], count: 101 }],
  ])('refuses %s', async (_, input) => {
    const { yard } = await openEmbeddingYard();
    await expect(yard.run(recommendation({ items }), input)).rejects.toBeInstanceOf(InvalidInputError);
  });

  it('refuses items without text, and two of one id', () => {
    expect(() => recommendation({ items: [{ id: 'a', text: '' }] })).toThrow(InvalidAgentError);
    expect(() => recommendation({ items: [items[0]!, items[0]!] })).toThrow(/same id/);
  });
});

describe('the profile', () => {
  it('is between the mean and the largest cosine, nearer to that', () => {
    const value = softMaximum([0.9, 0.1]);
    expect(value).toBeGreaterThan(0.5);
    expect(value).toBeLessThan(0.9);
    expect(softMaximum([0.4, 0.4])).toBeCloseTo(0.4, 12);
  });

  it('is not raised by what is unlike a dislike', () => {
    const [x, y] = [Float32Array.of(1, 0), Float32Array.of(-1, 0)];
    expect(relevanceOf(x, { likes: [x], dislikes: [y] })).toBe(relevanceOf(x, { likes: [x], dislikes: [] }));
  });
});
