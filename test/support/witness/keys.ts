/** Estimates, urgencies, keys and lanes as the pages of the orders define them: a second opinion on what decides inside a tenant. */
import type { SchedulerConfig } from '../../../lib/scheduler/index.js';
import { broken } from './broken-invariant.js';
import type { SeenModel } from './seen-models.js';
import type { SeenRun, SeenTask } from './seen-task.js';

const SECONDS_MIN = 0.05;
const SECONDS_MAX = 600;
const FUNCTION_SECONDS = 1;
/** Lanes of exact sizes under `seed`; the powers of two follow. */
const EXACT_LANES = 32;

export function believed(seconds: number): number {
  return Math.max(SECONDS_MIN, Math.min(seconds, SECONDS_MAX));
}

/** Smallest time in which a task can be done as far as anybody said; 0 when nobody did. */
export function leastSeconds(
  declared: number,
  model: SeenModel | undefined,
  promptTokens: number,
  outputLimit: number,
): number {
  if (!Number.isNaN(declared)) return believed(declared);
  return model === undefined ? 0 : believed(model.estimate(Math.max(0, promptTokens), outputLimit));
}

/** Service time of a task whose size is known. */
export function setSeconds(task: SeenTask, model: SeenModel | undefined): void {
  if (!Number.isNaN(task.declaredSeconds)) task.seconds = believed(task.declaredSeconds);
  else if (model === undefined) task.seconds = FUNCTION_SECONDS;
  else task.seconds = believed(model.estimate(task.promptTokens, task.outputLimit));
  if (model !== undefined && Number.isNaN(task.size)) task.size = task.promptTokens + task.outputLimit;
}

/** Urgency and key. */
export function rekey(config: SchedulerConfig, task: SeenTask): void {
  const { order, maxPrioritySpread, classes } = config;
  let { priority } = task;
  if (order.name !== 'priority') {
    if (priority > maxPrioritySpread) priority = maxPrioritySpread;
    if (priority < -maxPrioritySpread) priority = -maxPrioritySpread;
  }
  task.urgency = classes[task.classIndex]!.step + priority;
  if (task.isOfRun) {
    task.key = task.urgency * 2 ** 40 - task.since;
    return;
  }
  switch (order.name) {
    case 'aged':
      task.key = task.urgency - Math.log2(task.seconds) - task.arrivalMs / order.parameters.halfLifeMs!;
      break;
    case 'priority':
      task.key = task.urgency;
      break;
    case 'seed':
      task.key = task.arrivalMs / 1_000 - task.seconds;
      break;
    default:
      task.key = 0;
  }
}

/** Work of a run goes first while no run above it has spent more than its budget, or than the limit where it declares none. */
export function isFirst(run: SeenRun | undefined, limit: number): boolean {
  for (let above = run; above !== undefined; above = above.parent) {
    if (above.spent > (above.budget < Number.POSITIVE_INFINITY ? above.budget : limit)) return false;
  }
  return true;
}

/** The lanes of `seed`: one per size for the first 32 sizes, then one per power of two. */
export class SeedLanes {
  /** Lanes that may have been given out unseen. */
  unseen = 0;
  readonly #laneOfSize = new Map<number, number>();
  readonly #sizeOfLane = new Map<number, number>();

  check(size: number, lane: number): void {
    const known = this.#laneOfSize.get(size);
    if (known === undefined && lane < EXACT_LANES) {
      const other = this.#sizeOfLane.get(lane);
      if (other !== undefined) broken('a lane keeps its order', `lane ${lane} is for size ${other}, not ${size}`);
      this.#laneOfSize.set(size, lane);
      this.#sizeOfLane.set(lane, size);
      return;
    }
    let expected = known;
    if (expected === undefined) {
      if (this.#laneOfSize.size + this.unseen < EXACT_LANES)
        broken('a lane keeps its order', `size ${size} gets no lane of its own`);
      let power = 0;
      while (power < EXACT_LANES - 1 && 2 ** (power + 1) <= size) power++;
      expected = EXACT_LANES + power;
    }
    if (lane !== expected) broken('a lane keeps its order', `size ${size} is in lane ${lane}, not ${expected}`);
  }
}

/**
 * May `later`, which came after `earlier`, go first by order alone? Both are of started runs, or neither is.
 * Of runs: if it is more urgent, or its run is older.
 * For `aged`: only if it came within H · log2 of the ratio of their densities.
 */
export function mayOvertake(config: SchedulerConfig, later: SeenTask, earlier: SeenTask): boolean {
  if (later.isOfRun) return later.urgency > earlier.urgency || later.since < earlier.since;
  switch (config.order.name) {
    case 'fcfs':
      return false;
    case 'priority':
      return later.urgency > earlier.urgency;
    case 'aged': {
      const ratio = later.urgency - Math.log2(later.seconds) - earlier.urgency + Math.log2(earlier.seconds);
      return later.arrivalMs - earlier.arrivalMs <= config.order.parameters.halfLifeMs! * ratio + 1e-6;
    }
    default:
      return true;
  }
}
