/** `POST /v1/completions`: the body. */
import { z } from 'zod';
import { InvalidRequestError } from '../../base/index.js';
import { unsupported } from '../failure.js';
import { describe } from './explain-issue.js';
import { type GenerationFields, generationShape } from './generation-fields.js';
import { type HintFields, hintShape } from './hint-fields.js';
import { COMPLETION_NEUTRAL } from './neutral-fields.js';
import { modelName, readBody } from './read-body.js';
import { checkText, checkTokens, isTokenList } from './token-list.js';

const completionBody = z.object({
  model: modelName,
  prompt: z.unknown(),
  ...generationShape,
  ...hintShape,
});

export interface CompletionBody extends GenerationFields, HintFields {
  model: string;
  prompt: string | readonly number[];
}

/** Reads a completion body. One prompt a request: a text, a list of one text, token ids, or a list of one list of them. */
export function readCompletionBody(body: unknown): { fields: CompletionBody; ignored: string[] } {
  const { fields, ignored } = readBody(completionBody, COMPLETION_NEUTRAL, body);
  return { fields: { ...fields, prompt: readPrompt(fields.prompt) } as CompletionBody, ignored };
}

function readPrompt(prompt: unknown): string | readonly number[] {
  if (!Array.isArray(prompt)) {
    if (typeof prompt === 'string') return checkText(prompt, 'prompt');
    throw new InvalidRequestError(`prompt: expected a text or a list of token ids; got ${describe(prompt)}.`, 'prompt');
  }
  if (isTokenList(prompt)) return checkTokens(prompt, 'prompt');
  if (prompt.length > 1) {
    throw unsupported('prompt', `prompt: one prompt a request is supported here; got a list of ${prompt.length}.`);
  }
  return Array.isArray(prompt[0]) ? checkTokens(prompt[0], 'prompt[0]') : checkText(prompt[0], 'prompt[0]');
}
