import { expect, it } from 'vitest';
import { nearest } from '../../lib/base/nearest.js';

it.each([
  { word: 'concurency', known: ['concurrency', 'classes'], guess: 'concurrency' },
  { word: 'prority', known: ['parent', 'priority'], guess: 'priority' },
  { word: 'ab', known: ['xy'], guess: undefined },
  { word: 'a', known: ['b'], guess: undefined },
  { word: 'concurrency', known: [], guess: undefined },
  { word: 'tool', known: ['tools', 'toll'], guess: 'tools' },
  { word: 'x'.repeat(300), known: ['x'.repeat(299)], guess: undefined },
])('the nearest of $known to $word is $guess', ({ word, known, guess }) => {
  expect(nearest(word, known)).toBe(guess);
});

it('keeps to stricter limits', () => {
  expect(nearest('max_tokenz', ['max_tokens'], { slips: 2, share: 1 / 3 })).toBe('max_tokens');
  expect(nearest('maxtokenz', ['max_tokens'], { slips: 1, share: 1 / 3 })).toBeUndefined();
  expect(nearest('stip', ['stop'], { slips: 2, share: 1 / 5 })).toBeUndefined();
});
