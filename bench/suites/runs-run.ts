/** One run of the runs suite: one way of doing the work in a process of its own. */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { AgentContext, ChatResult, Yard } from '../../lib/index.js';
import { serveContender } from '../contender.js';
import { loadProduct } from '../product.js';
import { quantile } from '../statistics.js';
import type { Measurement } from '../suite.js';
import { must } from './queue-support.js';
import { BUDGET_METRIC, CANCEL_BUSY_METRIC, CANCEL_IDLE_METRIC } from './runs.js';

export type RunsInput = {
  path: string;
  way: 'agents' | 'first come' | 'endings';
  runs: number;
};

const MODEL = 'chat';
const SEQUENCES = 8;
const TOOLS = 4;
const CHATS_PER_RUN = TOOLS + 2;
const ANSWER_TOKENS = 16;
/** Looking at every turn of the loop would keep a CPU busy, and the engine's threads wait for each other by spinning. */
const POLL_MS = 1;
const WAIT_MAX_MS = 3_600_000;
/** The names of the metrics say so. */
const CANCELS = 8;
const BUDGETED_RUNS = 16;
/** Every so manieth of them has too small a budget. */
const BUDGETED_EVERY = 4;

type Product = typeof import('../../lib/index.js');

serveContender<RunsInput>(async ({ path, way, runs }) => {
  const product = await loadProduct<Product>('index.js');
  const yard = new product.Yard({
    models: { [MODEL]: { path, sequences: SEQUENCES, contextTokens: 256, keepInteractive: 0 } },
    // A place for every run: what is scarce is the model.
    concurrency: runs,
    // On a slow machine the last chats wait for minutes; who gives up would be none of this suite's business.
    classes: { interactive: { timeoutMs: WAIT_MAX_MS }, standard: { timeoutMs: WAIT_MAX_MS } },
    ...(way === 'first come' && { order: 'fcfs' as const, share: 'none' as const }),
  });
  try {
    await yard.ready();
    const warm = await yard.chat({ model: MODEL, ...requestOf(0, 0) }).result();
    const chatTokens = warm.usage.promptTokens + warm.usage.outputTokens;
    switch (way) {
      case 'agents': {
        const { story, results } = agentsOf(product);
        return await measureRuns(runs, (run) => yard.run(story, { run }), results);
      }
      case 'first come': {
        const results: ChatResult[] = [];
        const ask = async (run: number, part: number) => {
          results.push(await yard.chat({ model: MODEL, ...requestOf(run, part) }).result());
        };
        return await measureRuns(runs, (run) => fanOut(run, ask), results);
      }
      case 'endings':
        return [
          ...(await measureCancel(yard, product, SEQUENCES)),
          ...(await measureCancel(yard, product, 0)),
          ...(await measureBudget(yard, product, chatTokens)),
        ];
      default:
        return way satisfies never;
    }
  } finally {
    await yard.close();
  }
});

/** The same number of tokens for every run and part: SmolLM2 reads figures one by one. */
function requestOf(run: number, part: number) {
  const content = `Tell me a long story about city ${String(run).padStart(2, '0')}, chapter ${part}.`;
  return { messages: [{ role: 'user' as const, content }], maxTokens: ANSWER_TOKENS, temperature: 0, seed: 1 };
}

type Ask = (run: number, part: number) => Promise<unknown>;

/** Plan, tools at once, summary. */
async function fanOut(run: number, ask: Ask, tool: Ask = ask): Promise<void> {
  await ask(run, 0);
  await Promise.all(Array.from({ length: TOOLS }, (_, index) => tool(run, index + 1)));
  await ask(run, CHATS_PER_RUN - 1);
}

/**
 * The run as an agent whose tools are agents. `chats`: ids of chats by run; `results`: what they gave.
 * @param onStart - called with the run of each chat that got a slot, and how many of its chats did
 */
function agentsOf({ defineAgent }: Product, onStart: (run: number, started: number) => void = () => {}) {
  const results: ChatResult[] = [];
  const chats = new Map<number, string[]>();
  const started = new Map<number, number>();
  const askFor = async (ctx: AgentContext, run: number, part: number): Promise<ChatResult> => {
    const stream = ctx.chat(requestOf(run, part));
    chats.set(run, [...(chats.get(run) ?? []), stream.id]);
    await stream.started();
    started.set(run, (started.get(run) ?? 0) + 1);
    onStart(run, started.get(run)!);
    const result = await stream.result();
    results.push(result);
    return result;
  };
  const step = defineAgent({
    name: 'chapter',
    version: '1',
    description: 'One chapter of a story.',
    input: z.object({ run: z.int(), part: z.int() }),
    output: z.object({ text: z.string() }),
    run: async ({ run, part }, ctx) => ({ text: (await askFor(ctx, run, part)).text }),
  });
  const story = defineAgent({
    name: 'story',
    version: '1',
    description: 'A plan, its chapters at once, and a summary.',
    input: z.object({ run: z.int() }),
    output: z.object({ run: z.int() }),
    run: async ({ run }, ctx) => {
      await fanOut(
        run,
        (_, part) => askFor(ctx, run, part),
        (_, part) => ctx.run(step, { run, part }),
      );
      return { run };
    },
  });
  return { story, results, chats };
}

async function measureRuns(
  runs: number,
  start: (run: number) => Promise<unknown>,
  results: readonly ChatResult[],
): Promise<Measurement[]> {
  const ends: number[] = [];
  const beginMs = performance.now();
  await Promise.all(
    Array.from({ length: runs }, (_, run) => start(run).then(() => ends.push(performance.now() - beginMs))),
  );
  must(results.length === runs * CHATS_PER_RUN, `${results.length} chats of ${runs * CHATS_PER_RUN}.`);
  const promptTokens = results[0]!.usage.promptTokens;
  for (const { usage, finishReason } of results) {
    must(usage.outputTokens === ANSWER_TOKENS, `An answer has ${usage.outputTokens} tokens (${finishReason}).`);
    must(usage.promptTokens === promptTokens, `A prompt has ${usage.promptTokens} tokens, another ${promptTokens}.`);
  }
  const seconds = (ms: number) => ms / 1_000;
  const meanMs = ends.reduce((sum, endMs) => sum + endMs, 0) / runs;
  return [
    { metric: 'mean time to a result', unit: 's', value: seconds(meanMs) },
    { metric: 'first result', unit: 's', value: seconds(Math.min(...ends)) },
    { metric: 'makespan', unit: 's', value: seconds(Math.max(...ends)) },
  ];
}

/**
 * Cancels runs one after another, each when its tools have begun.
 * @param others - runs that fill the machine meanwhile; with none, the time until nothing is leased any more
 */
async function measureCancel(yard: Yard, product: Product, others: number): Promise<Measurement[]> {
  const settled = new Set<string>();
  const off = yard.onSettled(({ id }) => settled.add(id));
  const times: number[] = [];
  let onStart = (_run: number, _started: number) => {};
  const { story, chats } = agentsOf(product, (run, started) => onStart(run, started));
  const beside = Array.from({ length: others }, (_, index) => yard.run(story, { run: CANCELS + index }));
  for (let run = 0; run < CANCELS; run++) {
    // In the middle of the tools: all of them have had a slot.
    const atTools = new Promise<void>((resolve) => {
      onStart = (which, started) => {
        if (which === run && started === TOOLS + 1) resolve();
      };
    });
    const id = `victim ${others} ${run}`;
    const outcome = yard.run(story, { run }, { id, class: 'interactive' }).then(
      () => 'completed',
      (error: unknown) => (product.isAgentyardError(error) ? error.code : String(error)),
    );
    const early = await Promise.race([atTools, outcome]);
    must(early === undefined, `A run that was to be cancelled ended before with ${early}.`);
    const ids = chats.get(run)!;
    const beginMs = performance.now();
    must(yard.cancel(id), 'The run was over before it could be cancelled.');
    must((await outcome) === 'AY_CANCELLED', `A cancelled run ended with ${await outcome}.`);
    while (!ids.every((chat) => settled.has(chat)) || (others === 0 && leased(yard) > 0)) await wait(POLL_MS);
    times.push(performance.now() - beginMs);
    must(chats.get(run)!.length === TOOLS + 1, 'A cancelled run went on.');
  }
  const done = await Promise.all(beside);
  must(done.length === others, 'Another run was harmed.');
  // What they held is returned in the turns after their result; a lease that stays ends this process by its time-out.
  while (leased(yard) > 0) await wait(POLL_MS);
  off();
  return [{ metric: others === 0 ? CANCEL_IDLE_METRIC : CANCEL_BUSY_METRIC, unit: 'ms', value: Math.max(...times) }];
}

function leased(yard: Yard): number {
  const { pools, models } = yard.stats();
  const slots = Object.values(models).map(({ slotsUsed }) => slotsUsed);
  return [...slots, pools.slots!.leased].reduce((sum, amount) => sum + amount, 0);
}

async function measureBudget(yard: Yard, product: Product, chatTokens: number): Promise<Measurement[]> {
  const { story, results } = agentsOf(product);
  const budget = (CHATS_PER_RUN / 2) * chatTokens;
  const outcomes = await Promise.all(
    Array.from({ length: BUDGETED_RUNS }, (_, run) =>
      yard.run(story, { run }, run % BUDGETED_EVERY === 0 ? { budget } : {}).then(
        () => 'completed',
        (error: unknown) => (product.isAgentyardError(error) ? error.code : String(error)),
      ),
    ),
  );
  for (const [run, outcome] of outcomes.entries()) {
    const wanted = run % BUDGETED_EVERY === 0 ? 'AY_OVER_BUDGET' : 'completed';
    must(outcome === wanted, `Run ${run} ended with ${outcome}, not ${wanted}.`);
  }
  while (leased(yard) > 0) await wait(POLL_MS);
  const waits = results.map(({ waitMs }) => waitMs);
  return [
    {
      metric: BUDGET_METRIC,
      unit: 'runs',
      value: outcomes.filter((o) => o !== 'completed').length,
    },
    { metric: 'runs beside them, completed', unit: 'runs', value: outcomes.filter((o) => o === 'completed').length },
    { metric: 'wait of a chat, median', unit: 'ms', value: quantile(waits, 0.5) },
  ];
}
