/** The input of agents that take one text or many. */
import { z } from 'zod';
import { textSchema } from './input-text.js';

/** Texts of one call. */
export const TEXTS_MAX = 10_000;

/** @param charactersMax - longest text, UTF-16 units */
export function textsInput(charactersMax: number) {
  const text = textSchema(charactersMax);
  return z.object({ texts: z.union([text, z.array(text).min(1).max(TEXTS_MAX)]).describe('One text, or many.') });
}

export type TextsInput = z.output<ReturnType<typeof textsInput>>;

export function listOf({ texts }: TextsInput): string[] {
  return typeof texts === 'string' ? [texts] : texts;
}

/** Work of a call: one for each text. */
export function weightOf(input: TextsInput): number {
  return listOf(input).length;
}
