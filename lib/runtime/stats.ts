/** A snapshot of the scheduler for health, metrics and people. */
import { RULE_NAMES, type SchedulerState } from '../scheduler/index.js';
import { OUTCOME_NAMES } from '../task/index.js';
import type { YardStats } from './service.js';

/** O(capacity of the task table). */
export function statsOf(state: SchedulerState): YardStats {
  const byModel = state.models.map(() => ({ queued: 0, running: 0 }));
  state.tasks.forEachLive((task) => {
    const counts = byModel[state.tasks.models[task]!]!;
    if (state.tasks.leased[task] === 1) counts.running++;
    else counts.queued++;
  });
  return {
    queued: state.queue.size,
    running: state.running,
    outcomes: Object.fromEntries(
      OUTCOME_NAMES.map((name, outcome) => [name, state.outcomes[outcome]!]),
    ) as YardStats['outcomes'],
    models: Object.fromEntries(
      state.models.map((model, index) => {
        const slots = state.ledger.pools[model.pool]!;
        const { promptTokens, cachedTokens, outputTokens, engineStarts, engineDeaths } = model;
        return [
          model.name,
          {
            ...byModel[index]!,
            slotsUsed: slots.leased,
            slotsTotal: slots.capacity,
            promptTokens,
            cachedTokens,
            outputTokens,
            engineStarts,
            engineDeaths,
          },
        ];
      }),
    ),
    pools: Object.fromEntries(
      state.ledger.pools.map((pool) => [pool.name, { capacity: pool.capacity, leased: pool.leased }]),
    ),
    grantsByRule: Object.fromEntries(RULE_NAMES.map((name, rule) => [name, state.grantsByRule[rule]!])),
  };
}
