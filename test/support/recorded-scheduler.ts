/** A scheduler that remembers what it was told, so that its state can be made again: states cannot be copied. */
import { CommandBuffer, CommandKind, EventKind, SchedulerEvent } from '../../lib/event/index.js';
import { decide, type SchedulerConfig, SchedulerState } from '../../lib/scheduler/index.js';
import { NONE, Outcome, TaskState } from '../../lib/task/index.js';

export class RecordedScheduler {
  readonly state: SchedulerState;
  nowMs = 0;
  /** The instant that it last asked to be woken at. */
  wakeAtMs = Number.POSITIVE_INFINITY;
  /** Tasks that the last event started, in order. */
  started: number[] = [];
  /** The task or refusal that answers the last submission: NONE when it was refused. */
  admitted: number = NONE;
  /** All commands so far, when asked for. */
  readonly commandLog: string[] | undefined;
  readonly #makeConfig: () => SchedulerConfig;
  readonly #log: { event: SchedulerEvent; nowMs: number }[] = [];
  readonly #commands = new CommandBuffer();

  /** @param makeConfig - gives an equal configuration each time, with policies of its own, because policies hold state */
  constructor(makeConfig: () => SchedulerConfig, logsCommands = false) {
    this.#makeConfig = makeConfig;
    this.state = new SchedulerState(makeConfig());
    this.commandLog = logsCommands ? [] : undefined;
  }

  /** Another scheduler that was told the same. */
  replay(): RecordedScheduler {
    const copy = new RecordedScheduler(this.#makeConfig);
    for (const { event, nowMs } of this.#log) {
      copy.nowMs = nowMs;
      copy.#decide(event);
    }
    copy.nowMs = this.nowMs;
    return copy;
  }

  send(kind: EventKind, fields: Partial<SchedulerEvent> = {}): void {
    this.#decide(Object.assign(new SchedulerEvent(), fields, { kind }));
  }

  end(task: number, outcome: Outcome = Outcome.completed, retryInMs = Number.NaN): void {
    this.send(EventKind.ended, { task, outcome, retryInMs });
  }

  /** Lets the clock reach an instant, which wakes whoever asked for an earlier one. */
  passUntil(instantMs: number): void {
    this.nowMs = Math.max(this.nowMs, instantMs);
    if (this.wakeAtMs <= this.nowMs) this.send(EventKind.timer);
  }

  tasksIn(...states: TaskState[]): number[] {
    const found: number[] = [];
    this.state.tasks.forEachLive((task) => {
      if (states.includes(this.state.tasks.states[task] as TaskState)) found.push(task);
    });
    return found;
  }

  waiting(): number[] {
    return this.tasksIn(TaskState.submitted, TaskState.queued);
  }

  holders(): number[] {
    const { tasks, leases } = this.state;
    const found: number[] = [];
    for (let task = leases.first; task !== NONE; task = tasks.next[task]!) found.push(task);
    return found;
  }

  #decide(event: SchedulerEvent): void {
    this.#log.push({ event, nowMs: this.nowMs });
    const commands = this.#commands;
    commands.clear();
    this.started = [];
    if (event.kind === EventKind.submit) this.admitted = NONE;
    // A timer that has fired is not armed any more.
    if (event.kind === EventKind.timer) this.wakeAtMs = Number.POSITIVE_INFINITY;
    decide(this.state, event, this.nowMs, commands);
    for (let index = 0; index < commands.length; index++) {
      const a = commands.a(index);
      const kind = commands.kind(index);
      if (kind === CommandKind.start) this.started.push(a);
      else if (kind === CommandKind.admitted) this.admitted = a;
      else if (kind === CommandKind.wakeAt) this.wakeAtMs = a;
      this.commandLog?.push([kind, a, commands.b(index), commands.c(index), commands.d(index)].join());
    }
  }
}
