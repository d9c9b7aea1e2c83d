/** One run of the news suite: one way of watching the feed in a process of its own. */
import { setTimeout as after } from 'node:timers/promises';
import type { AgentOutput, Yard } from '../../lib/index.js';
import { serveContender } from '../contender.js';
import { loadProduct } from '../product.js';
import { quantile } from '../statistics.js';
import type { Measurement } from '../suite.js';
import { ACCURACY_LOSS, HISTORY_TIME, IN_TIME } from './news.js';
import { must } from './queue-support.js';
import { type Editorial, readEditorials } from './support/data-sets.js';
import { shuffled, uniform } from './support/random.js';

export type NewsInput = {
  path: string;
  shared: string;
  /** Classes are ignored. */
  firstCome: boolean;
  seed: number;
  /** Items that wait when the feed begins. */
  history: number;
  /** Sentences of each tone that the agent is taught by. */
  examples: number;
  /** Part of the machine that the feed takes, in (0, 1). */
  feedRatio: number;
  deadlineMs: number;
};

/** From here on twenty people agree about a tone. */
const SURE_SCORE = 1;
/** Items of the history that one call takes. */
const CALL_ITEMS = 100;

type Product = typeof import('../../lib/index.js');
type BuiltIn = typeof import('../../lib/agents/built-in/index.js');
type Sentiment = ReturnType<BuiltIn['sentiment']>;

interface Verdict {
  isInTime: boolean;
  isRight: boolean;
  totalMs: number;
}

serveContender<NewsInput>(async (input) => {
  const { Yard, isAgentyardError } = await loadProduct<Product>('index.js');
  const { sentiment, preparationOf } = await loadProduct<BuiltIn>('agents/built-in/index.js');
  const { taught, live, history } = draw(readEditorials(input.shared)!, input);
  const agent = sentiment({ examples: taught, neutralBelow: 0 });
  const yard = new Yard({
    models: { embedder: { path: input.path, sequences: 2 } },
    // What is measured is the machine, not what it remembers.
    reuse: { resultBytes: 0, embeddingBytes: 0 },
    ...(input.firstCome && { order: 'fcfs' as const, share: 'none' as const }),
  });
  try {
    await yard.ready();
    await yard.run(preparationOf(agent)!, {});
    const feed = new Feed(yard, agent, isAgentyardError, input);
    const half = history.length / 2;
    const firstHalfMs = await feed.readHistory(history.slice(0, half));
    const idle = await feed.watchAlone(live);
    const perSecond = (input.feedRatio * half * 1_000) / firstHalfMs;
    const { historyMs, arrived, verdicts } = await feed.watchBeside(history, live, perSecond);
    const secondHalfMs = await feed.readHistory(history.slice(half));
    const aloneMs = firstHalfMs + secondHalfMs;
    const inTime = verdicts.filter(({ isInTime }) => isInTime);
    const latencies = verdicts.map(({ totalMs }) => totalMs);
    const idleLatencies = idle.map(({ totalMs }) => totalMs);
    // The feed is over when the history is, so not every live item had a turn: the same ones are compared.
    const idleAccuracy = rightRatio(verdicts.map((_, at) => idle[at % idle.length]!));
    const row = (metric: string, unit: string, value: number): Measurement => ({ metric, unit, value });
    return [
      row('live items', 'items', verdicts.length),
      row('rate of the feed', 'items/s', perSecond),
      row(IN_TIME, 'share', inTime.length / verdicts.length),
      row('time of a live item, median', 'ms', quantile(latencies, 0.5)),
      row('time of a live item, p99', 'ms', quantile(latencies, 0.99)),
      row('time of a live item on the idle machine, median', 'ms', quantile(idleLatencies, 0.5)),
      row('accuracy on the idle machine', 'share', idleAccuracy),
      row('accuracy beside the history, late is wrong', 'share', rightRatio(verdicts)),
      row(ACCURACY_LOSS, 'share', idleAccuracy - rightRatio(verdicts)),
      row('history without the feed', 's', aloneMs / 1_000),
      row('history beside the feed', 's', historyMs / 1_000),
      row(HISTORY_TIME, 'ratio', historyMs / (aloneMs * (1 + arrived / history.length))),
    ];
  } finally {
    await yard.close();
  }
});

class Feed {
  readonly #yard: Yard;
  readonly #agent: Sentiment;
  readonly #isTyped: (error: unknown) => boolean;
  readonly #input: NewsInput;

  constructor(yard: Yard, agent: Sentiment, isTyped: (error: unknown) => boolean, input: NewsInput) {
    this.#yard = yard;
    this.#agent = agent;
    this.#isTyped = isTyped;
    this.#input = input;
  }

  /** Submits all items at once. Resolves with the time until the last is classified, ms. */
  async readHistory(items: readonly Editorial[]): Promise<number> {
    const beginMs = performance.now();
    const calls: Promise<AgentOutput<Sentiment>>[] = [];
    for (let at = 0; at < items.length; at += CALL_ITEMS) {
      const texts = items.slice(at, at + CALL_ITEMS).map(({ text }) => text);
      const className = this.#input.firstCome ? 'batch' : 'background';
      calls.push(this.#yard.run(this.#agent, { texts }, { class: className }));
    }
    const done = (await Promise.all(calls)).reduce((sum, { results }) => sum + results.length, 0);
    must(done === items.length, 'The history has holes.');
    return performance.now() - beginMs;
  }

  /** One after another. */
  async watchAlone(items: readonly Editorial[]): Promise<Verdict[]> {
    const verdicts: Verdict[] = [];
    for (const item of items) verdicts.push(await this.#judge(item));
    return verdicts;
  }

  /** Items come until the history is done; after the last live item the first comes again. */
  async watchBeside(history: readonly Editorial[], live: readonly Editorial[], perSecond: number) {
    const random = uniform(this.#input.seed + 1);
    const pending: Promise<Verdict>[] = [];
    let historyMs: number | undefined;
    let arrived = 0;
    const whole = this.readHistory(history).then((ms) => {
      historyMs = ms;
      arrived = pending.length;
    });
    const beginMs = performance.now();
    let dueMs = 0;
    while (historyMs === undefined) {
      dueMs += (-Math.log(1 - random()) * 1_000) / perSecond;
      // Items come when they come, however long the loop was held.
      await after(Math.max(0, beginMs + dueMs - performance.now()));
      if (historyMs === undefined) pending.push(this.#judge(live[pending.length % live.length]!));
    }
    await whole;
    return { historyMs, arrived, verdicts: await Promise.all(pending) };
  }

  async #judge({ text, score }: Editorial): Promise<Verdict> {
    const beginMs = performance.now();
    const { deadlineMs, firstCome } = this.#input;
    try {
      const options = { class: firstCome ? 'batch' : 'interactive', deadlineMs } as const;
      const { results } = await this.#yard.run(this.#agent, { texts: text }, options);
      const totalMs = performance.now() - beginMs;
      const isInTime = totalMs <= deadlineMs;
      return { isInTime, isRight: isInTime && results[0]!.score > 0 === score > 0, totalMs };
    } catch (error) {
      if (!this.#isTyped(error)) throw error;
      return { isInTime: false, isRight: false, totalMs: performance.now() - beginMs };
    }
  }
}

/** Sentences to learn from, of sure tone and not learnt from for the feed, and any others for the history. */
function draw(editorials: readonly Editorial[], { seed, examples, history }: NewsInput) {
  const order = shuffled(editorials, uniform(seed));
  const good = order.filter(({ score }) => score >= SURE_SCORE);
  const bad = order.filter(({ score }) => score <= -SURE_SCORE);
  const taught = {
    positive: good.slice(0, examples).map(({ text }) => text),
    negative: bad.slice(0, examples).map(({ text }) => text),
  };
  const live = shuffled([...good.slice(examples), ...bad.slice(examples)], uniform(seed + 2)).slice(0, history / 2);
  const others = order.filter(({ score }) => Math.abs(score) < SURE_SCORE).slice(0, history);
  must(others.length === history, 'There are too few sentences for so long a history.');
  return { taught, live, history: others };
}

function rightRatio(verdicts: readonly Verdict[]): number {
  return verdicts.filter(({ isRight }) => isRight).length / verdicts.length;
}
