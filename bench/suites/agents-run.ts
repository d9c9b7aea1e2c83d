/** One run of the agents suite: one workload in a process of its own. */
import { z } from 'zod';
import { serveContender } from '../contender.js';
import { loadProduct } from '../product.js';
import { median } from '../statistics.js';
import type { Measurement } from '../suite.js';
import { must, nextTurn } from './queue-support.js';

export type AgentsRunInput = {
  workload: 'agent' | 'task' | 'runnable' | 'equal';
  /** Of a round. */
  calls: number;
};

interface Value {
  text: string;
  number: number;
}

type Call = (value: Value) => Promise<Value>;

const IN_FLIGHT = 64;
const ROUNDS = 7;
const EQUAL_CALLS = 100;
const schema = z.object({ text: z.string(), number: z.number() });
const work = async ({ text, number }: Value): Promise<Value> => ({ text, number: number + 1 });

serveContender<AgentsRunInput>(({ workload, calls }) => {
  switch (workload) {
    case 'agent':
      return measureAgent(calls);
    case 'task':
      return measureTask(calls);
    case 'runnable':
      return measureRunnable(calls);
    case 'equal':
      return measureEqual();
    default:
      return workload satisfies never;
  }
});

async function openYard() {
  const { Yard, defineAgent } = await loadProduct<typeof import('../../lib/index.js')>('index.js');
  return { yard: new Yard({ concurrency: IN_FLIGHT }), defineAgent };
}

async function measureAgent(calls: number): Promise<Measurement[]> {
  const { yard, defineAgent } = await openYard();
  const agent = defineAgent({
    name: 'next',
    version: '1',
    description: 'The same text with the next number.',
    input: schema,
    output: schema,
    run: work,
  });
  const run: Call = (value) => yard.run(agent, value);
  const add: Call = (value) => yard.add(() => work(value));
  const rounds = await interleaved([run, add], calls);
  await yard.close();
  const beyond = rounds.map(([ran, added]) => ran! - added!);
  return [timeOf(rounds.map(([ran]) => ran!)), { metric: 'beyond yard.add', unit: 'µs', value: median(beyond) }];
}

async function measureTask(calls: number): Promise<Measurement[]> {
  const { yard } = await openYard();
  const rounds = await interleaved([(value) => yard.add(() => work(value))], calls);
  await yard.close();
  return [timeOf(rounds.map(([time]) => time!))];
}

async function measureRunnable(calls: number): Promise<Measurement[]> {
  const { RunnableLambda } = await import('@langchain/core/runnables');
  const runnable = RunnableLambda.from<Value, Value>(work);
  const invoked = await interleaved([(value) => runnable.invoke(value)], calls);
  const batched: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const beginMs = performance.now();
    for (let from = 0; from < calls; from += IN_FLIGHT) {
      const results = await runnable.batch(valuesFrom(from));
      must(
        results.every(({ number }, i) => number === from + i + 1),
        'A batch gave the results of other calls.',
      );
    }
    if (round >= 0) batched.push(perCall(performance.now() - beginMs, calls));
  }
  const times = [invoked.map(([time]) => time!), batched];
  return [timeOf(times.toSorted((a, b) => median(a) - median(b))[0]!)];
}

/** Rounds of each way by turns, after a warm-up. @returns per round and way: µs a call */
async function interleaved(ways: readonly Call[], calls: number): Promise<number[][]> {
  const rounds: number[][] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const times: number[] = [];
    for (const way of ways) times.push(await timed(way, calls));
    if (round >= 0) rounds.push(times);
  }
  return rounds;
}

async function timed(call: Call, calls: number): Promise<number> {
  const beginMs = performance.now();
  for (let from = 0; from < calls; from += IN_FLIGHT) {
    const results = await Promise.all(valuesFrom(from).map(call));
    must(
      results.every(({ number }, i) => number === from + i + 1),
      'A call got the result of another.',
    );
  }
  return perCall(performance.now() - beginMs, calls);
}

function valuesFrom(from: number): Value[] {
  return Array.from({ length: IN_FLIGHT }, (_, i) => ({ text: 'a text', number: from + i }));
}

/** µs; the last round of calls is a whole one too. */
function perCall(elapsedMs: number, calls: number): number {
  return (elapsedMs * 1_000) / (Math.ceil(calls / IN_FLIGHT) * IN_FLIGHT);
}

function timeOf(rounds: readonly number[]): Measurement {
  return { metric: 'time a call', unit: 'µs', value: median(rounds) };
}

async function measureEqual(): Promise<Measurement[]> {
  const { yard, defineAgent } = await openYard();
  let runs = 0;
  let runsOfReuse = 0;
  const agent = defineAgent({
    name: 'next',
    version: '1',
    description: 'The same text with the next number, after a turn of the event loop.',
    input: schema,
    output: schema,
    pure: true,
    run: async (value) => {
      runs++;
      await nextTurn();
      return work(value);
    },
  });
  const round = async (number: number, reuse: boolean) => {
    runs = 0;
    const beginMs = performance.now();
    const value = { text: 'the same', number };
    const results = await Promise.all(Array.from({ length: EQUAL_CALLS }, () => yard.run(agent, value, { reuse })));
    const elapsedMs = performance.now() - beginMs;
    if (reuse) runsOfReuse = Math.max(runsOfReuse, runs);
    else must(runs === EQUAL_CALLS, `${runs} runs of ${EQUAL_CALLS} calls without reuse.`);
    must(new Set(results).size === EQUAL_CALLS, 'Two callers share one result.');
    must(
      results.every((result) => result.number === number + 1),
      'A call got a wrong result.',
    );
    return elapsedMs;
  };
  const joined: number[] = [];
  const apart: number[] = [];
  for (let number = 0; number < 50; number++) {
    joined.push(await round(number, true));
    apart.push(await round(1_000 + number, false));
  }
  await yard.close();
  return [
    { metric: 'runs', unit: 'runs', value: runsOfReuse },
    { metric: 'time of all', unit: 'ms', value: median(joined) },
    { metric: 'time of all, without reuse', unit: 'ms', value: median(apart) },
  ];
}
