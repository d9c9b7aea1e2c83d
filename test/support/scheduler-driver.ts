/** A hand-driven scheduler for tests: named events in, readable commands out, and every decision held against the design by a witness. */
import { COMMAND_NAMES, CommandKind, EventKind, SchedulerEvent } from '../../lib/event/index.js';
import { fcfs, none, type Order, type Share } from '../../lib/policy/index.js';
import { decide, SCHEDULER_DEFAULTS, type SchedulerConfig, SchedulerState } from '../../lib/scheduler/index.js';
import {
  type ClassSettings,
  DEFAULT_CLASSES,
  Outcome,
  type TaskClassName,
  taskClassIndex,
} from '../../lib/task/index.js';
import { checkInvariants } from './check-invariants.js';
import { WatchedCommands, Witness } from './witness/index.js';

export const GIB = 2 ** 30;

export interface DriverOptions {
  order?: Order;
  share?: Share;
  classes?: readonly ClassSettings[];
  models?: SchedulerConfig['models'];
  memoryBytes?: number;
  overrides?: Partial<SchedulerConfig>;
}

export interface Command {
  name: string;
  a: number;
  b: number;
  c: number;
  d: number;
}

export interface SubmitOptions {
  model?: number;
  tenant?: number;
  class?: TaskClassName;
  priority?: number;
  session?: number;
  promptTokens?: number;
  outputLimit?: number;
  deadlineMs?: number;
  serviceSeconds?: number;
  size?: number;
}

export class SchedulerDriver {
  readonly state: SchedulerState;
  nowMs = 0;
  /** Commands of the last event. */
  commands: Command[] = [];
  readonly #witness: Witness;
  readonly #buffer = new WatchedCommands();
  readonly #event = new SchedulerEvent();

  constructor(options: DriverOptions = {}) {
    this.#witness = new Witness({
      ...SCHEDULER_DEFAULTS,
      order: options.order ?? fcfs(),
      share: options.share ?? none(),
      classes: options.classes ?? DEFAULT_CLASSES,
      models: options.models ?? [{ name: 'm', keptSlots: [], baseBytes: 1 }],
      memory: { name: 'host memory', capacityBytes: options.memoryBytes ?? GIB, marginBytes: 0 },
      ...options.overrides,
    });
    this.state = new SchedulerState(this.#witness.config);
    this.#witness.attach(this.state);
    this.#buffer.watcher = (kind, a, b, c, d) => this.#witness.command(kind, a, b, c, d);
  }

  send(kind: EventKind, fields: Partial<SchedulerEvent> = {}): Command[] {
    Object.assign(this.#event, { kind }, fields);
    this.#buffer.clear();
    this.#witness.before(this.#event, this.nowMs);
    decide(this.state, this.#event, this.nowMs, this.#buffer);
    this.#witness.after();
    this.commands = Array.from({ length: this.#buffer.length }, (_, index) => ({
      name: COMMAND_NAMES[this.#buffer.kind(index)],
      a: this.#buffer.a(index),
      b: this.#buffer.b(index),
      c: this.#buffer.c(index),
      d: this.#buffer.d(index),
    }));
    checkInvariants(this.state, this.nowMs);
    return this.commands;
  }

  /** Brings a model up with so many slots. */
  bringUp(sequences: number, model = 0, bytes = 1_000): void {
    this.send(EventKind.observed, { pool: 0, bytes: this.state.memory.capacity });
    this.send(EventKind.launch, { model });
    this.send(EventKind.estimated, { model, bytes });
    this.send(EventKind.ready, {
      model,
      sequences,
      bytes: 0,
      secondsPerPromptToken: Number.NaN,
      secondsPerStep: Number.NaN,
    });
  }

  /** Submits and returns the task, or the reason of the refusal as a negative number. */
  submit(options: SubmitOptions = {}): number {
    this.send(EventKind.submit, {
      model: options.model ?? 0,
      tenant: options.tenant ?? 0,
      classIndex: taskClassIndex(options.class ?? 'standard'),
      priority: options.priority ?? 0,
      session: options.session ?? 0,
      promptTokens: options.promptTokens ?? 10,
      outputLimit: options.outputLimit ?? 10,
      deadlineMs: options.deadlineMs ?? Number.POSITIVE_INFINITY,
      serviceSeconds: options.serviceSeconds ?? 1,
      size: options.size ?? Number.NaN,
    });
    const answer = this.commands.find(({ name }) => name === 'admitted' || name === 'refused');
    if (answer === undefined) throw new Error('a submission got no answer');
    return answer.name === 'admitted' ? answer.a : -answer.a;
  }

  progress(tasks: number[], generated = 1, model = 0): Command[] {
    return this.send(EventKind.progress, {
      model,
      count: tasks.length,
      tasks,
      prefilled: tasks.map(() => 0),
      generated: tasks.map(() => generated),
    });
  }

  end(task: number, outcome: Outcome = Outcome.completed, heldTokens = 0): Command[] {
    return this.send(EventKind.ended, { task, outcome, heldTokens, cachedTokens: 0 });
  }

  /** Tasks that the last event started, in order. */
  started(): number[] {
    return this.commands.filter(({ name }) => name === COMMAND_NAMES[CommandKind.start]).map(({ a }) => a);
  }

  /** Outcomes that the last event gave, by task. */
  settled(): Map<number, Outcome> {
    return new Map(this.commands.filter(({ name }) => name === 'settled').map(({ a, b }) => [a, b as Outcome]));
  }

  /** Runs everything that waits, one task at a time on the slots there are, and returns the order of the starts. */
  drain(): number[] {
    const order: number[] = [];
    const running = [...this.state.models.flatMap((model) => [...model.slotTask])].filter((task) => task >= 0);
    while (running.length > 0) {
      const task = running.shift()!;
      this.end(task);
      const next = this.started();
      order.push(...next);
      running.push(...next);
    }
    return order;
  }
}
