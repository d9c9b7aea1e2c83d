import { describe, expect, it } from 'vitest';
import { InvalidRequestError } from '../../lib/base/errors.js';
import { compileGrammar, type JsonSchema } from '../../lib/grammar/index.js';

const object = (properties: JsonSchema, more: JsonSchema = {}): JsonSchema => ({ type: 'object', properties, ...more });

describe('a schema that no grammar holds', () => {
  it.each<[JsonSchema, RegExp]>([
    [{ not: { type: 'string' } }, /"not"/],
    [{ type: 'number', multipleOf: 2 }, /"multipleOf"/],
    [{ type: 'array', items: { type: 'string' }, uniqueItems: true }, /"uniqueItems"/],
    [{ type: 'array', contains: { const: 1 } }, /"contains"/],
    [object({}, { patternProperties: { a: true } }), /"patternProperties"/],
    [object({}, { if: {}, else: {} }), /"if"/],
    [object({ a: { dependentRequired: {} } }), /"dependentRequired".*properties\.a/],
    [{ type: 'weird' }, /"type"/],
    [{ type: [] }, /types/],
    [{ type: ['string', 'null'], minimum: 3 }, /"minimum"/],
    [{ type: 'integer', minimum: '3' }, /"minimum"/],
    [{ anyOf: [] }, /"anyOf"/],
    [{ enum: [] }, /"enum"/],
    [{ enum: ['ab'], minLength: 2 }, /"minLength"/],
    [{ $ref: '#/$defs/nobody' }, /"\$ref"/],
    [{ $ref: 'https://example.com/schema' }, /"\$ref"/],
    [{ type: 'string', maxLength: 100_001 }, /"maxLength"/],
    [{ type: 'string', maxLength: 1.5 }, /"maxLength"/],
    [{ type: 'array', minItems: -1 }, /"minItems"/],
    [{ type: 'object', properties: 5 }, /"properties"/],
    [object({ a: {} }, { required: ['b'], additionalProperties: false }), /requires a property "b"/],
    [object({}, { required: 'a' }), /"required"/],
    [object({}, { propertyNames: { minLength: 2 } }), /"propertyNames"/],
    [object({ a: { type: 'array', items: { type: 'string', pattern: '(' } } }), /properties\.a\.items/],
    [{ type: 'string', pattern: '(a)\\1' }, /"pattern"/],
    [{ type: 'string', pattern: '(?<=a)b' }, /"pattern".*behind/],
    [{ type: 'string', pattern: '\\bword\\b' }, /"pattern"/],
    [{ type: 'string', pattern: '\\p{L}' }, /"pattern"/],
    [{ type: 'string', pattern: 'a{3,2}' }, /"pattern"/],
    [{ type: 'string', pattern: '^[a-z]{3000}x[a-z]{3000}$' }, /too large/],
    [{ type: 'string', format: 'duration' }, /"format"/],
    [{ type: 'string', format: 'made-up' }, /"format"/],
    [{ type: 'number', exclusiveMinimum: 0.12345678901 }, /"exclusiveMinimum"/],
    [{ type: 'number', minimum: 1e300 }, /"minimum"/],
    [{ enum: ['x'.repeat(40_000)] }, /characters/],
    [
      object(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`p${i}`, {}])), { maxProperties: 100 }),
      /properties/,
    ],
  ])('is refused by name: %j', (schema, reason) => {
    const compile = () => compileGrammar(schema);
    expect(compile).toThrow(InvalidRequestError);
    expect(compile).toThrow(reason);
  });

  it('says which field of the request is to blame', () => {
    expect(() => compileGrammar({ not: {} })).toThrow(
      expect.objectContaining({ param: 'jsonSchema', code: 'AY_INVALID_REQUEST' }),
    );
  });

  it.each<[string, JsonSchema]>([
    ['false', { allOf: [false] }],
    ['types that exclude each other', { allOf: [{ type: 'string' }, { type: 'null' }] }],
    ['an empty range', { type: 'integer', minimum: 5, maximum: 4 }],
    ['an empty range between integers', { type: 'integer', exclusiveMinimum: 4, exclusiveMaximum: 5 }],
    ['lengths that exclude each other', { type: 'string', minLength: 3, maxLength: 2 }],
    ['a pattern against a length', { type: 'string', pattern: '^a{5}$', maxLength: 4 }],
    [
      'a list without end',
      { $ref: '#/$defs/n', $defs: { n: object({ n: { $ref: '#/$defs/n' } }, { required: ['n'] }) } },
    ],
    ['a definition that is itself', { $ref: '#/$defs/n', $defs: { n: { $ref: '#/$defs/n' } } }],
    [
      'definitions that are each other',
      { $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }, true] }, b: { $ref: '#/$defs/a' } } },
    ],
    ['more properties than there are', object({ a: {} }, { minProperties: 2, additionalProperties: false })],
    ['names that may be one', object({}, { minProperties: 2, additionalProperties: true })],
  ])('is refused when nothing could meet it: %s', (_, schema) => {
    expect(() => compileGrammar(schema)).toThrow(InvalidRequestError);
  });

  it.each<[string, JsonSchema[]]>([
    ['objects that any value of one may be', [object({ a: {} }), object({ b: {} })]],
    ['numbers and integers', [{ type: 'number' }, { type: 'integer' }]],
    ['a value that is listed twice', [{ enum: ['a', 'b'] }, { enum: ['b', 'c'] }]],
    ['a string and anything', [{ type: 'string' }, {}]],
  ])('is refused when "oneOf" could hold twice: %s', (_, oneOf) => {
    expect(() => compileGrammar({ oneOf })).toThrow(/"oneOf"/);
    expect(() => compileGrammar({ anyOf: oneOf })).not.toThrow();
  });

  it('is refused when its nesting would exhaust the stack, however it is nested', () => {
    let items: JsonSchema = { type: 'string' };
    let all: JsonSchema = { type: 'string' };
    for (let depth = 0; depth < 1_000; depth++) {
      items = { items };
      all = { allOf: [all, {}] };
    }
    expect(() => compileGrammar(items)).toThrow(/nested deeper/);
    expect(() => compileGrammar(all)).toThrow(/nests too deep/);
  });

  it('is refused when its definitions multiply', () => {
    const chain = (prefix: string) =>
      Array.from({ length: 40 }, (_, i) => {
        const next = i === 39 ? { type: 'null' } : { $ref: `#/$defs/${prefix}${i + 1}` };
        return [`${prefix}${i}`, object({ l: next, r: next })];
      });
    const $defs = Object.fromEntries([...chain('d'), ...chain('e')]);
    expect(() => compileGrammar({ allOf: [{ $ref: '#/$defs/d0' }, { $ref: '#/$defs/e0' }], $defs })).toThrow(
      /too large/,
    );
    const doubled = Object.fromEntries(
      Array.from({ length: 25 }, (_, i) => [
        `d${i}`,
        { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
      ]),
    );
    expect(() => compileGrammar({ $ref: '#/$defs/d0', $defs: { ...doubled, d25: { type: 'null' } } })).toThrow(
      /too often/,
    );
  });

  it('is not refused for definitions in a long chain', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [
        `d${i}`,
        i === 499 ? { type: 'null' } : { type: 'array', items: { $ref: `#/$defs/d${i + 1}` } },
      ]),
    );
    expect(compileGrammar({ $ref: '#/$defs/d0', $defs }).gbnf).toContain('root ::=');
  });
});

it('gives the same grammar for the same schema', () => {
  const schema = object({ a: { type: 'string', pattern: '^a|b$' }, b: { anyOf: [true, { type: 'null' }] } });
  expect(compileGrammar(structuredClone(schema))).toEqual(compileGrammar(schema));
});

it('holds sixty optional properties by a grammar of a few lines each', () => {
  const fields = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`field${i}`, { type: 'string', maxLength: 80 }]),
  );
  const { gbnf } = compileGrammar(object(fields));
  expect(gbnf.split('\n').length).toBeLessThan(60 * 2 + 20);
});

it('folds long repetitions: their square root in rules', () => {
  const { gbnf } = compileGrammar({ type: 'string', minLength: 20_000, maxLength: 100_000 });
  expect(gbnf.split('\n').length).toBeLessThan(400);
});

it('lets one line end follow when told to, and nothing else', () => {
  expect(compileGrammar({ type: 'null' }, { lineEnd: true }).gbnf).toBe(
    'root ::= value ("\\n" | "")\nvalue ::= "null"\n',
  );
});

it('takes other ends for what the schema leaves endless', () => {
  expect(compileGrammar({ type: 'string' }, { stringCharacters: 12 }).gbnf).toContain('character{0,12}');
});
