/** Tokens per second of one model with many sequences: our step loop against the library's own free-running sequences. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeTinyGguf } from '../../test/support/tiny-gguf.js';
import type { Contender, Suite } from '../suite.js';
import type { EngineInput } from './engine-run.js';

const FILE = new URL('./engine-run.js', import.meta.url);

export const ENGINE_OURS = 'agentyard';
export const ENGINE_THEIRS = 'node-llama-cpp, free-running';

export const suite: Suite = {
  name: 'engine',
  description:
    'generation rate of 8 and 16 sequences at once, through the whole library, against free-running sequences',
  operation:
    'All sequences get a prompt of 16 tokens at once and generate up to 128 greedily; the rate is generated tokens by the time from the first ' +
    'call to the last token. Model load and one warm-up round are excluded. Each contender runs with flash attention on and off; the better counts.',
  async run(context) {
    const models: [name: string, path: string][] = [];
    const real = context.shared && join(context.shared, 'models/smollm2-135m-instruct/smollm2-135m-instruct-q8_0.gguf');
    if (real !== undefined && existsSync(real)) models.push(['SmolLM2-135M Q8_0', real]);
    else context.skip('SmolLM2-135M Q8_0', 'the real model is not here (set AGENTYARD_SHARED)');
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
    models.push(['generated, dim 512, 8 layers, Q8_0', generated]);
    for (const [name, path] of models) {
      for (const sequences of [8, 16]) {
        const contender = (label: string, contender: EngineInput['contender'], flashAttention: boolean): Contender => ({
          name: `${label}, flash attention ${flashAttention ? 'on' : 'off'}`,
          file: FILE,
          input: { contender, path, sequences, flashAttention, outputTokens: context.smoke ? 8 : 128 },
        });
        await context.compare(`${name}, ${sequences} sequences`, [
          contender(ENGINE_OURS, 'agentyard', true),
          contender(ENGINE_THEIRS, 'free-running', true),
          contender(ENGINE_OURS, 'agentyard', false),
          contender(ENGINE_THEIRS, 'free-running', false),
        ]);
      }
    }
  },
};
