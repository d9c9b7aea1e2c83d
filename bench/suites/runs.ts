/** Many runs of agents at once on one model: when does each get its result, how soon does a cancelled one let go, and what stops one that spends too much? */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Suite } from '../suite.js';
import type { RunsInput } from './runs-run.js';

const FILE = new URL('./runs-run.js', import.meta.url);

export const FAN_OUT = '64 runs of plan, 4 tools, summary: SmolLM2-135M Q8_0, 8 sequences';
export const ENDINGS = 'runs that are cancelled, and runs beyond their budget';
export const OURS = 'agentyard, one agent a run';
export const CANCEL_BUSY_METRIC = 'cancel until every chat is settled, busy machine, worst of 8';
export const CANCEL_IDLE_METRIC = 'cancel until nothing is leased, worst of 8';
export const BUDGET_METRIC = 'runs beyond their budget, typed so';
export const FIRST_COME = 'all started at once, first come, first served';

const RUNS = 64;
const SMOKE_RUNS = 4;
/** About a minute on two quiet cores; many times that where others use them too. */
const TIMEOUT_MS = 900_000;

export const suite: Suite = {
  name: 'runs',
  description: 'runs of agents that fan out, as agents and as bare chats; how soon a cancelled run lets go; budgets',
  operation: [
    `${FAN_OUT}: a run is one chat, then four at once, then one. All runs are started at once. Every chat has as many prompt tokens and exactly 16 tokens of`,
    'answer, at temperature 0; a process in which one has more or fewer fails. Both contenders make the same chats through the same library, in the standard class;',
    'model load and one chat to warm up are excluded.',
    `${ENDINGS}: from yard.cancel in the middle of the four chats until every chat of the run is settled, while other runs fill the machine; and, with nothing`,
    'else there, until the last lease is back. Then 16 runs of which every fourth has a budget for half of its chats. Each process checks that all others complete.',
  ].join('\n'),
  async run(context) {
    const path = context.shared && join(context.shared, 'models/smollm2-135m-instruct/smollm2-135m-instruct-q8_0.gguf');
    if (path === undefined || !existsSync(path)) {
      for (const workload of [FAN_OUT, ENDINGS]) {
        context.skip(workload, 'the real model is not here (set AGENTYARD_SHARED)');
      }
      return;
    }
    const inputOf = (way: RunsInput['way']): RunsInput => ({ path, way, runs: context.smoke ? SMOKE_RUNS : RUNS });
    // One run holds 384 chats; the gate has ten minutes for everything.
    const options = { reps: 1, timeoutMs: TIMEOUT_MS };
    await context.compare(
      FAN_OUT,
      [
        { name: OURS, file: FILE, input: inputOf('agents') },
        { name: FIRST_COME, file: FILE, input: inputOf('first come') },
      ],
      options,
    );
    await context.compare(ENDINGS, [{ name: OURS, file: FILE, input: inputOf('endings') }], options);
  },
};
