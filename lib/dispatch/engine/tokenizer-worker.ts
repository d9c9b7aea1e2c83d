/** Worker thread of an engine: tokenises long prompts with a vocabulary-only copy of the model. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ModelJob } from '../../runtime/backend.js';
import { loadPromptMaker, type VocabularySource } from './engine-library.js';
import { makePrompt, type PromptMaker } from './prompt.js';
import type { WireError } from './protocol.js';
import { toWire } from './wire-error.js';

export type TokenizerAnswer =
  | { request: number; tokens: Uint32Array; stopTokens: number[]; stopTexts: readonly string[] }
  | { request: number; error: WireError };

let maker: Promise<PromptMaker> | undefined;

async function answer(request: number, job: ModelJob): Promise<TokenizerAnswer> {
  try {
    // A file that was away for a moment may be back for the next prompt.
    maker ??= loadPromptMaker(workerData as VocabularySource).catch((error: unknown) => {
      maker = undefined;
      throw error;
    });
    const { tokens, stopTokens, stopTexts } = makePrompt(await maker, job);
    return { request, tokens: Uint32Array.from(tokens), stopTokens: [...stopTokens], stopTexts };
  } catch (error) {
    return { request, error: toWire(error, 'The prompt could not be tokenised') };
  }
}

parentPort?.on('message', ({ request, job }: { request: number; job: ModelJob }) => {
  void answer(request, job).then((message) => parentPort?.postMessage(message));
});
