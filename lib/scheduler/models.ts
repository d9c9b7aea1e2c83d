/** The life of models: start, memory lease, load, death, and the way back. */
import { type CommandBuffer, CommandKind, type SchedulerEvent } from '../event/index.js';
import { NONE, Outcome, Reason, TaskState } from '../task/index.js';
import { enterQueue } from './enqueue.js';
import type { ModelState } from './model-state.js';
import { resize } from './resize.js';
import { waitAgain } from './retry.js';
import { free, releaseLease, settle } from './settle.js';
import type { SchedulerState } from './state.js';

/** An engine that never became ready is given up after this many launches: the file or the machine is at fault, not chance. */
const LAUNCHES_MAX = 3;

/** Takes the lease for the engine process itself and asks for it. */
export function launch(state: SchedulerState, model: ModelState, commands: CommandBuffer): void {
  if (model.phase !== 'idle' && model.phase !== 'waiting') return;
  model.restartAtMs = Number.POSITIVE_INFINITY;
  if (!model.lease.grow(state.config.models[model.index]!.baseBytes)) {
    refuseLoad(state, model, state.config.models[model.index]!.baseBytes, commands);
    return;
  }
  model.phase = 'launching';
  model.engineStarts++;
  commands.push(CommandKind.launch, model.index);
}

/** The engine says what the load takes: lease it, or refuse before anything is loaded. */
export function estimated(state: SchedulerState, event: SchedulerEvent, commands: CommandBuffer): void {
  const model = state.models[event.model]!;
  if (model.phase !== 'launching') return;
  if (!model.lease.grow(event.bytes)) {
    refuseLoad(state, model, event.bytes, commands);
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
  resize(state, model.pool, event.sequences);
}

/**
 * The engine is gone. Its leases return at once. A task that gave no token yet is tried again in its old place; one that did
 * fails, since its reader has seen the beginning of an answer that cannot be continued.
 */
export function down(state: SchedulerState, event: SchedulerEvent, commands: CommandBuffer): void {
  const { tasks } = state;
  const model = state.models[event.model]!;
  if (model.phase === 'failed') return;
  if (model.phase !== 'idle') model.engineDeaths++;
  model.lease.release();
  const lost = Array.from(model.slotTask).filter((task) => task !== NONE);
  for (const task of lost) {
    const isOpen = tasks.states[task] !== TaskState.settled;
    const untouched = tasks.outputTokens[task] === 0 && tasks.states[task] !== TaskState.paused;
    const again = isOpen && untouched && tasks.attempts[task]! < tasks.maxAttempts[task]! && event.fatal === 0;
    if (isOpen && !again) settle(state, task, Outcome.failed, Reason.backendDied, commands);
    releaseLease(state, task, 0);
    if (!again) {
      free(state, task, commands);
      continue;
    }
    state.running--;
    waitAgain(state, task);
    enterQueue(state, task);
    commands.push(CommandKind.requeued, task);
  }
  resize(state, model.pool, 0);
  model.resetSlots(0);
  const hopeless = !model.wasReady && model.deaths + 1 >= LAUNCHES_MAX;
  if (event.fatal === 1 || hopeless) fail(state, model, commands);
  else waitToRestart(state, model);
}

/** Starts models whose pause is over. */
export function restartDue(state: SchedulerState, commands: CommandBuffer): void {
  for (const model of state.models) {
    if (model.phase === 'waiting' && model.restartAtMs <= state.nowMs) launch(state, model, commands);
  }
}

function refuseLoad(state: SchedulerState, model: ModelState, neededBytes: number, commands: CommandBuffer): void {
  model.lease.release();
  commands.push(CommandKind.refuseLoad, model.index, neededBytes, state.memory.admissibleBytes(), state.memory.leased);
  // A model that ran before fits again when others let go, and one beside a load that is under way may be counted too tightly: pages
  // that the load has touched already are missing from the probe's figure and not yet off the ledger's. Any other is the operator's to fix.
  const isBesideLoad = state.models.some(
    (other) => other !== model && (other.phase === 'launching' || other.phase === 'loading'),
  );
  if (model.wasReady || isBesideLoad) waitToRestart(state, model);
  else fail(state, model, commands);
}

function waitToRestart(state: SchedulerState, model: ModelState): void {
  const { restartMsMin, restartMsMax } = state.config;
  model.phase = 'waiting';
  model.restartAtMs = state.nowMs + Math.min(restartMsMax, restartMsMin * 2 ** model.deaths);
  model.deaths++;
  state.noteInstant(model.restartAtMs);
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
  for (const task of waiting) {
    // Ending one may end others with it: its children, its gang.
    if (state.tasks.isLive(task)) settle(state, task, Outcome.failed, Reason.backendFailed, commands);
  }
}
