/**
 * One event at a time: clock, log, decide, commands. What arrives inside a turn, because a backend answers synchronously, waits
 * for its own turn.
 *
 * `Reference` is whatever an event belongs to outside the core; it comes back with the event's commands.
 */
import type { Clock } from '../base/clock.js';
import { CommandBuffer, EventKind, EventLogRing, SchedulerEvent } from '../event/index.js';
import { decide, type SchedulerState } from '../scheduler/index.js';

export interface TurnHooks<Reference> {
  carryOut(commands: CommandBuffer, index: number, reference: Reference | undefined): void;
  /** Does the event still mean anything at its turn? May complete it from its reference. */
  admits(event: SchedulerEvent, reference: Reference | undefined): boolean;
  /** After all commands of the event. */
  turned(event: SchedulerEvent): void;
}

export class TurnLoop<Reference> {
  readonly log = new EventLogRing();
  /** The clock as read for the last turn. Never goes back. */
  nowMs = 0;
  readonly #state: SchedulerState;
  readonly #clock: Clock;
  readonly #hooks: TurnHooks<Reference>;
  readonly #commands = new CommandBuffer();
  readonly #event = new SchedulerEvent();
  readonly #waiting: { event: SchedulerEvent; reference: Reference | undefined }[] = [];
  #isBusy = false;

  constructor(state: SchedulerState, clock: Clock, hooks: TurnHooks<Reference>) {
    this.#state = state;
    this.#clock = clock;
    this.#hooks = hooks;
  }

  /** A record to fill and dispatch at once. The same one each time, except inside a turn, where it is in use. */
  begin(kind: EventKind): SchedulerEvent {
    const event = this.#isBusy ? new SchedulerEvent() : this.#event;
    event.kind = kind;
    return event;
  }

  dispatch(event: SchedulerEvent, reference?: Reference): void {
    if (this.#isBusy) {
      if (event.kind === EventKind.progress) {
        // The arrays belong to the backend only until its call returns.
        event.tasks = Array.from(event.tasks);
        event.prefilled = Array.from(event.prefilled);
        event.generated = Array.from(event.generated);
      }
      this.#waiting.push({ event, reference });
      return;
    }
    this.#isBusy = true;
    try {
      this.#turn(event, reference);
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        this.#turn(next.event, next.reference);
      }
    } finally {
      this.#isBusy = false;
    }
  }

  #turn(event: SchedulerEvent, reference: Reference | undefined): void {
    if (!this.#hooks.admits(event, reference)) return;
    this.nowMs = Math.max(this.nowMs, this.#clock.nowMs());
    this.log.append(event, this.nowMs);
    const commands = this.#commands;
    commands.clear();
    decide(this.#state, event, this.nowMs, commands);
    for (let index = 0; index < commands.length; index++) this.#hooks.carryOut(commands, index, reference);
    this.#hooks.turned(event);
  }
}
