/**
 * Random loads on every scenario, each decision held against the design by a witness (support/witness). The same at length:
 * scripts/checks/soak.mjs; whether the witness sees what is wrong: scripts/checks/faults.mjs.
 */
import { describe, expect, it } from 'vitest';
import { ORDER_NAMES, SHARE_NAMES } from '../../lib/policy/index.js';
import { RULE_NAMES } from '../../lib/scheduler/index.js';
import { OUTCOME_NAMES, Outcome, TASK_EDGES, TASK_STATE_NAMES } from '../../lib/task/index.js';
import { SCENARIOS, scenarioByName } from '../support/load-scenarios.js';
import { RandomLoad } from '../support/random-load.js';

const SEEDS = [1, 2, 3];
const EVENTS = 1_800;

const edges = new Float64Array(64);
const rules = new Float64Array(RULE_NAMES.length);
let events = 0;
let overloaded = 0;

function play(name: string, seed: number, count = EVENTS): RandomLoad {
  const load = new RandomLoad(scenarioByName(name), seed);
  load.run(count);
  load.drain();
  return load;
}

describe.each(SCENARIOS.map(({ name }) => name))('under the load "%s"', (name) => {
  it.each(SEEDS)('what must stay true stays true, seed %i', (seed) => {
    const { state, events: played, overloaded: busy } = play(name, seed);
    for (const [edge, times] of state.tasks.edgeCounts.entries()) edges[edge]! += times;
    for (const [rule, times] of state.grantsByRule.entries()) rules[rule]! += times;
    events += played;
    overloaded += busy;
    expect(played).toBeGreaterThanOrEqual(EVENTS);
  });

  it('every submitted task has one outcome, and every kind of outcome occurs', () => {
    const { state } = play(name, 5, 2 * EVENTS);
    const settled = state.outcomes.reduce((sum, count) => sum + count, 0);
    const refusedAtTheDoor = settled - (state.sequence - 1);
    expect(refusedAtTheDoor).toBeGreaterThanOrEqual(0);
    expect(refusedAtTheDoor).toBeLessThanOrEqual(state.outcomes[Outcome.refused]!);
    expect(OUTCOME_NAMES.filter((_, outcome) => state.outcomes[outcome] === 0)).toEqual([]);
  });

  it('the same seed gives the same commands, another seed others', () => {
    const digest = play(name, 6, 400).digest;
    expect(play(name, 6, 400).digest).toBe(digest);
    expect(play(name, 7, 400).digest).not.toBe(digest);
  });
});

it('the loads take every edge of a task’s life, use every rule, and are overload for a good part', () => {
  const untaken = TASK_EDGES.filter(([from, to]) => edges[from * 8 + to] === 0);
  expect(untaken.map(([from, to]) => `${TASK_STATE_NAMES[from]} → ${TASK_STATE_NAMES[to]}`)).toEqual([]);
  expect(RULE_NAMES.filter((_, rule) => rules[rule] === 0)).toEqual([]);
  expect(overloaded / events).toBeGreaterThan(0.3);
});

it('the loads are played under every order and every share', () => {
  const configs = SCENARIOS.map(({ name }) => new RandomLoad(scenarioByName(name), 1).witness.config);
  expect(new Set(configs.map(({ order }) => order.name))).toEqual(new Set(ORDER_NAMES));
  expect(new Set(configs.map(({ share }) => share.name))).toEqual(new Set(SHARE_NAMES));
});
