/**
 * The scheduler: a deterministic state machine. The same configuration and events give the same commands, bit for bit.
 *
 * No clock, randomness, I/O or promise inside. It is called with one event at a time, never from inside itself; commands are
 * appended to the caller's buffer and are to be carried out in order before the next call.
 */
import { type CommandBuffer, EventKind, type SchedulerEvent } from '../event/index.js';
import { sized, submit } from './admission.js';
import { grantAll } from './grant.js';
import { down, estimated, launch, ready, restartDue } from './models.js';
import { ended, pause, progress, resume } from './progress.js';
import { cancel } from './settle.js';
import type { SchedulerState } from './state.js';
import { askToWake, expireDue } from './timers.js';

/**
 * Takes one event into account.
 * @param nowMs - the driver's clock, read once for the turn; never less than at the call before
 */
export function decide(state: SchedulerState, event: SchedulerEvent, nowMs: number, commands: CommandBuffer): void {
  // First what time has ended, so that an event cannot revive it.
  expireDue(state, nowMs, commands);
  switch (event.kind) {
    case EventKind.submit:
      submit(state, event, nowMs, commands);
      break;
    case EventKind.sized:
      if (state.tasks.isLive(event.task)) sized(state, event);
      break;
    case EventKind.progress:
      progress(state, event);
      break;
    case EventKind.ended:
      ended(state, event, nowMs, commands);
      break;
    case EventKind.cancel:
      if (state.tasks.isLive(event.task)) cancel(state, event.task, commands);
      break;
    case EventKind.pause:
      pause(state, event.task, nowMs, commands);
      break;
    case EventKind.resume:
      resume(state, event.task, commands);
      break;
    case EventKind.timer:
      // The timer is spent, and may have fired early: ask again even for the same instant.
      state.wakeAtMs = Number.POSITIVE_INFINITY;
      restartDue(state, nowMs, commands);
      break;
    case EventKind.launch:
      launch(state, state.models[event.model]!, nowMs, commands);
      break;
    case EventKind.estimated:
      estimated(state, event, nowMs, commands);
      break;
    case EventKind.ready:
      ready(state, event);
      break;
    case EventKind.down:
      down(state, event, nowMs, commands);
      break;
    case EventKind.observed:
      state.ledger.pools[event.pool]!.observedFree = event.bytes;
      break;
    default:
      event.kind satisfies never;
  }
  // And what this event made late: a task that came back past its time-out, one whose size rules its deadline out.
  expireDue(state, nowMs, commands);
  grantAll(state, nowMs, commands);
  askToWake(state, commands);
}
