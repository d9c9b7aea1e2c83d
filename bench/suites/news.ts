/** A live feed with a deadline beside bulk history, on the same embedding model. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Suite } from '../suite.js';
import type { NewsInput } from './news-run.js';

const FILE = new URL('./news-run.js', import.meta.url);

export const FEED = '2,000 items of history, a live feed of 30 % of the machine, deadline 3 s: all-MiniLM-L6-v2 Q8_0';
export const OURS = 'agentyard: classes';
export const FIRST_COME = 'first come, first served';

export const IN_TIME = 'live items classified in time';
export const ACCURACY_LOSS = 'accuracy on the idle machine, less that beside the history';
export const HISTORY_TIME = 'history / (time without the feed + the work of the feed)';

/** Two quiet cores take a minute and a half for one of them. */
const TIMEOUT_MS = 900_000;

export const suite: Suite = {
  name: 'news',
  description:
    'live news items classified within a deadline while bulk history waits, and what the history pays for it',
  operation: [
    'One operation is one live item, a sentence of a newspaper editorial, from the call of the sentiment agent (taught by 100 sentences of each tone) to its result.',
    'Items come at random (seeded) at a rate that would by itself keep the machine busy for 30 % of the time, as measured by the history alone in the same process: one',
    'half of it before the feed, one after it. One that has no result within 3 s counts as wrong. Both contenders make the same calls; the second ignores classes.',
    'Nothing is cached. Model load and teaching are excluded.',
  ].join(' '),
  async run(context) {
    const path = context.shared && join(context.shared, 'models/all-minilm-l6-v2/all-minilm-l6-v2-q8_0.gguf');
    if (path === undefined || !existsSync(path)) {
      context.skip(FEED, 'the real model is not here (set AGENTYARD_SHARED)');
      return;
    }
    if (!existsSync(join(context.shared!, 'data/vader_nyt_editorials.tsv.gz'))) {
      context.skip(FEED, 'the labelled sentences are not here (set AGENTYARD_SHARED)');
      return;
    }
    const { smoke, seed } = context;
    const contender = (name: string, firstCome: boolean): Contender => {
      const input: NewsInput = {
        path,
        shared: context.shared!,
        firstCome,
        seed,
        history: smoke ? 200 : 2_000,
        examples: smoke ? 20 : 100,
        feedRatio: 0.3,
        deadlineMs: 3_000,
      };
      return { name, file: FILE, input: { ...input } };
    };
    await context.compare(FEED, [contender(OURS, false), contender(FIRST_COME, true)], {
      // One run holds some 800 live items, and takes more than a minute.
      reps: 1,
      timeoutMs: TIMEOUT_MS,
    });
  },
};
