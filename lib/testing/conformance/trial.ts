/** One trial: an agent is run in a yard of its own, under circumstances that a check chooses, and everything it does is recorded. */
import type { AnyAgent } from '../../agents/agent.js';
import type { RunOptions } from '../../agents/agent-service.js';
import type { Yard } from '../../yard.js';
import type { FakeModel, FakeModelOptions } from '../fake-model.js';
import { createTestYard } from '../test-yard.js';
import { seedChance, watchRejections } from './chance.js';
import { type RunRecord, spyOn } from './spy.js';
import { realTime, type TrialTime, virtualTime } from './trial-time.js';

/** What all trials of one agent have in common. */
export interface TrialBed {
  agent: AnyAgent;
  models: Readonly<Record<string, FakeModel>>;
  agents: readonly AnyAgent[];
  pools: Readonly<Record<string, number>>;
  isRealTime: boolean;
  endMs: number;
  cancelMs: number;
}

export interface TrialOptions {
  run?: RunOptions;
  /** What is other about the models. */
  models?: FakeModelOptions;
  /** Other models altogether. */
  replaceModels?: (model: FakeModel) => FakeModel;
  /** Decides `Math.random` and the date. Default 1. */
  seed?: number;
  /** Cancel once it waits for something. */
  cancels?: boolean;
}

/** What the caller of one run got. */
export type TrialEnd = { kind: 'completed'; output: unknown } | { kind: 'failed'; error: unknown } | { kind: 'hung' };

export interface Trial {
  /** In the order of the inputs. */
  ends: TrialEnd[];
  runs: RunRecord[];
  /** Did a run take any time, so that there was something to cancel? */
  tookTime: boolean;
  /** Tasks, slots and requests to models that were still there in the end; only of trials that end by cancel or time-out. */
  left: string[];
  /** Timers that were still there after the yard was closed; undefined when nobody knows. */
  timersLeft: number | undefined;
  rejections: unknown[];
}

const DAY_MS = 86_400_000;
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** Runs all inputs at once. */
export async function runTrial(bed: TrialBed, inputs: readonly unknown[], options: TrialOptions = {}): Promise<Trial> {
  const { seed = 1 } = options;
  const stopWatch = watchRejections();
  const time = bed.isRealTime ? realTime() : virtualTime(EPOCH_MS + (seed - 1) * DAY_MS);
  const giveChanceBack = seedChance(seed);
  const models = Object.entries(bed.models).map(([name, model]) => {
    const other = options.replaceModels?.(model) ?? model;
    return [name, other.with(options.models ?? {})] as const;
  });
  const { models: _, replaceModels: __, ...circumstances } = options;
  let trial: Omit<Trial, 'rejections'>;
  try {
    trial = await runInYard(bed, inputs, circumstances, Object.fromEntries(models), time);
    // A rejection is called unhandled only after the turn in which it happened.
    await time.settle().catch(() => {});
  } finally {
    giveChanceBack();
    time.restore();
  }
  return { ...trial, rejections: stopWatch() };
}

async function runInYard(
  bed: TrialBed,
  inputs: readonly unknown[],
  options: TrialOptions,
  models: Readonly<Record<string, FakeModel>>,
  time: TrialTime,
): Promise<Omit<Trial, 'rejections'>> {
  const yard = await createTestYard({ models, agents: bed.agents, pools: bed.pools, clock: time.clock });
  const spy = spyOn(bed.agent, (id) => yard.tasks().some((task) => task.id === id));
  const controller = new AbortController();
  const ends: TrialEnd[] = inputs.map(() => ({ kind: 'hung' }));
  const settled = inputs.map(async (input, index) => {
    try {
      const output: unknown = await yard.run(spy.agent, input, {
        reuse: false,
        ...options.run,
        ...(options.cancels === true ? { signal: controller.signal } : {}),
      });
      ends[index] = { kind: 'completed', output };
    } catch (error) {
      ends[index] = { kind: 'failed', error };
    }
  });
  const all = Promise.all(settled);
  // Work that goes on without time passing is found when its end is waited for.
  await time.settle().catch(() => {});
  const tookTime = ends.some(({ kind }) => kind === 'hung');
  if (options.cancels === true) controller.abort(new Error('The conformance kit cancelled it.'));
  const isStopped = options.cancels === true || options.run?.timeoutMs !== undefined;
  const limitMs = isStopped ? bed.cancelMs + (options.run?.timeoutMs ?? 0) : bed.endMs;
  const beganMs = time.clock.nowMs();
  await time.settles(all, limitMs);
  let left: string[] = [];
  if (isStopped) {
    // The caller has its answer at once; the agent's function, and what it began, have until then.
    await time.pass(Math.max(0, limitMs - (time.clock.nowMs() - beganMs))).catch(() => {});
    left = leftOf(yard, models);
  }
  // A snapshot: what closing the yard ends was not the agent's doing.
  const runs = structuredCloneOf(spy.runs);
  const endsBefore = [...ends];
  await yard.close();
  await time.settle().catch(() => {});
  for (const [index, run] of runs.entries()) run.callsAfterEnd = spy.runs[index]!.callsAfterEnd;
  return { ends: endsBefore, runs, tookTime, left, timersLeft: time.pending() };
}

function structuredCloneOf(runs: readonly RunRecord[]): RunRecord[] {
  return runs.map((run) => ({ ...run }));
}

function leftOf(yard: Yard, models: Readonly<Record<string, FakeModel>>): string[] {
  const tasks = yard.tasks().length;
  const { pools } = yard.stats();
  const leases = Object.entries(pools).filter(([name, { leased }]) => name !== MEMORY_POOL && leased > 0);
  const requests = Object.entries(models).filter(([, { running }]) => running > 0);
  return [
    ...(tasks > 0 ? [`${tasks} unsettled tasks`] : []),
    ...leases.map(([name, { leased }]) => `${leased} of pool "${name}"`),
    ...requests.map(([name, { running }]) => `${running} requests to model "${name}"`),
  ];
}

/** Models that are loaded hold memory, whoever runs. */
const MEMORY_POOL = 'host memory';
