import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitText } from '../../../lib/agents/built-in/common/split-text.js';
import { estimateTokens } from '../../../lib/agents/built-in/common/token-estimate.js';
import { lossesOf } from '../../../lib/agents/built-in/translation/losses.js';
import { maskText, unmaskText } from '../../../lib/agents/built-in/translation/mask.js';
import { protectedSpans } from '../../../lib/agents/built-in/translation/protected-spans.js';
import { segmentsOf } from '../../../lib/agents/built-in/translation/segments.js';

const DE = { from: 'en', to: 'de' };

function spansIn(text: string): string[] {
  return protectedSpans(text).map((span) => span.text);
}

function problems(source: string, translation: string, terms: { term: string; translation: string }[] = []): string[] {
  return lossesOf(source, translation, DE, terms).map(({ kind, problem, text }) => `${kind} ${problem} ${text}`.trim());
}

describe('what must stand', () => {
  it.each([
    [
      'Hello {name}, {{count}} of ${total} {0} {} {price, number, currency}',
      ['{name}', '{{count}}', '${total}', '{0}', '{}', '{price, number, currency}'],
    ],
    ['%s has %d of %1$s, %.2f %% and %(user)s', ['%s', '%d', '%1$s', '%.2f', '%%', '%(user)s']],
    ['100% sure, 50% discount, 20 % of it', []],
    [
      '<b>bold</b> <br/> <a href="/x?y=1">link</a> &nbsp; 2 < 3 and 4 > 1',
      ['<b>', '</b>', '<br/>', '<a href="/x?y=1">', '</a>', '&nbsp;'],
    ],
    ['Nice :smile: at 10:30:15, :+1: and 🎉👍🏽 🇩🇪', [':smile:', ':+1:', '🎉', '👍🏽', '🇩🇪']],
    [
      'See https://a.example/b_(c)?d=1. Or (www.b.example/x), mail x.y+z@c.example!',
      ['https://a.example/b_(c)?d=1', 'www.b.example/x', 'x.y+z@c.example'],
    ],
    ['{count, plural, one {# item} other {# items}} and {see below}', []],
  ])('in "%s"', (text, spans) => {
    expect(spansIn(text)).toEqual(spans);
  });

  it.each(['a', '{', '<!--', '%0', ':a', '1,', 'www.', ')', 'http://)', '&', '\n', ' \n', '{a,'])(
    'is found in time in a text of nothing but %j',
    (unit) => {
      const text = unit.repeat(Math.ceil(50_000 / unit.length));
      const begin = performance.now();
      protectedSpans(text);
      segmentsOf(text, 400, [{ term: 'a b', translation: 'c' }]);
      // Takes 0.1 s; what is quadratic takes minutes.
      expect(performance.now() - begin).toBeLessThan(10_000);
    },
    60_000,
  );
});

describe('losses', () => {
  it('finds none in what is intact', () => {
    expect(problems('Pay {amount} by 3/5 at <b>noon</b>', 'Zahle bis 3/5 um <b>Mittag</b> {amount}')).toEqual([]);
  });

  it.each([
    ['Hi {name}', 'Hallo', 'placeholder lost {name}'],
    ['Hi {name}', 'Hallo {Name}', 'placeholder lost {name}'],
    ['Hi', 'Hallo {name}', 'placeholder added {name}'],
    ['Hi {a}', 'Hallo {a} {a}', 'placeholder added {a}'],
    ['%s has %d', '%d hat %s', 'placeholder misplaced %s'],
    ['<b>x</b>', '</b>x<b>', 'placeholder misplaced </b>'],
    ['5 eggs', '6 Eier', 'number lost 5'],
    ['five eggs', '5 Eier', 'number added 5'],
    ['Hello there', '  ', 'text empty'],
    ['This is a long text', 'This is a long text', 'text unchanged'],
  ])('"%s" → "%s"', (source, translation, problem) => {
    expect(problems(source, translation)).toContain(problem);
  });

  it('allows numbered placeholders any order, and names to stay', () => {
    expect(problems('%1$s has %2$d', '%2$d hat %1$s')).toEqual([]);
    expect(problems('Radiohead', 'Radiohead')).toEqual([]);
  });

  it('asks for the terms that the source uses, and for no others', () => {
    const terms = [
      { term: 'invoice', translation: 'Rechnung' },
      { term: 'Windows 11', translation: 'Windows 11' },
    ];
    expect(problems('Your Invoice is here', 'Ihre rechnung ist da', terms)).toEqual([]);
    expect(problems('Your invoice is here', 'Ihre Faktura ist da', terms)).toEqual(['term lost Rechnung']);
    expect(problems('The invoices are here', 'Die Belege sind da', terms)).toEqual([]);
    expect(problems('Windows 11 needs 4 GB', 'Windows 11 braucht 4 GB', terms)).toEqual([]);
  });
});

const fragment = fc.constantFrom(
  'Hello ',
  'pay ',
  'now. ',
  '{name}',
  '{{x}}',
  '%s',
  '%d',
  '%1$s',
  '${y}',
  '<b>',
  '</b>',
  ':smile:',
  'https://a.example/b?c=1 ',
  'x@y.example ',
  '1,234.50 ',
  '7',
  ' -3 ',
  '3.5.2024 ',
  '🎉',
  '%',
  '{',
  '}',
  '<',
  ':',
  'invoice ',
  '\n',
  '⟦',
  '007 ',
  'Größe ',
  '日本語',
);
const generated = fc.array(fragment, { minLength: 1, maxLength: 14 }).map((parts) => parts.join(''));
const languages = fc.constantFrom('de', 'fr', 'ja', 'ar', 'pt-BR');
const TERMS = [{ term: 'invoice', translation: 'Rechnung' }];

describe('masks', () => {
  it('give the text back, intact, when the model keeps the marks', () => {
    fc.assert(
      fc.property(generated, languages, fc.constantFrom('en', undefined), (text, to, from) => {
        const masked = maskText(text, { from, to }, TERMS);
        fc.pre(masked !== undefined);
        const restored = unmaskText(masked.text, masked);
        expect(restored.losses).toEqual([]);
        const losses = lossesOf(text, restored.text, { from, to }, TERMS);
        expect(losses.filter(({ problem }) => problem !== 'unchanged' && problem !== 'empty')).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('tell which marks are lost, doubled or made up', () => {
    const masked = maskText('Pay {amount} to {name}', DE, [])!;
    expect(masked.text).toBe('Pay ⟦1⟧ to ⟦2⟧');
    const losses = (answer: string) =>
      unmaskText(answer, masked).losses.map(({ problem, text }) => `${problem} ${text}`);
    expect(losses('Zahle ⟦ 1 ⟧ an ⟦2⟧')).toEqual([]);
    expect(losses('Zahle ⟦1⟧')).toEqual(['lost ⟦2⟧']);
    expect(losses('⟦1⟧ ⟦2⟧ ⟦2⟧')).toEqual(['added ⟦2⟧']);
    expect(losses('⟦1⟧ ⟦2⟧ ⟦3⟧')).toEqual(['added ⟦3⟧']);
  });
});

describe('segments', () => {
  it('joined are the text, fit, and cut through nothing that must stand', () => {
    fc.assert(
      fc.property(
        fc.array(generated, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 32, max: 80 }),
        (parts, tokensMax) => {
          const text = parts.join(' ');
          const segments = segmentsOf(text, tokensMax, TERMS);
          expect(segments.map(({ before, text: core, after }) => before + core + after).join('')).toBe(text);
          let at = 0;
          for (const { before, text: core, after } of segments) {
            at += before.length + core.length + after.length;
            const cut = at;
            expect(protectedSpans(text).filter(({ start, end }) => start < cut && end > cut)).toEqual([]);
          }
          for (const { text: core } of segments) expect(estimateTokens(core)).toBeLessThanOrEqual(tokensMax + 16);
        },
      ),
    );
  });

  it('are paragraphs where those fit, and of about equal size', () => {
    const paragraph = 'One sentence is here. Another one follows it.\n\n';
    const pieces = splitText(paragraph.repeat(6), { tokensMax: 50 });
    expect(pieces).toEqual([paragraph.repeat(2), paragraph.repeat(2), paragraph.repeat(2)]);
  });

  it('cut a text without blanks too', () => {
    const pieces = splitText('x'.repeat(1_000), { tokensMax: 40 });
    expect(pieces.join('')).toBe('x'.repeat(1_000));
    expect(Math.max(...pieces.map(estimateTokens))).toBeLessThanOrEqual(40);
  });
});
