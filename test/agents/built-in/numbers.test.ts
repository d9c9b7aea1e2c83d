import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareNumbers, localiseNumber, numbersOf } from '../../../lib/agents/built-in/common/numbers.js';

function valuesOf(text: string, language?: string): string[][] {
  return numbersOf(text, language).map(({ values }) => [...values].sort());
}

/** Do the numbers of both texts have the same values? */
function agree(source: string, target: string, from: string | undefined, to: string): boolean {
  const { lost, added } = compareNumbers(numbersOf(source, from), numbersOf(target, to));
  return lost.length === 0 && added.length === 0;
}

describe('reading', () => {
  it.each([
    ['1,234', 'en', [['1234']]],
    ['1,234', 'de', [['1.234']]],
    ['1,234', undefined, [['1.234', '1234']]],
    ['1.234,50', 'de', [['1234.5']]],
    ['1.234,50', 'en', [['1234.5']]],
    ['1\u202f234,5', 'fr', [['1234.5']]],
    ["1'234.5", 'de-CH', [['1234.5']]],
    ['12,34,567', 'hi', [['1234567']]],
    ['3.5.2024', 'de', [['3'], ['5'], ['2024']]],
    ['10:30', 'en', [['10'], ['30']]],
    ['007', 'en', [['007']]],
    ['5.00', 'en', [['5']]],
    ['٣٫٥', 'ar', [['3.5']]],
    ['𝟘𝟙𝟡', 'en', [['019']]],
    ['from -5 to −3', 'en', [['-5'], ['-3']]],
    ['3-5 days, A-7', 'en', [['3'], ['5'], ['7']]],
    ['0,5', 'en', [['0.5']]],
  ] as const)('%s in %s', (text, language, values) => {
    expect(valuesOf(text, language)).toEqual(values);
  });
});

describe('comparing', () => {
  it('follows the separators of both languages', () => {
    expect(agree('It costs 1,234.50 dollars', 'Es kostet 1.234,50 Dollar', 'en', 'de')).toBe(true);
    expect(agree('It costs 1,234 dollars', 'Es kostet 1.234 Dollar', 'en', 'de')).toBe(true);
    expect(agree('about 3.5 km', 'environ 3,5 km', 'en', 'fr')).toBe(true);
  });

  it('takes a copied number for altered where it reads differently', () => {
    expect(agree('It costs 1,234 dollars', 'Es kostet 1,234 Dollar', 'en', 'de')).toBe(false);
    expect(agree('It costs 1,234 dollars', 'Es kostet 1,234 Dollar', undefined, 'de')).toBe(true);
  });

  it.each([
    ['5 apples', '6 Äpfel'],
    ['5 apples', 'Äpfel'],
    ['5 and 5', '5'],
    ['5', '5 und 5'],
    ['at -5 degrees', 'bei 5 Grad'],
    ['call 0171', 'Ruf 171'],
    ['1 and 2', '12'],
  ])('"%s" is not "%s"', (source, target) => {
    expect(agree(source, target, 'en', 'de')).toBe(false);
  });

  it('pairs numbers that read in several ways so that as many as can be are paired', () => {
    expect(agree('1,234 and 1.234', '1.234 und 1234', undefined, 'en')).toBe(true);
  });
});

describe('writing as another language does', () => {
  it.each([
    ['1,234.50', 'en', 'de', '1.234,50'],
    ['-1,234', 'en', 'de', '-1.234'],
    ['1.234,5', 'de', 'en', '1,234.5'],
    ['1,234.5', 'en', 'fr', '1\u00a0234,5'],
    ['1234', 'en', 'de', '1234'],
    ['3.5.2024', 'de', 'en', '3.5.2024'],
  ] as const)('%s from %s to %s', (text, from, to, written) => {
    expect(localiseNumber(text, from, to)).toBe(written);
  });

  const languages = fc.constantFrom('en', 'de', 'fr', 'de-CH', 'es', 'pt-BR', 'hi', 'ar', 'ru', 'ja', 'sv');
  it('keeps the value, for every number that a language writes', () => {
    fc.assert(
      fc.property(
        languages,
        languages,
        fc.integer({ min: -10_000_000, max: 10_000_000 }),
        fc.integer({ min: 0, max: 3 }),
        (from, to, thousandths, digits) => {
          const format = new Intl.NumberFormat(from, { maximumFractionDigits: digits, numberingSystem: 'latn' });
          // Marks of direction that some languages put before a minus sign are no part of a number.
          const text = format.format(thousandths / 1_000).replace(/[\u200e\u200f\u061c]/g, '');
          expect(agree(text, localiseNumber(text, from, to), from, to)).toBe(true);
        },
      ),
    );
  });
});
