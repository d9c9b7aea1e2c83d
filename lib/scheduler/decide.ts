/**
 * The scheduler: a deterministic state machine. The same configuration and events give the same commands, bit for bit.
 *
 * No clock, randomness, I/O or promise inside. It is called with one event at a time, never from inside itself; commands are
 * appended to the caller's buffer and are to be carried out in order before the next call.
 */
import { type CommandBuffer, EventKind, type SchedulerEvent } from '../event/index.js';
import { Reason } from '../task/index.js';
import { sized, submit } from './admission.js';
import { giveBack, takeAgain } from './aside.js';
import { reprioritise } from './enqueue.js';
import { grantAll } from './grant.js';
import { down, estimated, launch, ready, restartDue } from './models.js';
import { ended, grow, pause, progress, resume } from './progress.js';
import { resize } from './resize.js';
import { cancel } from './settle.js';
import type { SchedulerState } from './state.js';
import { askToWake, expireDue } from './timers.js';

/**
 * Takes one event into account. Events about tasks that are gone have no effect.
 * @param nowMs - the driver's clock, read once for the turn; never less than at the call before
 */
export function decide(state: SchedulerState, event: SchedulerEvent, nowMs: number, commands: CommandBuffer): void {
  state.nowMs = nowMs;
  // First what time has ended, so that an event cannot revive it.
  expireDue(state, commands);
  switch (event.kind) {
    case EventKind.submit:
      submit(state, event, commands);
      break;
    case EventKind.sized:
      if (state.tasks.isLive(event.task)) sized(state, event, commands);
      break;
    case EventKind.progress:
      progress(state, event);
      break;
    case EventKind.ended:
      if (state.tasks.isLive(event.task)) ended(state, event, commands);
      break;
    case EventKind.cancel:
      if (state.tasks.isLive(event.task)) cancel(state, event.task, Reason.reported, commands);
      break;
    case EventKind.pause:
      if (state.tasks.isLive(event.task)) pause(state, event.task, commands);
      break;
    case EventKind.resume:
      if (state.tasks.isLive(event.task)) resume(state, event.task, commands);
      break;
    case EventKind.timer:
      // The timer is spent, and may have fired early: ask again even for the same instant.
      state.wakeAtMs = Number.POSITIVE_INFINITY;
      restartDue(state, commands);
      break;
    case EventKind.launch:
      launch(state, state.models[event.model]!, commands);
      break;
    case EventKind.estimated:
      estimated(state, event, commands);
      break;
    case EventKind.ready:
      ready(state, event);
      break;
    case EventKind.down:
      down(state, event, commands);
      break;
    case EventKind.observed:
      state.ledger.pools[event.pool]!.observedFree = event.bytes;
      break;
    case EventKind.declare:
      state.declare(
        event.demand,
        Array.from(event.pools).slice(0, event.count),
        Array.from(event.amounts).slice(0, event.count),
      );
      break;
    case EventKind.reprioritise:
      if (state.tasks.isLive(event.task)) reprioritise(state, event.task, event.priority);
      break;
    case EventKind.grow:
      grow(state, event, commands);
      break;
    case EventKind.giveBack:
      if (state.tasks.isLive(event.task)) giveBack(state, event.task);
      break;
    case EventKind.takeAgain:
      if (state.tasks.isLive(event.task)) takeAgain(state, event.task, commands);
      break;
    case EventKind.resize:
      resize(state, event.pool, event.amount);
      break;
    case EventKind.shut:
      state.isShut = true;
      break;
    case EventKind.open:
      state.isShut = false;
      state.mayGrant = true;
      break;
    case EventKind.forget:
      state.forget(event.tenant);
      break;
    default:
      event.kind satisfies never;
  }
  // And what this event made late: a task that came back past its time-out, one whose size rules its deadline out.
  expireDue(state, commands);
  grantAll(state, commands);
  askToWake(state, commands);
}
