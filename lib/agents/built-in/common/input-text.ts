/** The schema of a text that an agent is given by strangers. */
import { z } from 'zod';

/** A million characters: some 250,000 tokens, more than the contexts of today hold, and still read in a second. */
export const CHARACTERS_MAX = 1_000_000;

const NUL = '\u0000';
/** Halves of a pair of UTF-16 units without the other half. They have no form in UTF-8, so no model can be sent them. */
const LONE_SURROGATE = /\p{Cs}/u;

/**
 * A text with at least one character that is not white space, no NUL (the sign of a binary file) and no lone surrogate.
 * @param charactersMax - longest text in UTF-16 units; a longer one is refused, never cut
 */
export function textSchema(charactersMax: number = CHARACTERS_MAX): z.ZodString {
  return z
    .string()
    .min(1)
    .max(charactersMax)
    .refine((text) => text.trim() !== '', { error: 'is empty: nothing but white space' })
    .refine((text) => !text.includes(NUL), { error: 'is not a text: it holds NUL characters, as binary files do' })
    .refine((text) => !LONE_SURROGATE.test(text), { error: 'is not a text: it holds lone surrogates' });
}
