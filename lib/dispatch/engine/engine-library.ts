/** node-llama-cpp, loaded where it is needed and nowhere else. */
import { EngineUnavailableError } from '../../base/errors.js';
import type { PromptMaker } from './prompt.js';

/** What a vocabulary is loaded from. */
export interface VocabularySource {
  path: string;
  enginePackage: string;
}

export type EngineLibrary = typeof import('node-llama-cpp');

/** @throws {@link EngineUnavailableError} when the package is not installed or does not load here */
export async function loadLibrary(enginePackage: string): Promise<EngineLibrary> {
  try {
    return (await import(enginePackage)) as EngineLibrary;
  } catch (error) {
    throw new EngineUnavailableError(
      'node-llama-cpp does not load; local models need it. Install it beside agentyard: npm install node-llama-cpp@3.22.1',
      error,
    );
  }
}

/** A vocabulary without weights. */
export async function loadPromptMaker({ path, enginePackage }: VocabularySource): Promise<PromptMaker> {
  const library = await loadLibrary(enginePackage);
  const llama = await library.getLlama({ build: 'never', gpu: false, logLevel: library.LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath: path, vocabOnly: true });
  return { model, chatWrapper: library.resolveChatWrapper(model) };
}
