/**
 * One event at a time: clock, log, decide, commands. What arrives inside a turn, because a backend answers synchronously, waits
 * for its own turn.
 *
 * `Reference` is whatever an event belongs to outside the core; it comes back with the event's commands.
 */
import type { Clock } from '../base/clock.js';
import { CommandBuffer, EVENT_ARRAYS, EventKind, EventLogRing, SchedulerEvent } from '../event/index.js';
import { decide, type SchedulerState } from '../scheduler/index.js';

export interface TurnHooks<Reference> {
  /** Carries out all commands of the event, in order. */
  carryOut(commands: CommandBuffer, event: SchedulerEvent, reference: Reference | undefined): void;
  /** Does an event that had to wait still mean anything at its turn? May complete it from its reference. */
  admits(event: SchedulerEvent, reference: Reference | undefined): boolean;
  /** After the last turn of a call from outside: other people's code may run now. */
  rested(): void;
}

/** Sees each decision: the event, its instant, and all that it was answered with. */
export type TurnObserver = (event: SchedulerEvent, nowMs: number, commands: CommandBuffer) => void;

export class TurnLoop<Reference> {
  readonly log: EventLogRing;
  /** The clock as read for the last turn. Never goes back. */
  nowMs = 0;
  /** Told of each decision, before it is carried out. */
  observer: TurnObserver | undefined;
  readonly #state: SchedulerState;
  readonly #clock: Clock;
  readonly #hooks: TurnHooks<Reference>;
  readonly #commands = new CommandBuffer();
  readonly #event = new SchedulerEvent();
  readonly #timer = new SchedulerEvent();
  readonly #waiting: { event: SchedulerEvent; reference: Reference | undefined }[] = [];
  #isBusy = false;

  /** @param logCapacity - numbers that the ring keeps; see {@link EventLogRing} */
  constructor(state: SchedulerState, clock: Clock, hooks: TurnHooks<Reference>, logCapacity?: number) {
    this.log = new EventLogRing(logCapacity);
    this.#state = state;
    this.#clock = clock;
    this.#hooks = hooks;
  }

  /** Inside a turn: what is dispatched now is carried out later. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** A record to fill and dispatch at once. The same one each time, except inside a turn, where it is in use. */
  begin(kind: EventKind): SchedulerEvent {
    const event = this.#isBusy ? new SchedulerEvent() : this.#event;
    event.kind = kind;
    return event;
  }

  dispatch(event: SchedulerEvent, reference?: Reference): void {
    if (this.#isBusy) {
      // The arrays belong to whoever dispatches only until its call returns.
      for (const array of EVENT_ARRAYS[event.kind] ?? []) event[array] = Array.from(event[array]);
      this.#waiting.push({ event, reference });
      return;
    }
    this.#isBusy = true;
    try {
      this.#turn(event, reference);
      while (this.#waiting.length > 0) {
        const next = this.#waiting.shift()!;
        if (this.#hooks.admits(next.event, next.reference)) this.#turn(next.event, next.reference);
      }
    } finally {
      this.#isBusy = false;
    }
    this.#hooks.rested();
  }

  #turn(event: SchedulerEvent, reference: Reference | undefined): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs > this.nowMs) this.nowMs = nowMs;
    // What is due ends in a turn of its own, so that no index is given up and given out in one: whoever hears of an end may still
    // read what the core knows of the task.
    if (event.kind === EventKind.submit && this.#state.nextMs <= this.nowMs) this.#decide(this.#timer, undefined);
    this.#decide(event, reference);
  }

  #decide(event: SchedulerEvent, reference: Reference | undefined): void {
    const commands = this.#commands;
    this.log.append(event, this.nowMs);
    commands.clear();
    try {
      decide(this.#state, event, this.nowMs, commands);
    } finally {
      // Also of an event that broke the scheduler: nothing belongs into a log more than that.
      this.observer?.(event, this.nowMs, commands);
    }
    this.#hooks.carryOut(commands, event, reference);
  }
}
