/** Tokens per second of one model with many sequences: our step loop against the library's own free-running sequences. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeTinyGguf } from '../../test/support/tiny-gguf.js';
import type { Suite } from '../suite.js';
import type { EngineInput } from './engine-run.js';

const FILE = new URL('./engine-run.js', import.meta.url);

export const ENGINE_OURS = 'agentyard';
export const ENGINE_THEIRS = 'node-llama-cpp, free-running';

export const SMOLLM2 = 'SmolLM2-135M Q8_0';

export function engineWorkload(model: string, sequences: number): string {
  return `${model}, ${sequences} sequences`;
}

export const suite: Suite = {
  name: 'engine',
  description:
    'generation rate of 8 and 16 sequences at once, through the whole library, against free-running sequences',
  operation:
    'All sequences get a prompt of about 20 tokens at once and generate up to 64 greedily; the rate is generated tokens by the time from the ' +
    'first call to the last token, prompts included. Model load and a warm-up are excluded. Each contender runs with flash attention on and ' +
    'off; the better counts.',
  async run(context) {
    const models: { name: string; path: string; isTrained: boolean }[] = [];
    const real = context.shared && join(context.shared, 'models/smollm2-135m-instruct/smollm2-135m-instruct-q8_0.gguf');
    if (real !== undefined && existsSync(real)) models.push({ name: SMOLLM2, path: real, isTrained: true });
    else
      for (const sequences of [8, 16])
        context.skip(engineWorkload(SMOLLM2, sequences), 'the real model is not here (set AGENTYARD_SHARED)');
    const generated = join(context.scratch, 'dim-512.gguf');
    await writeTinyGguf(generated, {
      dim: 512,
      layers: 8,
      heads: 8,
      kvHeads: 4,
      feedForward: 1_024,
      contextTokens: 2_048,
      type: 'Q8_0',
      seed: context.seed,
      kind: 'random',
    });
    models.push({ name: 'generated, dim 512, 8 layers, Q8_0', path: generated, isTrained: false });
    for (const { name, path, isTrained } of models) {
      for (const sequences of [8, 16]) {
        const outputTokens = context.smoke ? 8 : 64;
        const input = (contender: EngineInput['contender']): EngineInput => ({
          contender,
          path,
          sequences,
          outputTokens,
          isTrained,
        });
        await context.compare(engineWorkload(name, sequences), [
          { name: ENGINE_OURS, file: FILE, input: input('agentyard') },
          { name: ENGINE_THEIRS, file: FILE, input: input('free-running') },
        ]);
      }
    }
  },
};
