/** Do answers under a schema hold, and what does holding them cost? */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Suite } from '../suite.js';
import { SMOLLM2 } from './engine.js';
import type { StructuredInput } from './structured-run.js';
import { CASES } from './structured-schemas.js';

const FILE = new URL('./structured-run.js', import.meta.url);
const SEQUENCES = 16;
const PER_CASE = 50;

export const STRUCTURED_VALIDITY = `${SMOLLM2}, ${CASES.length} schemas, ${PER_CASE} answers each`;
export const STRUCTURED_RATE = `${SMOLLM2}, ${SEQUENCES} sequences, bound and free`;

export const suite: Suite = {
  name: 'structured',
  description:
    'answers under 20 JSON schemas: valid, cut off or invalid, optional properties left out; what a grammar costs',
  operation:
    'An answer at temperature 0.8 with at most 512 tokens, its text judged by ajv with formats. The rate is that of 32 answers on 16 sequences ' +
    'which all go on to their limit of 96 tokens, prompts included, under a schema of one long string, under one of many small objects, and free.',
  async run(context) {
    const path = context.shared && join(context.shared, 'models/smollm2-135m-instruct/smollm2-135m-instruct-q8_0.gguf');
    if (path === undefined || !existsSync(path)) {
      const reason = 'the real model is not here (set AGENTYARD_SHARED), and a generated one has nothing to say';
      context.skip(STRUCTURED_VALIDITY, reason);
      context.skip(STRUCTURED_RATE, reason);
      return;
    }
    const shared = { path, sequences: SEQUENCES };
    const validity: StructuredInput = {
      ...shared,
      kind: 'validity',
      maxTokens: context.smoke ? 64 : 512,
      perCase: context.smoke ? 1 : PER_CASE,
      seed: context.seed,
    };
    // One run is a thousand answers already.
    await context.compare(STRUCTURED_VALIDITY, [{ name: 'agentyard', file: FILE, input: validity }], {
      reps: 1,
      timeoutMs: 3_600_000,
    });
    const rate = (bound: 'free' | 'string' | 'objects'): StructuredInput => ({
      ...shared,
      kind: 'rate',
      bound,
      maxTokens: context.smoke ? 16 : 96,
    });
    await context.compare(
      STRUCTURED_RATE,
      [
        { name: 'free', file: FILE, input: rate('free') },
        { name: 'one long string', file: FILE, input: rate('string') },
        { name: 'many small objects', file: FILE, input: rate('objects') },
      ],
      { timeoutMs: 600_000 },
    );
  },
};
