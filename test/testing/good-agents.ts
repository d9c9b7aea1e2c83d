/** Agents without a fault, one for each way to be an agent: what the conformance kit must let pass. */
import { promises } from 'node:timers';
import { z } from 'zod';
import { defineAgent } from '../../lib/agents/index.js';

const text = z.object({ text: z.string().min(1) });

export const shout = defineAgent({
  name: 'shout',
  version: '1',
  description: 'Says a text in capital letters.',
  input: text,
  output: text,
  pure: true,
  weight: (input) => input.text.length,
  estimateMs: (input) => 1 + input.text.length / 100,
  demand: (input) => ({ slots: 1, voice: input.text.length > 5 ? 2 : 1 }),
  run: (input) => ({ text: input.text.toUpperCase() }),
});

export const judge = defineAgent({
  name: 'judge',
  version: '1.2',
  description: 'Has a model judge the mood of a text.',
  input: text,
  output: z.object({ mood: z.enum(['good', 'bad']) }),
  run: (input, ctx) =>
    ctx.object({
      messages: [{ role: 'user', content: input.text }],
      schema: z.object({ mood: z.enum(['good', 'bad']) }),
    }),
});

export const teller = defineAgent({
  name: 'teller',
  version: '2.0.1',
  description: 'Tells a story about a text, piece by piece.',
  input: text,
  output: z.object({ story: z.string() }),
  run: async (input, ctx) => {
    let story = '';
    for await (const part of ctx.chat({ messages: [{ role: 'user', content: input.text }] })) {
      story += part.text;
      ctx.emit(part.text);
    }
    return { story };
  },
});

export const panel = defineAgent({
  name: 'panel',
  version: '1',
  description: 'Has several judges look at a text, and says how far they are.',
  input: text,
  output: z.object({ good: z.number(), shouted: z.string(), length: z.number() }),
  run: async (input, ctx) => {
    let done = 0;
    const judgements = await Promise.all(
      [1, 2, 3].map(async () => {
        const judgement = await ctx.run(judge, input);
        ctx.progress(++done, 3);
        return judgement;
      }),
    );
    const [vector] = await ctx.embed([input.text]);
    const { text: shouted } = await ctx.run(shout, input);
    return { good: judgements.filter(({ mood }) => mood === 'good').length, shouted, length: vector!.length };
  },
});

export const patient = defineAgent({
  name: 'patient',
  version: '1',
  description: 'Waits a while, and can be told to stop waiting.',
  input: z.object({ waitMs: z.int().min(1) }),
  output: z.object({ waitedMs: z.number() }),
  run: async (input, ctx) => {
    await promises.setTimeout(input.waitMs, undefined, { signal: ctx.signal });
    return { waitedMs: input.waitMs };
  },
});

export const dice = defineAgent({
  name: 'dice',
  version: '1',
  description: 'Throws a die with so many sides.',
  input: z.object({ sides: z.int().min(2) }),
  output: z.object({ thrown: z.int() }),
  run: (input) => ({ thrown: 1 + Math.floor(Math.random() * input.sides) }),
});
