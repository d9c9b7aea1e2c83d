/** Runs of agents that fan out, on a scripted model in virtual time: who ends when, and what a run that is ended leaves behind. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AgentContext, defineAgent } from '../../lib/agents/index.js';
import { isAgentyardError } from '../../lib/base/errors.js';
import type { TaskRecord } from '../../lib/runtime/service.js';
import {
  createTestYard,
  type FakeModel,
  scriptedModel,
  type VirtualClock,
  virtualClock,
} from '../../lib/testing/index.js';
import type { Yard } from '../../lib/yard.js';

const RUNS = 64;
const TOOLS = 4;
const CHATS = TOOLS + 2;
const SEQUENCES = 8;
/** Every chat takes as long, and has as many words: "run 07 part 3" and the answer "done" are five. */
const CHAT_MS = 750;
const CHAT_TOKENS = 5;

let clock: VirtualClock;
let model: FakeModel;
let open: Yard[];

beforeEach(() => {
  clock = virtualClock();
  model = scriptedModel({ answers: () => 'done', latencyMs: CHAT_MS, sequences: SEQUENCES });
  open = [];
});

afterEach(async () => {
  await Promise.all(open.map((yard) => yard.close()));
  clock.restore();
});

function requestOf(run: number, part: number) {
  return {
    messages: [{ role: 'user' as const, content: `run ${String(run).padStart(2, '0')} part ${part}` }],
    maxTokens: 1,
  };
}

const ask = (ctx: AgentContext, run: number, part: number) => ctx.chat(requestOf(run, part)).result();
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

const tool = defineAgent({
  name: 'tool',
  version: '1',
  description: 'One of the tools that a plan asks for.',
  input: z.object({ run: z.int(), part: z.int() }),
  output: z.object({ text: z.string() }),
  run: async ({ run, part }, ctx) => ({ text: (await ask(ctx, run, part)).text }),
});

const trip = defineAgent({
  name: 'trip',
  version: '1',
  description: 'A plan, its tools at once, and a summary.',
  input: z.object({ run: z.int() }),
  output: z.object({ run: z.int() }),
  run: async ({ run }, ctx) => {
    await ask(ctx, run, 0);
    await Promise.all(upTo(TOOLS).map((index) => ctx.run(tool, { run, part: index + 1 })));
    await ask(ctx, run, CHATS - 1);
    return { run };
  },
});

async function agentYard(concurrency = RUNS): Promise<Yard> {
  const yard = await createTestYard({ models: { chat: model }, agents: [trip, tool], clock, concurrency });
  open.push(yard);
  return yard;
}

/** The same chats in the same order with nobody who knows of runs. */
async function firstCome(): Promise<(run: number) => Promise<void>> {
  const yard = await createTestYard({ models: { chat: model }, clock, order: 'fcfs', share: 'none' });
  open.push(yard);
  const chat = (run: number, part: number) => yard.chat({ model: 'chat', ...requestOf(run, part) }).result();
  return async (run) => {
    await chat(run, 0);
    await Promise.all(upTo(TOOLS).map((index) => chat(run, index + 1)));
    await chat(run, CHATS - 1);
  };
}

interface Ends {
  /** Runs in the order in which they ended. */
  order: number[];
  meanMs: number;
  makespanMs: number;
}

async function startAll(start: (run: number) => Promise<unknown>): Promise<Ends> {
  const beginMs = clock.nowMs();
  const order: number[] = [];
  const ends: number[] = [];
  const all = upTo(RUNS).map(async (run) => {
    await start(run);
    order.push(run);
    ends.push(clock.nowMs() - beginMs);
  });
  await clock.until(Promise.all(all));
  return { order, meanMs: ends.reduce((sum, endMs) => sum + endMs, 0) / RUNS, makespanMs: Math.max(...ends) };
}

const codeOf = (error: unknown) => (isAgentyardError(error) ? error.code : String(error));
const settledAs = (promise: Promise<unknown>) => promise.then(() => 'completed', codeOf);

describe('64 runs of plan, four tools and summary on eight sequences', () => {
  it('end one after another instead of all of them late, and the last no later', async () => {
    const yard = await agentYard();
    const ours = await startAll((run) => yard.run(trip, { run }));
    const theirs = await startAll(await firstCome());
    console.log(
      `mean ${ours.meanMs / 1_000} s to ${theirs.meanMs / 1_000} s, makespan ${ours.makespanMs / 1_000} s to ${theirs.makespanMs / 1_000} s`,
    );
    expect(model.calls).toBe(2 * RUNS * CHATS);
    expect(model.runningMax).toBe(SEQUENCES);
    expect(ours.meanMs).toBeLessThanOrEqual(0.65 * theirs.meanMs);
    expect(ours.makespanMs).toBeLessThanOrEqual(1.05 * theirs.makespanMs);
    // No slot is ever left empty but at the end of the last runs.
    expect(ours.makespanMs).toBeGreaterThanOrEqual((RUNS * CHATS * CHAT_MS) / SEQUENCES);
  });

  it('end in the order in which they began', async () => {
    const yard = await agentYard();
    const { order } = await startAll((run) => yard.run(trip, { run }));
    // Eight chats end at the same instant, so neighbours may change places.
    for (const [place, run] of order.entries()) expect(Math.abs(run - place)).toBeLessThanOrEqual(SEQUENCES);
  });

  it('end also where one call runs at a time: a call that waits for its children gives its slot back', async () => {
    const yard = await agentYard(1);
    const { order } = await startAll((run) => yard.run(trip, { run }));
    expect(order).toHaveLength(RUNS);
    expect(yard.stats()).toMatchObject({ running: 0, queued: 0, pools: { slots: { leased: 0 } } });
  });
});

describe('a run that is cancelled', () => {
  it.each([
    ['in its plan', 0.5, 1],
    ['in its tools', 1.5, TOOLS + 1],
    ['in its summary', 2.5, CHATS],
  ])(
    '%s settles all its children and returns its leases within 250 ms; the others complete',
    async (_, chats, begun) => {
      const yard = await agentYard();
      const records: TaskRecord[] = [];
      yard.onSettled((record) => records.push(record));
      const victim = settledAs(yard.run(trip, { run: 0 }, { id: 'victim', tenant: 'victim' }));
      await clock.advance(chats * CHAT_MS);
      expect(model.calls).toBe(begun);
      expect(yard.cancel('victim')).toBe(true);
      await clock.advance(250);
      expect(await victim).toBe('AY_CANCELLED');
      expect(yard.stats()).toMatchObject({ running: 0, queued: 0, pools: { slots: { leased: 0 } } });
      expect(yard.stats().models.chat?.slotsUsed).toBe(0);
      expect(yard.tasks()).toEqual([]);
      expect(model.running).toBe(0);
      // Each of the chats that began, the run and the tools that began have one outcome each.
      const tools = begun > 1 ? TOOLS : 0;
      expect(records).toHaveLength(1 + begun + tools);
      await clock.runToEnd();
      expect(model.calls).toBe(begun);
    },
  );

  it('among others, harms none of them', async () => {
    const yard = await agentYard();
    const records: TaskRecord[] = [];
    yard.onSettled((record) => records.push(record));
    const outcomes = upTo(16).map((run) => {
      const mine = run % 4 === 0 ? { id: `victim ${run}`, tenant: 'victim' } : {};
      return settledAs(yard.run(trip, { run }, mine));
    });
    await clock.advance(2.5 * CHAT_MS);
    for (const run of upTo(16)) if (run % 4 === 0) expect(yard.cancel(`victim ${run}`)).toBe(true);
    await clock.advance(250);
    expect(yard.tasks().filter(({ tenant }) => tenant === 'victim')).toEqual([]);
    expect(await clock.until(Promise.all(outcomes))).toEqual(
      upTo(16).map((run) => (run % 4 === 0 ? 'AY_CANCELLED' : 'completed')),
    );
    expect(records.filter(({ tenant }) => tenant !== 'victim').map(({ outcome }) => outcome)).toEqual(
      // A run, its tools and its chats.
      new Array(12 * (1 + TOOLS + CHATS)).fill('completed'),
    );
    expect(yard.stats()).toMatchObject({ running: 0, queued: 0, pools: { slots: { leased: 0 } } });
  });
});

describe('a run beyond its budget', () => {
  it('ends typed, with all that it began; others complete', async () => {
    const yard = await agentYard();
    // For the plan and two of the tools.
    const budget = 3 * CHAT_TOKENS;
    const outcomes = upTo(16).map((run) => settledAs(yard.run(trip, { run }, run % 4 === 0 ? { budget } : {})));
    expect(await clock.until(Promise.all(outcomes))).toEqual(
      upTo(16).map((run) => (run % 4 === 0 ? 'AY_OVER_BUDGET' : 'completed')),
    );
    await clock.settle();
    expect(yard.tasks()).toEqual([]);
    expect(yard.stats()).toMatchObject({ running: 0, queued: 0, pools: { slots: { leased: 0 } } });
    expect(model.running).toBe(0);
  });

  it('is stopped by one unit too little, and not by just enough', async () => {
    const yard = await agentYard();
    const spent: number[] = [];
    const watched = defineAgent({
      name: 'watched',
      version: '1',
      description: 'A trip whose spending is looked at.',
      input: trip.input,
      output: trip.output,
      run: async ({ run }, ctx) => {
        await ctx.run(trip, { run });
        spent.push(ctx.budget.spent);
        return { run };
      },
    });
    const endOf = (budget: number) => clock.until(settledAs(yard.run(watched, { run: 0 }, { budget })));
    expect(await endOf(1_000)).toBe('completed');
    // The weight of the trip and of each tool, beside the tokens of the chats.
    expect(spent).toEqual([1 + TOOLS + CHATS * CHAT_TOKENS]);
    expect(await endOf(spent[0]!)).toBe('completed');
    expect(await endOf(spent[0]! - 1)).toBe('AY_OVER_BUDGET');
  });
});
