/** Schemas that nobody wrote: whatever their grammars derive is valid, and what is valid by construction is taken. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InvalidRequestError } from '../../lib/base/errors.js';
import { Random } from '../../lib/base/random.js';
import { compileGrammar, type JsonSchema } from '../../lib/grammar/index.js';
import { validator } from '../support/ajv.js';
import { Gbnf } from '../support/gbnf.js';

const RUNS = 150;
const SEED = 20_260;

const name = fc.constantFrom('a', 'b', 'ab', 'abc', 'x y', 'q"', 'ä', 'name');
const bound = fc.oneof(fc.integer({ min: -120, max: 120 }), fc.integer({ min: -40_000, max: 40_000 }));
const decimal = bound.map((one) => one / 100);
const literal = fc.oneof(
  fc.constantFrom('', 'a', 'ab', 'b"', '😀'),
  fc.integer({ min: -12, max: 12 }),
  fc.boolean(),
  fc.constant(null),
);

/** Only the fields that are there. */
const some = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { requiredKeys: [] });

/** Ordered, so that most schemas admit something. */
const between = (low: string, high: string, numbers: fc.Arbitrary<number>) =>
  fc.tuple(numbers, numbers, fc.integer({ min: 0, max: 3 })).map(([a, b, which]) => ({
    ...(which & 1 && { [low]: Math.min(a, b) }),
    ...(which & 2 && { [high]: Math.max(a, b) }),
  }));

const count = fc.integer({ min: 0, max: 5 });

const scalar: fc.Arbitrary<JsonSchema> = fc.oneof(
  fc.constant({ type: 'null' }),
  fc.constant({ type: 'boolean' }),
  between('minLength', 'maxLength', count).map((one) => ({ type: 'string', ...one })),
  fc
    .constantFrom('^[a-c]+\\d?$', 'x|yz', '^(?!a)\\w{1,4}$', '^[^"\\\\]*$')
    .map((pattern) => ({ type: 'string', pattern })),
  fc.constantFrom('date', 'time', 'uuid', 'email').map((format) => ({ type: 'string', format })),
  between('minimum', 'maximum', bound).map((one) => ({ type: 'integer', ...one })),
  between('exclusiveMinimum', 'exclusiveMaximum', decimal).map((one) => ({ type: 'integer', ...one })),
  between('minimum', 'exclusiveMaximum', decimal).map((one) => ({ type: 'number', ...one })),
  between('exclusiveMinimum', 'maximum', decimal).map((one) => ({ type: 'number', ...one })),
  fc.uniqueArray(literal, { minLength: 1, maxLength: 5 }).map((values) => ({ enum: values })),
  literal.map((value) => ({ const: value })),
);

const { schema } = fc.letrec<{ schema: JsonSchema; object: JsonSchema; array: JsonSchema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { arbitrary: scalar, weight: 4 },
    { arbitrary: tie('object'), weight: 3 },
    { arbitrary: tie('array'), weight: 2 },
    { arbitrary: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })), weight: 1 },
    { arbitrary: fc.array(tie('object'), { minLength: 1, maxLength: 2 }).map((allOf) => ({ allOf })), weight: 1 },
  ),
  object: fc
    .tuple(
      fc.dictionary(name, tie('schema'), { maxKeys: 4 }),
      fc.subarray(['a', 'b', 'ab', 'abc', 'name']),
      some<{ additionalProperties: unknown }>({ additionalProperties: fc.oneof(fc.boolean(), scalar) }),
      between('minProperties', 'maxProperties', count),
      fc.boolean(),
    )
    .map(([properties, required, more, counts, isCounted]) => ({
      type: 'object',
      properties,
      required: required.filter((one) => Object.hasOwn(properties, one)),
      ...more,
      ...(isCounted && counts),
    })),
  array: fc
    .tuple(
      tie('schema'),
      fc.array(tie('schema'), { maxLength: 2 }),
      between('minItems', 'maxItems', count),
      fc.boolean(),
    )
    .map(([items, prefixItems, counts, isTuple]) => ({
      type: 'array',
      ...counts,
      items,
      ...(isTuple && prefixItems.length > 0 && { prefixItems }),
    })),
}));

it('derives nothing but valid values from any schema that it takes', () => {
  let taken = 0;
  let refused = 0;
  fc.assert(
    fc.property(schema, fc.integer(), (one, seed) => {
      let gbnf: string;
      try {
        ({ gbnf } = compileGrammar(one));
      } catch (error) {
        if (!(error instanceof InvalidRequestError)) throw error;
        refused++;
        return;
      }
      taken++;
      const grammar = new Gbnf(gbnf);
      const isValid = validator(one);
      const random = new Random(seed);
      for (let i = 0; i < 12; i++) {
        const text = grammar.derive(random, 200);
        if (!isValid(JSON.parse(text))) throw new Error(`${text} is not valid: ${JSON.stringify(isValid.errors)}`);
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
  // Refused is what admits no value, such as two counts that exclude each other; most schemas do.
  expect(taken).toBeGreaterThan(3 * refused);
}, 60_000);

it('takes the integers of a range and no others', () => {
  fc.assert(
    fc.property(bound, bound, fc.array(bound, { minLength: 20, maxLength: 20 }), (a, b, values) => {
      const [minimum, maximum] = [Math.min(a, b), Math.max(a, b)];
      const grammar = new Gbnf(compileGrammar({ type: 'integer', minimum, maximum }).gbnf);
      for (const value of [minimum - 1, minimum, minimum + 1, maximum - 1, maximum, maximum + 1, 0, ...values]) {
        expect(grammar.accepts(String(value)), `${value} in ${minimum} to ${maximum}`).toBe(
          minimum <= value && value <= maximum,
        );
      }
    }),
    { numRuns: 150, seed: SEED },
  );
});

it('takes the decimals of a range and no others', () => {
  fc.assert(
    fc.property(
      decimal,
      decimal,
      fc.boolean(),
      fc.array(decimal, { minLength: 20, maxLength: 20 }),
      (a, b, isExclusive, values) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const range = isExclusive ? { exclusiveMinimum: low, exclusiveMaximum: high } : { minimum: low, maximum: high };
        const isIn = (value: number) => (isExclusive ? low < value && value < high : low <= value && value <= high);
        if (isExclusive && low === high) return;
        const grammar = new Gbnf(compileGrammar({ type: 'number', ...range }).gbnf);
        for (const value of [low - 0.01, low, low + 0.001, high - 0.001, high, high + 0.01, 0, ...values].map((one) =>
          Number(one.toFixed(4)),
        )) {
          expect(grammar.accepts(String(value)), `${value} in ${low} to ${high}`).toBe(isIn(value));
        }
      },
    ),
    { numRuns: 150, seed: SEED },
  );
});

it("takes the strings that match, and no others, as the runtime's own regular expressions say", () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '[ab]',
    '[^a]',
    '.',
    '\\d',
    '\\w',
    '(?:a|bc)',
    '(?:ab)',
    'c?',
    '(?=a)',
    '(?!b)',
  );
  const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '{2,}');
  const piece = fc
    .tuple(atom, quantifier)
    .map(([one, times]) => (one.startsWith('(?=') || one.startsWith('(?!') || one === 'c?' ? one : one + times));
  const pattern = fc
    .tuple(
      fc.constantFrom('', '^'),
      fc.array(piece, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('', '$'),
      fc.option(piece),
    )
    .map(([begin, pieces, end, other]) => `${begin}${pieces.join('')}${end}${other === null ? '' : `|${other}`}`);
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' '), maxLength: 6 });
  fc.assert(
    fc.property(pattern, fc.array(text, { minLength: 25, maxLength: 25 }), (source, texts) => {
      const regex = new RegExp(source, 'u');
      const isEver = texts.some((one) => regex.test(one));
      let gbnf: string;
      try {
        ({ gbnf } = compileGrammar({ type: 'string', pattern: source, maxLength: 6 }));
      } catch (error) {
        // Nothing matches within the length: then none of the texts may.
        expect((error as Error).message).toContain('admits no value');
        expect(isEver).toBe(false);
        return;
      }
      const grammar = new Gbnf(gbnf);
      for (const one of texts)
        expect(grammar.accepts(JSON.stringify(one)), `${source} on ${JSON.stringify(one)}`).toBe(regex.test(one));
    }),
    { numRuns: RUNS, seed: SEED },
  );
});
