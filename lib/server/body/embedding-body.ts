/** `POST /v1/embeddings`: the body. */
import { z } from 'zod';
import { InvalidRequestError } from '../../base/index.js';
import { describe } from './explain-issue.js';
import { type HintFields, hintShape } from './hint-fields.js';
import { EMBEDDING_NEUTRAL } from './neutral-fields.js';
import { modelName, readBody } from './read-body.js';
import { checkText, checkTokens, isTokenList } from './token-list.js';

/** OpenAI's own limit. */
const MAX_INPUTS = 2_048;

const embeddingBody = z.object({
  model: modelName,
  input: z.unknown(),
  encoding_format: z.enum(['float', 'base64']).optional(),
  dimensions: z.int().min(1).optional(),
  ...hintShape,
});

export interface EmbeddingBody extends HintFields {
  model: string;
  input: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
  encoding_format?: 'float' | 'base64' | undefined;
  dimensions?: number | undefined;
}

/** Reads an embedding body: a text, texts, token ids, or lists of token ids. */
export function readEmbeddingBody(body: unknown): { fields: EmbeddingBody; ignored: string[] } {
  const { fields, ignored } = readBody(embeddingBody, EMBEDDING_NEUTRAL, body);
  return { fields: { ...fields, input: readInput(fields.input) }, ignored };
}

function readInput(input: unknown): EmbeddingBody['input'] {
  if (typeof input === 'string') return checkText(input, 'input');
  if (!Array.isArray(input)) {
    throw new InvalidRequestError(
      `input: expected a text, a list of texts, or a list of token ids; got ${describe(input)}.`,
      'input',
    );
  }
  if (isTokenList(input)) return checkTokens(input, 'input');
  if (input.length === 0 || input.length > MAX_INPUTS) {
    throw new InvalidRequestError(
      `input: expected 1 to ${MAX_INPUTS} entries; got a list of ${input.length}.`,
      'input',
    );
  }
  return Array.isArray(input[0])
    ? input.map((entry, index) => checkTokenEntry(entry, `input[${index}]`))
    : input.map((entry, index) => checkText(entry, `input[${index}]`));
}

function checkTokenEntry(entry: unknown, param: string): readonly number[] {
  if (Array.isArray(entry)) return checkTokens(entry, param);
  throw new InvalidRequestError(
    `${param}: expected a list of token ids like the first; got ${describe(entry)}.`,
    param,
  );
}
