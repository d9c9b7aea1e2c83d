import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { type ExtractionOptions, extraction } from '../../../lib/agents/built-in/extraction/index.js';
import { mergeParts } from '../../../lib/agents/built-in/extraction/merge.js';
import { fieldLines } from '../../../lib/agents/built-in/extraction/prompts.js';
import type { AgentSchema } from '../../../lib/agents/schema.js';
import { type AnswerFunction, createTestYard, scriptedModel } from '../../../lib/testing/index.js';
import type { Yard } from '../../../lib/yard.js';
import { LONE_SURROGATE, NUL } from './support.js';

const open: Yard[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((yard) => yard.close()));
});

async function setUp<S extends AgentSchema>(
  answers: AnswerFunction | object,
  options: ExtractionOptions<S>,
  contextTokens = 100_000,
) {
  const answer: AnswerFunction =
    typeof answers === 'function' ? (answers as AnswerFunction) : () => JSON.stringify(answers);
  const model = scriptedModel({ answers: answer, contextTokens });
  const yard = await createTestYard({ models: { m: model } });
  open.push(yard);
  const agent = extraction(options);
  return { model, yard, agent, extract: (text: string) => yard.run(agent, { text }) };
}

const invoice = z.object({
  number: z.string().describe('as printed at the top'),
  total: z.number().nullable(),
  buyer: z.string().optional(),
  currency: z.enum(['EUR', 'USD']),
  items: z.array(z.object({ name: z.string(), price: z.number() })),
});

const TEXT = 'Invoice R-2041 for Clara Meier: a lamp at 1,250.50 and two chairs at 80. Sum: 1,330.50 euros.';
const RIGHT = {
  number: 'R-2041',
  total: 1330.5,
  buyer: 'Clara Meier',
  currency: 'EUR' as const,
  items: [
    { name: 'lamp', price: 1250.5 },
    { name: 'chairs', price: 80 },
  ],
};

it('takes out what the schema describes, and says where it stands', async () => {
  const { extract, model } = await setUp(RIGHT, { schema: invoice });
  const { data, ungrounded, evidence, parts } = await extract(TEXT);
  expectTypeOf(data).toEqualTypeOf<z.output<typeof invoice>>();
  expect(data).toEqual(RIGHT);
  expect({ ungrounded, parts }).toEqual({ ungrounded: [], parts: 1 });
  const quotes = Object.fromEntries(evidence.map(({ path, start, end }) => [path, TEXT.slice(start, end)]));
  expect(quotes).toMatchObject({ number: 'R-2041', buyer: 'Clara Meier', total: '1,330.50', 'items[1].price': '80' });
  const { messages, options } = model.requests[0]!;
  expect(options!.jsonSchema).toMatchObject({ type: 'object', required: expect.arrayContaining(['number', 'items']) });
  expect(messages[0]!.content).toContain('- number (string): as printed at the top');
  expect(messages[0]!.content).toContain('  - price (number)');
  expect(messages[1]!.content).toContain(TEXT);
});

describe('what the text does not say', () => {
  const INVENTED = {
    ...RIGHT,
    number: 'X-99',
    total: 777.7,
    buyer: 'Peter Silva',
    items: [...RIGHT.items, { name: 'sofa', price: 499 }],
  };

  it('goes missing, or null, where the schema allows it, and is named', async () => {
    const { extract } = await setUp(INVENTED, { schema: invoice });
    const { data, ungrounded } = await extract(TEXT);
    expect(data).toEqual({ number: 'X-99', total: null, currency: 'EUR', items: RIGHT.items });
    expect(data).not.toHaveProperty('buyer');
    expect(ungrounded).toEqual(['number', 'total', 'buyer', 'items[2].name', 'items[2].price']);
  });

  it('stays when it is only to be reported', async () => {
    const { extract } = await setUp(INVENTED, { schema: invoice, grounding: 'report' });
    const { data, ungrounded } = await extract(TEXT);
    expect(data).toEqual(INVENTED);
    expect(ungrounded).toContain('items[2].price');
  });

  it.each(['', 'N/A', 'unknown', 'Not specified.'])('is also what models write for nothing: %j', async (buyer) => {
    const { extract } = await setUp({ ...RIGHT, buyer }, { schema: invoice });
    expect((await extract(`${TEXT} Unknown, n/a.`)).data).not.toHaveProperty('buyer');
  });

  it('is not what is written otherwise: scales, small numbers in words, most words of a long text', async () => {
    const schema = z.object({
      revenue: z.number().optional(),
      people: z.number().optional(),
      about: z.string().optional(),
      day: z.iso.date().optional(),
      isNew: z.boolean().optional(),
    });
    const value = {
      revenue: 1_200_000,
      people: 3,
      about: 'three founders run the small bakery',
      day: '2024-03-05',
      isNew: true,
    };
    const { extract } = await setUp(value, { schema });
    const { data } = await extract('The bakery, run by its three founders since 5 March, earns 1.2 million.');
    expect(data).toEqual(value);
  });
});

it('checks and repairs by the schema, once', async () => {
  const schema = z.object({
    age: z
      .number()
      .max(150)
      .transform((age) => ({ years: age }))
      .pipe(z.object({ years: z.number() })),
  });
  const { extract, model } = await setUp(({ call }) => JSON.stringify({ age: call === 1 ? 430 : 43 }), { schema });
  await expect(extract('She is 43, not 430.')).resolves.toMatchObject({ data: { age: { years: 43 } } });
  expect(model.calls).toBe(2);
  const stubborn = await setUp({ age: 430 }, { schema });
  await expect(stubborn.extract('430')).rejects.toMatchObject({ code: 'AY_INVALID_OUTPUT', issues: [{ path: 'age' }] });
});

describe('a text in several parts', () => {
  const schema = z.object({
    title: z.string(),
    year: z.number().nullable(),
    people: z.array(z.object({ name: z.string() })),
  });
  const reading: AnswerFunction = ({ lastMessage }) => {
    const names = [...lastMessage.matchAll(/Person([A-Z])/g)].map(([name]) => ({ name }));
    const title = /Title\w+/.exec(lastMessage)?.[0];
    const year = /\b19\d\d\b/.exec(lastMessage)?.[0];
    return JSON.stringify({
      people: names,
      ...(title === undefined ? {} : { title }),
      year: year === undefined ? null : Number(year),
    });
  };
  const filler = 'Nothing of note is said here at all. '.repeat(12);
  const text = `TitleOne met PersonA. ${filler}\n\nThen PersonB came. ${filler}\n\nIn 1971 PersonA left, and PersonC, of TitleTwo. ${filler}`;

  it('is read in parts at the same time; lists are joined, and of single values the first counts', async () => {
    const { extract, model } = await setUp(reading, { schema, chunkTokens: 256 });
    const { data, parts, evidence } = await extract(text);
    expect(parts).toBeGreaterThan(1);
    expect(model.calls).toBe(parts);
    expect(data).toEqual({
      title: 'TitleOne',
      year: 1971,
      people: [{ name: 'PersonA' }, { name: 'PersonB' }, { name: 'PersonC' }],
    });
    const last = evidence.find(({ path }) => path === 'people[2].name')!;
    expect(text.slice(last.start, last.end)).toBe('PersonC');
    expect(model.requests[0]!.options!.jsonSchema).not.toHaveProperty('required');
  });

  it('is halved where a part does not fit the model, or its answer the limit', async () => {
    const small = await setUp(reading, { schema, chunkTokens: 4_000 }, 220);
    await expect(small.extract(text)).resolves.toMatchObject({ data: { people: { length: 3 } } });
    const short = await setUp(
      (request) =>
        /PersonA[\s\S]*PersonB/.test(request.lastMessage)
          ? { text: '{"people":[', finishReason: 'length' }
          : reading(request),
      { schema },
    );
    await expect(short.extract(text)).resolves.toMatchObject({ data: { title: 'TitleOne', people: { length: 3 } } });
  });

  it('fails by the schema when no part has what it requires', async () => {
    const { extract } = await setUp(reading, { schema, chunkTokens: 256 });
    await expect(extract(`${filler}\n\n${filler}\n\n${filler}`)).rejects.toMatchObject({
      code: 'AY_INVALID_OUTPUT',
      issues: [{ path: 'title' }],
    });
  });
});

it('merges objects field by field and keeps equal items once', () => {
  expect(
    mergeParts([
      { a: null, list: [1, { x: 1 }] },
      undefined,
      { a: 2, b: { c: 1 }, list: [{ x: 1 }, 3] },
      { a: 4, b: { c: 5, d: 6 } },
    ]),
  ).toEqual({ a: 2, b: { c: 1, d: 6 }, list: [1, { x: 1 }, 3] });
});

describe('schemas', () => {
  it('may be of another library, and have forms that refer to themselves', async () => {
    const named = toStandardJsonSchema(v.object({ name: v.string() }));
    const { extract } = await setUp({ name: 'Rex' }, { schema: named });
    expect((await extract('The dog is Rex.')).data).toEqual({ name: 'Rex' });

    const node = z.object({
      name: z.string(),
      get children() {
        return z.array(node);
      },
    });
    const agent = extraction({ schema: node });
    expect(JSON.stringify(agent.outputJsonSchema)).toContain('"$ref":"#/$defs/data"');
  });

  it('show their fields to the model', () => {
    const schema = z.toJSONSchema(
      z.object({ kind: z.enum(['a', 'b']), when: z.iso.date().nullable(), tags: z.array(z.string()) }),
    );
    expect(fieldLines(schema).split('\n')).toEqual([
      '- kind (one of "a", "b")',
      '- when (date)',
      '- tags (list of string)',
    ]);
  });

  it('without a JSON form are refused when the agent is made, as are wrong options', () => {
    expect(() => extraction({ schema: z.object({ when: z.date() }) })).toThrow(/no JSON Schema form/);
    expect(() => extraction({ schema: invoice, grounding: 'maybe' as 'drop' })).toThrow(/"grounding"/);
  });
});

it.each([[''], [' \n'], [NUL], [LONE_SURROGATE]])('refuses what is no text: %j', async (text) => {
  const { extract, model } = await setUp(RIGHT, { schema: invoice });
  await expect(extract(text)).rejects.toMatchObject({ code: 'AY_INVALID_INPUT' });
  expect(model.calls).toBe(0);
});
