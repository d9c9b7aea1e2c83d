/** A snapshot of the scheduler for health, metrics and people. */
import { WindowPool } from '../resource/index.js';
import { RULE_NAMES, type SchedulerState } from '../scheduler/index.js';
import { CLASS_COUNT, OUTCOME_NAMES } from '../task/index.js';
import type { SavedSessionInfo } from './backend.js';
import type { YardStats } from './service.js';

/** Tasks that wait, whatever for. */
export function waitingOf(state: SchedulerState): number {
  let waiting = 0;
  for (let classIndex = 0; classIndex < CLASS_COUNT; classIndex++) waiting += state.waitingByClass[classIndex]!;
  return waiting;
}

/**
 * O(capacity of the task table).
 * @param saved - by model: what its backend keeps of sessions
 */
export function statsOf(
  state: SchedulerState,
  saved: readonly (SavedSessionInfo | undefined)[] = [],
): Omit<YardStats, 'reuse'> {
  const byModel = state.models.map(() => ({ queued: 0, running: 0 }));
  state.tasks.forEachLive((task) => {
    const counts = byModel[state.tasks.models[task]!];
    if (counts === undefined) return;
    if (state.tasks.leased[task] === 1) counts.running++;
    else counts.queued++;
  });
  return {
    queued: waitingOf(state),
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
            ...(saved[index] !== undefined && { savedSessions: saved[index] }),
          },
        ];
      }),
    ),
    pools: Object.fromEntries(
      state.ledger.pools
        .filter((pool) => !(pool instanceof WindowPool))
        .map((pool) => [pool.name, { capacity: pool.capacity, leased: pool.leased }]),
    ),
    windows: Object.fromEntries(
      state.windows.map(({ name, capacity, leased, windowMs }) => [name, { limit: capacity, used: leased, windowMs }]),
    ),
    grantsByRule: Object.fromEntries(RULE_NAMES.map((name, rule) => [name, state.grantsByRule[rule]!])),
    backfilled: state.backfilled,
    boundOverruns: state.boundOverruns,
  };
}
