/** Types flow from the schemas to callers with no cast; `tsc` checks them, the tests run them. */
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';
import { expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { defineAgent, Yard } from '../../lib/index.js';

const yard = new Yard();

it('of zod', async () => {
  const agent = defineAgent({
    name: 'count',
    version: '1',
    description: 'Counts.',
    input: z.object({ text: z.string(), times: z.number().default(2) }),
    output: z.object({ words: z.array(z.string()), note: z.string().optional() }),
    weight: ({ times }) => times,
    demand: ({ text }) => ({ slots: text.length > 1_000_000 ? 2 : 1 }),
    run: (input, ctx) => {
      expectTypeOf(input).toEqualTypeOf<{ text: string; times: number }>();
      expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>();
      return { words: Array.from({ length: input.times }, () => input.text) };
    },
  });
  // What has a default may be left out.
  const output = await yard.run(agent, { text: 'x' });
  expectTypeOf(output).toEqualTypeOf<{ words: string[]; note?: string | undefined }>();
  expect(output).toEqual({ words: ['x', 'x'] });
  // @ts-expect-error: no such field
  await expect(yard.run(agent, { txt: 'x' })).rejects.toMatchObject({ code: 'AY_INVALID_INPUT' });
});

it('of valibot', async () => {
  const agent = defineAgent({
    name: 'count',
    version: '1',
    description: 'Counts.',
    input: toStandardJsonSchema(v.object({ text: v.string(), times: v.optional(v.number(), 2) })),
    output: toStandardJsonSchema(v.object({ length: v.number() })),
    run: async (input) => {
      expectTypeOf(input).toEqualTypeOf<{ text: string; times: number }>();
      return { length: input.text.length * input.times };
    },
  });
  const output = await yard.run(agent, { text: 'ab' });
  expectTypeOf(output).toEqualTypeOf<{ length: number }>();
  expect(output).toEqual({ length: 4 });
});

it('of arktype', async () => {
  const agent = defineAgent({
    name: 'count',
    version: '1',
    description: 'Counts.',
    input: type({ text: 'string', 'times?': 'number' }),
    output: type({ length: 'number' }),
    run: (input) => {
      expectTypeOf(input).toEqualTypeOf<{ text: string; times?: number }>();
      return { length: input.text.length * (input.times ?? 1) };
    },
  });
  const output = await yard.run(agent, { text: 'ab' });
  expectTypeOf(output).toEqualTypeOf<{ length: number }>();
  expect(output).toEqual({ length: 2 });
});

it('through a child, and not by a name', async () => {
  const length = defineAgent({
    name: 'length',
    version: '1',
    description: 'How long it is.',
    input: z.object({ text: z.string() }),
    output: z.number(),
    run: ({ text }) => text.length,
  });
  const twice = defineAgent({
    name: 'twice',
    version: '1',
    description: 'Twice as long.',
    input: z.string(),
    output: z.number(),
    run: async (text, ctx) => {
      const found = await ctx.run(length, { text });
      expectTypeOf(found).toEqualTypeOf<number>();
      expectTypeOf(ctx.tool('length', {})).toEqualTypeOf<Promise<unknown>>();
      return 2 * found;
    },
  });
  yard.agents.register(twice);
  expectTypeOf(yard.run('twice', 'abc')).toEqualTypeOf<Promise<unknown>>();
  expect(await yard.run('twice', 'abc')).toBe(6);
  const definition = { name: 'wrong', version: '1', description: 'x', input: z.string(), output: z.number() };
  // @ts-expect-error: not what its output says
  defineAgent({ ...definition, run: (text: string) => text });
});
