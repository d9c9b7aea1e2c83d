/** What a chat user feels while batch work fills the machine: through the whole library, with a real engine. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Suite } from '../suite.js';
import type { ResponsivenessInput } from './responsiveness-run.js';

const FILE = new URL('./responsiveness-run.js', import.meta.url);

export const RESPONSIVENESS_WORKLOAD = 'SmolLM2-135M Q8_0, 8 sequences';
export const FIRST_COME = 'first come, first served, nothing kept';
export const OURS = 'agentyard defaults';

export const suite: Suite = {
  name: 'responsiveness',
  description:
    'first token of an interactive prompt while 24 batch prompts run, gaps of running streams, and freed slots',
  operation:
    'One operation is one interactive prompt of 32 tokens, from the call to its first text, while batch prompts of 512 tokens (64 out) ' +
    'keep 8 sequences busy. Model load and warm-up are excluded.',
  async run(context) {
    const path = context.shared && join(context.shared, 'models/smollm2-135m-instruct/smollm2-135m-instruct-q8_0.gguf');
    if (path === undefined || !existsSync(path)) {
      context.skip(RESPONSIVENESS_WORKLOAD, 'the real model is not here (set AGENTYARD_SHARED)');
      return;
    }
    const input = (changes: Partial<ResponsivenessInput>): ResponsivenessInput => ({
      path,
      sequences: 8,
      probes: context.smoke ? 2 : 10,
      disconnects: context.smoke ? 3 : 20,
      seed: context.seed,
      firstCome: false,
      ...changes,
    });
    const contenders: Contender[] = [
      { name: OURS, file: FILE, input: { ...input({}) } },
      {
        name: FIRST_COME,
        file: FILE,
        input: { ...input({ firstCome: true, probes: context.smoke ? 1 : 2, disconnects: 0 }) },
      },
    ];
    await context.compare(RESPONSIVENESS_WORKLOAD, contenders, {
      // One run holds ten probes; the gate has ten minutes for everything.
      reps: 1,
      timeoutMs: 300_000,
    });
  },
};
