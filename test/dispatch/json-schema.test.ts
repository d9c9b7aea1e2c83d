import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InvalidRequestError } from '../../lib/base/errors.js';
import { type Schema, toEngineSchema } from '../../lib/dispatch/engine/json-schema.js';

const ANY_OBJECT = { type: 'object', properties: {}, additionalProperties: true };

describe('a schema for the engine', () => {
  it.each<[string, Schema, Schema]>([
    [
      'what the grammar holds',
      { type: 'string', minLength: 1, maxLength: 9 },
      { type: 'string', minLength: 1, maxLength: 9 },
    ],
    ['annotations go', { type: 'null', title: 'T', description: 'D', $schema: 'x', default: null }, { type: 'null' }],
    ['anyOf is oneOf', { anyOf: [{ type: 'string' }, { const: 3 }] }, { oneOf: [{ type: 'string' }, { const: 3 }] }],
    ['an allOf of one', { allOf: [{ type: 'integer' }] }, { type: 'integer' }],
    [
      'a list of types, each with its keywords',
      { type: ['string', 'null'], maxLength: 3 },
      { oneOf: [{ type: 'string', maxLength: 3 }, { type: 'null' }] },
    ],
    ['any object, not the empty one', { type: 'object' }, ANY_OBJECT],
    [
      'an object without a type',
      { properties: { a: { enum: ['x', 1] } }, required: ['a'] },
      { type: 'object', properties: { a: { enum: ['x', 1] } }, additionalProperties: false },
    ],
    [
      'a closed tuple',
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false },
      { type: 'array', minItems: 2, maxItems: 2, prefixItems: [{ type: 'string' }, { type: 'number' }] },
    ],
    [
      'definitions under either name, also of themselves',
      { $ref: '#/definitions/node', definitions: { node: { type: 'array', items: { $ref: '#/definitions/node' } } } },
      { $ref: '#/$defs/node', $defs: { node: { type: 'array', items: { $ref: '#/$defs/node' } } } },
    ],
    ['integers as wide as JavaScript has them', z.toJSONSchema(z.int()) as Schema, { type: 'integer' }],
  ])('keeps %s', (_, schema, expected) => {
    expect(toEngineSchema(schema)).toEqual(expected);
  });

  it('takes what zod makes of an everyday type', () => {
    const type = z.object({
      name: z.string().max(40),
      age: z.int().optional(),
      tags: z.array(z.enum(['a', 'b'])).max(3),
      home: z.union([z.object({ city: z.string() }), z.null()]),
      born: z.iso.date(),
    });
    const { properties } = toEngineSchema(z.toJSONSchema(type) as Schema);
    expect(Object.keys(properties as Schema)).toEqual(['name', 'age', 'tags', 'home', 'born']);
  });

  it.each<[Schema, RegExp]>([
    [{ type: 'string', pattern: 'a+' }, /"pattern"/],
    [{ type: 'string', format: 'email' }, /"format"/],
    [{ type: 'integer', minimum: 0 }, /"minimum"/],
    [{ type: 'number', multipleOf: 2 }, /"multipleOf"/],
    [{ type: 'array', uniqueItems: true }, /"uniqueItems"/],
    [{ type: 'weird' }, /"type"/],
    [{ type: [] }, /types/],
    [{ type: ['string', 'null'], minimum: 3 }, /"minimum"/],
    [{ not: { type: 'string' } }, /"not"/],
    [{ allOf: [{ type: 'object' }, { type: 'object' }] }, /"allOf"/],
    [{ anyOf: [] }, /"anyOf"/],
    [{ enum: [] }, /"enum"/],
    [{ enum: [{}] }, /"enum"/],
    [{ $ref: '#/$defs/nobody' }, /"\$ref"/],
    [{ $ref: 'https://example.com/schema' }, /"\$ref"/],
    [{ type: 'string', maxLength: 2_001 }, /"maxLength"/],
    [{ type: 'string', maxLength: 1.5 }, /"maxLength"/],
    [{ type: 'object', properties: 5 }, /"properties"/],
    [{ type: 'object', properties: {}, required: ['a'] }, /requires/],
    [
      { type: 'object', properties: { a: { type: 'array', items: { type: 'string', pattern: 'x' } } } },
      /properties\.a\.items/,
    ],
    [{ enum: ['x'.repeat(40_000)] }, /characters/],
  ])('refuses %j and says why', (schema, reason) => {
    const convert = () => toEngineSchema(schema);
    expect(convert).toThrow(InvalidRequestError);
    expect(convert).toThrow(reason);
  });

  it('refuses nesting that would exhaust the stack', () => {
    let schema: Schema = { type: 'string' };
    for (let depth = 0; depth < 100; depth++) schema = { items: schema };
    expect(() => toEngineSchema(schema)).toThrow(/nested/);
  });
});

it('takes a type that is named twice as named once, however deep', () => {
  const nest = (levels: number): Schema =>
    levels === 0 ? { type: 'null' } : { type: ['array', 'array'], items: nest(levels - 1) };
  expect(toEngineSchema(nest(25))).toMatchObject({ oneOf: [{ type: 'array' }] });
});
