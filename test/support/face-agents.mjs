/** Agents that the tests of the faces run on every face; a module as `--agents` takes it. */
import { defineAgent } from 'agentyard';
import { z } from 'zod';

const item = z.object({ name: z.string().min(1), cents: z.int().min(0) });

/** Prints to standard output, as careless agents do: that must not get between the words of a protocol. */
export const receipt = defineAgent({
  name: 'receipt',
  version: '2',
  description: 'Adds up what was bought.',
  input: z.object({ items: z.array(item).min(1), currency: z.enum(['EUR', 'USD']).default('EUR') }),
  output: z.object({ total: z.number(), currency: z.string(), lines: z.array(z.string()) }),
  run: ({ items, currency }, ctx) => {
    console.log('adding up');
    const lines = items.map(({ name, cents }, index) => {
      ctx.progress(index + 1, items.length, name);
      ctx.emit(`${name};`);
      return `${name}: ${(cents / 100).toFixed(2)}`;
    });
    return { total: items.reduce((sum, { cents }) => sum + cents, 0) / 100, currency, lines };
  },
});

export const others = [
  defineAgent({
    name: 'receipt',
    version: '1.5',
    description: 'Counts what was bought.',
    deprecated: 'It does not know prices. Use version 2.',
    input: z.object({ items: z.array(z.unknown()) }),
    output: z.object({ count: z.number() }),
    run: ({ items }) => ({ count: items.length }),
  }),
  defineAgent({
    name: 'shout',
    version: '1',
    description: 'Says a text loudly.',
    input: z.string().max(60),
    output: z.string(),
    run: (text) => text.toUpperCase(),
  }),
  defineAgent({
    name: 'wait',
    version: '1',
    description: 'Never ends, unless it is cancelled.',
    input: z.object({}),
    output: z.null(),
    run: (_input, ctx) => {
      ctx.progress(1, 2, 'waiting');
      return new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)));
    },
  }),
  defineAgent({
    name: 'fall',
    version: '1',
    description: 'Fails with words that are nobody’s business.',
    input: z.object({ text: z.string() }),
    output: z.null(),
    run: ({ text }) => {
      throw new Error(`cannot digest ${text}`);
    },
  }),
];
