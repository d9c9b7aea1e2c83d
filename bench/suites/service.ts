/** What the customers of a service desk feel while bulk work waits for the same model: with a real engine, through the built-in agents. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Suite } from '../suite.js';
import type { ServiceInput } from './service-run.js';

const FILE = new URL('./service-run.js', import.meta.url);

export const DESK = '16 conversations of 5 turns, 100 summaries wait: SmolLM2-135M Q8_0, 8 sequences';
export const IDLE = 'one conversation at a time on an idle machine, 5 turns';
export const OURS = 'agentyard: classes and priorities';
export const FIRST_COME = 'first come, first served, nothing kept';

export const URGENT_P95 = 'first token of urgent turns, p95';
export const CACHED_SHARE = 'earlier tokens that were not computed again';
export const FIFTH_TO_SECOND = 'first token, fifth turn / second';

/** Two quiet cores take a minute and a half for one of them. */
const TIMEOUT_MS = 900_000;

export const suite: Suite = {
  name: 'service',
  description:
    'first token of urgent turns of 16 conversations while 100 summaries wait, and what of earlier turns is computed again',
  operation: [
    `${DESK}: one operation is one turn, from the call of the conversation agent to its first text. 4 of the 16 conversations are urgent. Every person thinks 2 to`,
    '8 seconds between an answer and the next message (seeded, the same for both contenders); summaries of about 330 tokens are all submitted before the first turn.',
    'Both contenders make the same calls through the same agents, and save sessions alike; the second ignores classes and priorities. Model load and one turn to',
    'warm up are excluded. "Earlier tokens": those of the prompt before and its answer, for every turn but the first; what the engine did not compute again.',
    `${IDLE}: medians of the second and of the fifth turn over the conversations.`,
  ].join('\n'),
  async run(context) {
    const path = context.shared && join(context.shared, 'models/smollm2-135m-instruct/smollm2-135m-instruct-q8_0.gguf');
    if (path === undefined || !existsSync(path)) {
      for (const workload of [DESK, IDLE]) {
        context.skip(workload, 'the real model is not here (set AGENTYARD_SHARED)');
      }
      return;
    }
    const { smoke, seed } = context;
    const contender = (name: string, way: ServiceInput['way']): Contender => {
      const input: ServiceInput = {
        path,
        way,
        seed,
        conversations: smoke ? 6 : way === 'idle' ? 8 : 16,
        urgentEvery: smoke ? 3 : 4,
        turns: smoke ? 2 : 5,
        summaries: smoke ? 12 : 100,
        thinkMs: smoke ? [100, 200] : [2_000, 8_000],
      };
      return { name, file: FILE, input: { ...input } };
    };
    // One run holds 80 turns, and takes minutes.
    const options = { reps: 1, timeoutMs: TIMEOUT_MS };
    await context.compare(DESK, [contender(OURS, 'ours'), contender(FIRST_COME, 'first come')], options);
    await context.compare(IDLE, [contender(OURS, 'idle')], options);
  },
};
