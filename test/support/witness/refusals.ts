/** Every reason for which a submission may be turned down, as things stand. */
import type { SchedulerEvent } from '../../../lib/event/index.js';
import { Reason } from '../../../lib/task/index.js';
import { leastSeconds } from './keys.js';
import type { Scene } from './scene.js';
import type { SeenModels } from './seen-models.js';
import { Phase, type SeenGang, type SeenTask, type Vector } from './seen-task.js';
import type { Vectors } from './vectors.js';

export interface Door extends Scene {
  readonly models: SeenModels;
  readonly vectors: Vectors;
  readonly demands: readonly Vector[];
  readonly gangs: ReadonlyMap<number, SeenGang>;
}

export function workOf(event: SchedulerEvent): number {
  return Number.isNaN(event.size) ? Math.max(0, event.promptTokens) + event.outputLimit : event.size;
}

/** The live task that the event names as its parent. */
export function parentOf({ tasks }: Scene, event: SchedulerEvent): SeenTask | undefined {
  const parent = event.parent < 0 ? undefined : tasks[event.parent];
  return parent !== undefined && parent.phase <= Phase.leased ? parent : undefined;
}

export function reasonsToRefuse(door: Door, event: SchedulerEvent): Set<Reason> {
  const { config, live, nowMs, pools } = door;
  const settings = config.classes[event.classIndex]!;
  const reasons = new Set<Reason>();
  const model = event.model < 0 ? undefined : door.models.all[event.model]!;
  if (model?.phase === 'failed') reasons.add(Reason.backendFailed);
  const gang = event.gang === 0 ? undefined : door.gangs.get(event.gang);
  if (gang?.isBroken === true) reasons.add(Reason.gangBroken);
  const work = workOf(event);
  const parent = parentOf(door, event);
  if (event.parent >= 0) {
    if (parent === undefined) reasons.add(Reason.parentEnded);
    else {
      if (parent.depth + 1 > config.maxDepth) reasons.add(Reason.tooDeep);
      for (let run = parent.run; run !== undefined; run = run.parent) {
        if (run.spent + work > run.budget) reasons.add(Reason.overBudget);
      }
    }
  }
  if (model === undefined) {
    const own = door.demands[event.demand]!;
    const isLast = gang !== undefined && !gang.isBroken && gang.members.length + 1 === gang.size;
    const all = isLast ? door.vectors.sum([...gang.members.map(({ demand }) => demand), own]) : own;
    if (pools.isTooLarge(all, event.classIndex)) reasons.add(Reason.tooLarge);
  }
  let waiting = 0;
  let waitingWork = 0;
  for (let t = 0; t < live.length; t++) {
    const task = live[t]!;
    if (task.phase !== Phase.waits || task.isAside || task.classIndex !== event.classIndex) continue;
    waiting++;
    waitingWork += task.work;
  }
  if (waiting >= settings.queueLimit) reasons.add(Reason.queueFull);
  if (waiting > 0 && waitingWork + work > settings.workLimit) reasons.add(Reason.workFull);
  const deadlineMs = Math.min(event.deadlineMs, parent?.deadlineMs ?? Number.POSITIVE_INFINITY);
  const leastMs = leastSeconds(event.serviceSeconds, model, event.promptTokens, event.outputLimit) * 1_000;
  if (leastMs > deadlineMs - nowMs) reasons.add(Reason.deadlineInfeasible);
  return reasons;
}
