/** The life of models: start, memory lease, load, death, and the way back. */
import { type CommandBuffer, CommandKind, type SchedulerEvent } from '../event/index.js';
import { NONE, Outcome, Reason, TaskState, transition } from '../task/index.js';
import { enterQueue } from './admission.js';
import type { ModelState } from './model-state.js';
import { free, releaseLease, settle } from './settle.js';
import type { SchedulerState } from './state.js';

/** An engine that never became ready is given up after this many launches: the file or the machine is at fault, not chance. */
const LAUNCHES_MAX = 3;

/** Takes the lease for the engine process itself and asks for it. */
export function launch(state: SchedulerState, model: ModelState, nowMs: number, commands: CommandBuffer): void {
  if (model.phase !== 'idle' && model.phase !== 'waiting') return;
  model.restartAtMs = Number.POSITIVE_INFINITY;
  if (!model.lease.grow(state.config.models[model.index]!.baseBytes)) {
    refuseLoad(state, model, state.config.models[model.index]!.baseBytes, nowMs, commands);
    return;
  }
  model.phase = 'launching';
  model.engineStarts++;
  commands.push(CommandKind.launch, model.index);
}

/** The engine says what the load takes: lease it, or refuse before anything is loaded. */
export function estimated(state: SchedulerState, event: SchedulerEvent, nowMs: number, commands: CommandBuffer): void {
  const model = state.models[event.model]!;
  if (model.phase !== 'launching') return;
  if (!model.lease.grow(event.bytes)) {
    refuseLoad(state, model, event.bytes, nowMs, commands);
    return;
  }
  model.phase = 'loading';
  commands.push(CommandKind.load, model.index);
}

/** The engine takes work; `bytes` of its lease are visible to probes from now on. */
export function ready(state: SchedulerState, event: SchedulerEvent): void {
  const model = state.models[event.model]!;
  if (model.phase !== 'loading') return;
  model.phase = 'ready';
  model.wasReady = true;
  model.lease.materialise(event.bytes);
  model.predictor.measured(event.secondsPerPromptToken, event.secondsPerStep);
  model.resetSlots(event.sequences);
  state.ledger.pools[model.pool]!.capacity = event.sequences;
  state.mayGrant = true;
}

/**
 * The engine is gone. Its leases return at once. A task that gave no token yet is tried again in its old place; one that did
 * fails, since its reader has seen the beginning of an answer that cannot be continued.
 */
export function down(state: SchedulerState, event: SchedulerEvent, nowMs: number, commands: CommandBuffer): void {
  const { tasks } = state;
  const model = state.models[event.model]!;
  if (model.phase === 'failed') return;
  if (model.phase !== 'idle') model.engineDeaths++;
  model.lease.release();
  const lost = Array.from(model.slotTask).filter((task) => task !== NONE);
  for (const task of lost) {
    releaseLease(state, task, 0, nowMs);
    if (tasks.states[task] === TaskState.settled) {
      free(state, task, commands);
      continue;
    }
    state.running--;
    const untouched = tasks.outputTokens[task] === 0 && tasks.states[task] !== TaskState.paused;
    if (untouched && tasks.attempts[task]! < state.config.maxAttempts && event.fatal === 0) {
      state.waitingByClass[tasks.classes[task]!]!++;
      state.queue.enlist(task);
      enterQueue(state, task);
      commands.push(CommandKind.requeued, task);
    } else {
      loseTask(state, task, commands);
    }
  }
  state.ledger.pools[model.pool]!.capacity = 0;
  model.resetSlots(0);
  const hopeless = !model.wasReady && model.deaths + 1 >= LAUNCHES_MAX;
  if (event.fatal === 1 || hopeless) fail(state, model, commands);
  else waitToRestart(state, model, nowMs);
}

/** Starts models whose pause is over. */
export function restartDue(state: SchedulerState, nowMs: number, commands: CommandBuffer): void {
  for (const model of state.models) {
    if (model.phase === 'waiting' && model.restartAtMs <= nowMs) launch(state, model, nowMs, commands);
  }
}

/** A task whose lease is returned already gets its outcome. */
function loseTask(state: SchedulerState, task: number, commands: CommandBuffer): void {
  if (state.tasks.deadlineAt[task] !== NONE) state.deadlines.remove(task);
  state.pausedSinceMs.delete(task);
  transition(state.tasks.states, task, TaskState.settled);
  state.outcomes[Outcome.failed]!++;
  commands.push(CommandKind.settled, task, Outcome.failed, Reason.backendDied);
  free(state, task, commands);
}

function refuseLoad(
  state: SchedulerState,
  model: ModelState,
  neededBytes: number,
  nowMs: number,
  commands: CommandBuffer,
): void {
  model.lease.release();
  commands.push(CommandKind.refuseLoad, model.index, neededBytes, state.memory.admissibleBytes(), state.memory.leased);
  // A model that ran before fits again when others let go, and one beside a load that is under way may be counted too tightly: pages
  // that the load has touched already are missing from the probe's figure and not yet off the ledger's. Any other is the operator's to fix.
  const isBesideLoad = state.models.some(
    (other) => other !== model && (other.phase === 'launching' || other.phase === 'loading'),
  );
  if (model.wasReady || isBesideLoad) waitToRestart(state, model, nowMs);
  else fail(state, model, commands);
}

function waitToRestart(state: SchedulerState, model: ModelState, nowMs: number): void {
  const { restartMsMin, restartMsMax } = state.config;
  model.phase = 'waiting';
  model.restartAtMs = nowMs + Math.min(restartMsMax, restartMsMin * 2 ** model.deaths);
  model.deaths++;
}

/** Gives a model up: whatever waits for it fails now. */
function fail(state: SchedulerState, model: ModelState, commands: CommandBuffer): void {
  model.phase = 'failed';
  const waiting: number[] = [];
  state.tasks.forEachLive((task) => {
    const taskState = state.tasks.states[task];
    const waits = taskState === TaskState.submitted || taskState === TaskState.queued;
    if (waits && state.tasks.models[task] === model.index) waiting.push(task);
  });
  for (const task of waiting) settle(state, task, Outcome.failed, Reason.backendFailed, commands);
}
