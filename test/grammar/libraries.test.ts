/** What the schema libraries write is held, in full: whatever the grammar derives passes the library's own validation. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { toJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Random } from '../../lib/base/random.js';
import { compileGrammar, type JsonSchema } from '../../lib/grammar/index.js';
import { Gbnf } from '../support/gbnf.js';

const zodSchema = z.object({
  email: z.email(),
  id: z.uuid(),
  day: z.iso.date(),
  at: z.iso.datetime(),
  time: z.iso.time().optional(),
  address: z.ipv4().nullable(),
  page: z.url().optional(),
  pair: z.tuple([z.string(), z.number()]),
  counts: z.record(z.string(), z.int()),
  some: z.partialRecord(z.enum(['a', 'b']), z.int()),
  all: z.record(z.enum(['a', 'b']), z.int()),
  shape: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('dot') }),
    z.object({ kind: z.literal('box'), side: z.number().positive() }),
  ]),
  share: z.number().gt(0).lt(1),
  both: z.intersection(z.object({ x: z.string() }), z.object({ y: z.string().max(3) })),
  open: z.looseObject({ known: z.string() }),
  lower: z.string().lowercase().max(12),
  starts: z.string().startsWith('ab').max(9),
  has: z.string().includes('q').max(9),
  code: z.cuid2().optional(),
  phone: z.e164(),
  data: z.base64(),
  small: z.int32(),
  tags: z
    .array(z.enum(['a', 'b']))
    .min(1)
    .max(3),
});

const valibotSchema = v.object({
  email: v.optional(v.pipe(v.string(), v.email())),
  score: v.nullable(v.number()),
  pair: v.tuple([v.string(), v.boolean()]),
  shape: v.variant('kind', [v.object({ kind: v.literal(1) }), v.object({ kind: v.literal(2), size: v.number() })]),
  count: v.pipe(v.number(), v.integer(), v.minValue(3)),
  choice: v.picklist(['x', 'y']),
  strict: v.strictObject({ a: v.string() }),
  record: v.record(v.string(), v.number()),
});

const arktypeSchema = type({
  'email?': 'string.email',
  score: 'number | null',
  pair: ['string', 'number'],
  choice: "'x' | 'y'",
  count: '0 <= number.integer < 10',
  names: 'string > 2[]',
  closed: { '+': 'reject', x: '1' },
});

describe.each<[string, JsonSchema, StandardSchemaV1]>([
  ['zod', z.toJSONSchema(zodSchema) as JsonSchema, zodSchema],
  ['valibot', toJsonSchema(valibotSchema) as JsonSchema, valibotSchema],
  ['arktype', arktypeSchema.toJsonSchema() as JsonSchema, arktypeSchema],
])('%s', (_, schema, library) => {
  it('derives values that the library takes', async () => {
    // Schemas reach the engine as text.
    const grammar = new Gbnf(compileGrammar(JSON.parse(JSON.stringify(schema))).gbnf);
    const random = new Random(3);
    const seen = new Set<string>();
    for (let i = 0; i < 150; i++) {
      const text = grammar.derive(random, 600);
      const value: unknown = JSON.parse(text);
      for (const key of Object.keys(value as object)) seen.add(key);
      const result = await library['~standard'].validate(value);
      expect(result.issues, text).toBeUndefined();
    }
    expect([...seen].sort()).toEqual(Object.keys(schema.properties as object).sort());
  });
});
