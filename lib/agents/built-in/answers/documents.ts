/** The documents that are searched, and what is refused as one. */
import { z } from 'zod';
import { CHARACTERS_MAX, textSchema } from '../common/input-text.js';

export interface SourceDocument {
  /** What citations call it: a path, an address, a number. Unique. */
  id: string;
  /** Default: its first heading, else its id. */
  title?: string | undefined;
  /** Markdown or plain text, at most 1,000,000 UTF-16 units; empty and binary ones are refused. */
  text: string;
}

export const DOCUMENTS_MAX = 10_000;

export const documentSchema = z.object({
  id: z.string().trim().min(1).max(500),
  title: z.string().trim().min(1).max(500).optional(),
  text: textSchema(CHARACTERS_MAX).describe('Markdown or plain text.'),
});

/**
 * Documents with ids of their own, of at most so many characters together.
 * @param charactersMax - a limit on the work of building an index of them
 */
export function documentsSchema(charactersMax: number) {
  return z
    .array(documentSchema)
    .min(1)
    .max(DOCUMENTS_MAX)
    .refine((documents) => new Set(documents.map(({ id }) => id)).size === documents.length, {
      error: 'two documents have the same id',
    })
    .refine((documents) => documents.reduce((sum, { text }) => sum + text.length, 0) <= charactersMax, {
      error: `are larger than ${charactersMax.toLocaleString('en-US')} characters together`,
    });
}
