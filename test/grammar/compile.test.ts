import { describe, expect, it } from 'vitest';
import { Random } from '../../lib/base/random.js';
import { compileGrammar } from '../../lib/grammar/index.js';
import { validator } from '../support/ajv.js';
import { Gbnf } from '../support/gbnf.js';
import { EXAMPLES } from './schemas.js';

const DERIVATIONS = 60;

describe.each(EXAMPLES)('$name', ({ schema, valid, invalid = [] }) => {
  const grammar = new Gbnf(compileGrammar(schema).gbnf);

  it('derives nothing but valid values', () => {
    const isValid = validator(schema);
    const random = new Random(7);
    for (let i = 0; i < DERIVATIONS; i++) {
      const text = grammar.derive(random);
      const value: unknown = JSON.parse(text);
      expect(isValid(value), `${text.slice(0, 400)}: ${JSON.stringify(isValid.errors)}`).toBe(true);
    }
  });

  it('takes valid values and no others', () => {
    const isValid = validator(schema);
    for (const value of valid) {
      expect(isValid(value), `the example ${JSON.stringify(value).slice(0, 80)} is wrong`).toBe(true);
      expect(grammar.accepts(JSON.stringify(value)), JSON.stringify(value).slice(0, 80)).toBe(true);
    }
    for (const value of invalid)
      expect(grammar.accepts(JSON.stringify(value)), JSON.stringify(value).slice(0, 80)).toBe(false);
  });
});
