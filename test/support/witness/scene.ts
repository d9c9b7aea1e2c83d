/** What the rules are judged by: the tasks, the pools and the clock, all as seen from outside. */
import type { SchedulerConfig, SchedulerState } from '../../../lib/scheduler/index.js';
import type { SeenPools } from './seen-pools.js';
import type { SeenShare } from './seen-share.js';
import type { SeenTask } from './seen-task.js';

export interface Scene {
  readonly config: SchedulerConfig;
  /** The core: only for what no command tells, which is what is reserved, and which shape is the catch-all. */
  readonly state: SchedulerState;
  readonly live: readonly SeenTask[];
  /** By index. */
  readonly tasks: readonly (SeenTask | undefined)[];
  readonly pools: SeenPools;
  readonly share: SeenShare;
  readonly nowMs: number;
}

/** The tenant whose queue the task waits in. */
export function queueTenant({ share }: Scene, task: SeenTask): number {
  return share.isSingle ? 0 : task.tenant;
}

export function isInCatchAll({ state }: Scene, task: SeenTask): boolean {
  return state.shapes.all[state.tasks.shapes[task.index]!]!.isCatchAll;
}
