/** One run of the service suite: one way of serving the desk in a process of its own. */
import { setTimeout as after } from 'node:timers/promises';
import type { Memory } from '../../lib/agents/built-in/index.js';
import type { Yard } from '../../lib/index.js';
import { serveContender } from '../contender.js';
import { loadProduct } from '../product.js';
import { quantile } from '../statistics.js';
import type { Measurement } from '../suite.js';
import { must } from './queue-support.js';
import { CACHED_SHARE, FIFTH_TO_SECOND, URGENT_P95 } from './service.js';
import { caseOf, reportOf } from './service-texts.js';
import { uniform } from './support/random.js';

export type ServiceInput = {
  path: string;
  way: 'ours' | 'first come' | 'idle';
  seed: number;
  conversations: number;
  /** Every so manieth conversation is urgent. */
  urgentEvery: number;
  turns: number;
  summaries: number;
  /** Least and longest pause of a person between an answer and the next message, ms. */
  thinkMs: [number, number];
};

const MODEL = 'chat';
const SEQUENCES = 8;
const CONTEXT_TOKENS = 1_024;
const REPLY_TOKENS = 40;
const SUMMARY_WORDS = 20;
const URGENT_PRIORITY = 2;
const SYSTEM =
  'You work at the service desk of Lindenbank, an online bank. Answer in one or two short, friendly sentences. Cards are blocked in the app under Cards. ' +
  'New cards arrive within five working days. Transfers within Europe take one working day. Refunds take up to ten days. Never ask for a PIN.';

type Product = typeof import('../../lib/index.js');
type BuiltIn = typeof import('../../lib/agents/built-in/index.js');

interface Turn {
  /** From 0. */
  turn: number;
  isUrgent: boolean;
  firstTextMs: number;
  /** Of the prompt before and its answer; 0 for the first turn. */
  earlierTokens: number;
  /** Of those: not computed again. */
  keptTokens: number;
  /** Summaries that had not ended when it came. */
  summariesLeft: number;
}

serveContender<ServiceInput>(async (input) => {
  const { Yard } = await loadProduct<Product>('index.js');
  const builtIn = await loadProduct<BuiltIn>('agents/built-in/index.js');
  const isFirstCome = input.way === 'first come';
  const yard = new Yard({
    models: {
      [MODEL]: {
        path: input.path,
        sequences: SEQUENCES,
        contextTokens: CONTEXT_TOKENS,
        ...(isFirstCome && { keepInteractive: 0 }),
      },
    },
    ...(isFirstCome && { order: 'fcfs' as const, share: 'none' as const }),
    // A slow machine makes the figures worse; it does not end the run.
    classes: { interactive: { timeoutMs: 600_000 } },
  });
  try {
    await yard.ready();
    const desk = new Desk(yard, builtIn, input);
    await desk.warmUp();
    return input.way === 'idle' ? await measureIdle(desk, input) : await measureDesk(yard, desk, input);
  } finally {
    await yard.close();
  }
});

/** The agents as the desk calls them. Where classes are ignored, all work is of one. */
class Desk {
  readonly #yard: Yard;
  readonly #isFirstCome: boolean;
  readonly #memories = new Map<string, Memory>();
  readonly #conversation: ReturnType<BuiltIn['conversation']>;
  readonly #summary: ReturnType<BuiltIn['summary']>;
  summariesLeft = 0;

  constructor(yard: Yard, { conversation, summary }: BuiltIn, { way }: ServiceInput) {
    this.#yard = yard;
    this.#isFirstCome = way === 'first come';
    this.#conversation = conversation({
      system: SYSTEM,
      memoryTokens: CONTEXT_TOKENS - REPLY_TOKENS,
      maxTokens: REPLY_TOKENS,
      temperature: 0,
      store: { get: (key) => this.#memories.get(key), set: (key, memory) => void this.#memories.set(key, memory) },
    });
    this.#summary = summary({ words: SUMMARY_WORDS });
  }

  async warmUp(): Promise<void> {
    await this.#yard.run(this.#conversation, { message: 'Hello!' });
  }

  async turn(conversation: string, turn: number, message: string, isUrgent: boolean): Promise<Turn> {
    const { summariesLeft } = this;
    // As the model counted them: the prompt before, and its answer.
    const earlierTokens = this.#memories.get(JSON.stringify(['default', conversation]))?.prefixTokens ?? 0;
    const beginMs = performance.now();
    let firstTextMs: number | undefined;
    const { memory } = await this.#yard.run(
      this.#conversation,
      { conversation, message },
      {
        ...(this.#isFirstCome
          ? { class: 'batch' }
          : { class: 'interactive', priority: isUrgent ? URGENT_PRIORITY : 0 }),
        onPart: () => {
          firstTextMs ??= performance.now() - beginMs;
        },
      },
    );
    must(firstTextMs !== undefined, 'A turn was answered by nothing.');
    must(memory.turns === turn, 'A conversation forgot turns, or had them summed up.');
    const keptTokens = Math.min(memory.cachedTokens, earlierTokens);
    return { turn, isUrgent, firstTextMs, earlierTokens, keptTokens, summariesLeft };
  }

  /** Submits them all. Resolves with the time that they took, ms. */
  async sumUp(texts: readonly string[]): Promise<number> {
    const beginMs = performance.now();
    this.summariesLeft = texts.length;
    await Promise.all(
      texts.map(async (text) => {
        const { summary } = await this.#yard.run(this.#summary, { text }, { class: 'batch' });
        must(summary !== '', 'A summary is empty.');
        this.summariesLeft--;
      }),
    );
    return performance.now() - beginMs;
  }
}

async function measureDesk(yard: Yard, desk: Desk, input: ServiceInput): Promise<Measurement[]> {
  const random = uniform(input.seed);
  const pause = ([least, longest]: [number, number]) => least + random() * (longest - least);
  // Drawn before anything runs, so that both contenders' people think alike.
  const people = Array.from({ length: input.conversations }, (_, index) => ({
    name: `case ${index}`,
    isUrgent: index % input.urgentEvery === 0,
    messages: caseOf(index, input.turns),
    pausesMs: Array.from({ length: input.turns }, (_, turn) =>
      pause(turn === 0 ? [0, input.thinkMs[1]] : input.thinkMs),
    ),
  }));
  const summaries = desk.sumUp(Array.from({ length: input.summaries }, (_, index) => reportOf(index, random)));
  const beginMs = performance.now();
  const turns: Turn[] = [];
  let savedBytes = 0;
  let savedSessions = 0;
  const converse = () =>
    Promise.all(
      people.map(async ({ name, isUrgent, messages, pausesMs }) => {
        for (const [turn, message] of messages.entries()) {
          await after(pausesMs[turn]!);
          turns.push(await desk.turn(name, turn, message, isUrgent));
          const saved = yard.stats().models[MODEL]!.savedSessions;
          savedBytes = Math.max(savedBytes, saved?.bytes ?? 0);
          savedSessions = Math.max(savedSessions, saved?.sessions ?? 0);
        }
      }),
    );
  const [summariesMs, conversationsMs] = await Promise.all([
    summaries,
    converse().then(() => performance.now() - beginMs),
  ]);
  const saved = yard.stats().models[MODEL]!.savedSessions;
  const urgent = turns.filter(({ isUrgent }) => isUrgent).map(({ firstTextMs }) => firstTextMs);
  const others = turns.filter(({ isUrgent }) => !isUrgent).map(({ firstTextMs }) => firstTextMs);
  const row = (metric: string, unit: string, value: number): Measurement => ({ metric, unit, value });
  return [
    row('first token of urgent turns, median', 'ms', quantile(urgent, 0.5)),
    row(URGENT_P95, 'ms', quantile(urgent, 0.95)),
    row('first token of other turns, median', 'ms', quantile(others, 0.5)),
    row('first token of other turns, p95', 'ms', quantile(others, 0.95)),
    row(
      'turns that came while summaries waited',
      'share',
      turns.filter((turn) => turn.summariesLeft > SEQUENCES).length / turns.length,
    ),
    row(CACHED_SHARE, 'share', sumOf(turns, 'keptTokens') / Math.max(1, sumOf(turns, 'earlierTokens'))),
    row('all conversations', 's', conversationsMs / 1_000),
    row('all summaries', 's', summariesMs / 1_000),
    row('saved sessions, most at a time', 'sessions', savedSessions),
    row('saved sessions, most memory', 'MiB', savedBytes / 2 ** 20),
    row('saves', 'saves', saved?.saves ?? 0),
    row('loads', 'loads', saved?.loads ?? 0),
    row('time of all saves and loads', 'ms', (saved?.saveMs ?? 0) + (saved?.loadMs ?? 0)),
    row('left out for the sake of running streams', 'times', saved?.leftOut ?? 0),
  ];
}

async function measureIdle(desk: Desk, { conversations, turns }: ServiceInput): Promise<Measurement[]> {
  const all: Turn[] = [];
  for (let index = 0; index < conversations; index++) {
    for (const [turn, message] of caseOf(index, turns).entries()) {
      all.push(await desk.turn(`case ${index}`, turn, message, false));
    }
  }
  const medianOf = (turn: number) =>
    quantile(
      all.filter((one) => one.turn === turn).map(({ firstTextMs }) => firstTextMs),
      0.5,
    );
  const [second, last] = [medianOf(1), medianOf(turns - 1)];
  return [
    { metric: 'first token, first turn', unit: 'ms', value: medianOf(0) },
    { metric: 'first token, second turn', unit: 'ms', value: second },
    { metric: 'first token, last turn', unit: 'ms', value: last },
    { metric: FIFTH_TO_SECOND, unit: 'ratio', value: last / second },
    { metric: CACHED_SHARE, unit: 'share', value: sumOf(all, 'keptTokens') / Math.max(1, sumOf(all, 'earlierTokens')) },
  ];
}

function sumOf(turns: readonly Turn[], field: 'keptTokens' | 'earlierTokens'): number {
  return turns.reduce((sum, turn) => sum + turn[field], 0);
}
