/** Real models for tests, when the folder that AGENTYARD_SHARED names has them. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = resolve(process.env.AGENTYARD_SHARED ?? '../shared');

function model(path: string): string | undefined {
  const file = join(folder, 'models', path);
  return existsSync(file) ? file : undefined;
}

/** SmolLM2-135M-Instruct Q8_0, or undefined. */
export const SMOLLM2 = model('smollm2-135m-instruct/smollm2-135m-instruct-q8_0.gguf');

/** all-MiniLM-L6-v2 Q8_0, or undefined. */
export const MINILM = model('all-minilm-l6-v2/all-minilm-l6-v2-q8_0.gguf');
