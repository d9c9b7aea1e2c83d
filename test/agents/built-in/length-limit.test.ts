import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LengthLimit } from '../../../lib/agents/built-in/summary/length-limit.js';
import { wordsOf } from '../../../lib/agents/built-in/text/segment.js';

it('shows what it takes, however the text is cut: a beginning of it, of whole sentences within the limit', () => {
  const sentence = fc.integer({ min: 1, max: 6 }).map((words) => `${'Word '.repeat(words).trimEnd()}.`);
  const text = fc.array(sentence, { minLength: 1, maxLength: 6 }).map((sentences) => `  ${sentences.join(' ')}\n`);
  fc.assert(
    fc.property(
      text,
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      (whole, wordsMax, step, isCut) => {
        const limit = new LengthLimit(wordsMax);
        let shown = '';
        for (let at = 0; at < whole.length; at += step) shown += limit.add(whole.slice(at, at + step));
        shown += limit.end(isCut);
        expect(limit.text).toBe(shown);
        expect(shown).toMatch(/^Word.*\.$/);
        expect(whole.trim().startsWith(shown)).toBe(true);
        expect(limit.isExceeded).toBe(isCut || shown !== whole.trim());
        if (shown.indexOf('.') < shown.length - 1) expect(wordsOf(shown).length).toBeLessThanOrEqual(wordsMax);
      },
    ),
  );
});
