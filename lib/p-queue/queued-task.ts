/**
 * One task of a queue: what its caller gave, and the entry by which the scheduler knows it.
 *
 * Phases: waiting → running → over, or waiting → over when it is cleared or aborted. It is the async context (AsyncLocalStorage) of
 * its caller, too. A waiting task is a few words and the resolver of its promise: what only some tasks have lies in {@link Extras},
 * what only running ones have in their {@link Run}.
 */
import { AsyncResource } from 'node:async_hooks';
import { NOT_ADMITTED, type SignalTasks, type TaskEntry } from '../runtime/index.js';
import { Outcome, Reason } from '../task/index.js';
import type { RunFunction, TaskOptions } from './options.js';
import type { Run } from './run.js';

export type TaskFunction<T> = (options: TaskOptions) => T | PromiseLike<T>;

export const Phase = { waiting: 0, running: 1, over: 2 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Who is told what the scheduler decided. Called inside its turn: notes it and calls nobody's code. */
export interface Decisions {
  /** The task has its slot. */
  granted(task: QueuedTask): void;
  /** Its time-out is over; its slot is free again. */
  timedOut(task: QueuedTask): void;
}

/** What only some tasks have. */
export class Extras {
  readonly id: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** ms. */
  readonly timeout: number | undefined;
  /** How the signal reaches the task while it waits, and while it runs. */
  signalTasks: SignalTasks<QueuedTask> | undefined;
  onAbort: (() => void) | undefined;
  /** What a `queueClass` holds for the task. */
  run: RunFunction | undefined;
  /** Called when the task is over; there while what a `queueClass` held is under way. */
  onOver: (() => void) | undefined;

  constructor(id?: string, signal?: AbortSignal, timeout?: number) {
    this.id = id;
    this.signal = signal;
    this.timeout = timeout;
  }
}

/**
 * Rejects a promise through its own resolver, so that a waiting task needs no rejecter. Costs one microtask.
 */
class Rejection {
  readonly #error: unknown;

  constructor(error: unknown) {
    this.#error = error;
  }

  // biome-ignore lint/suspicious/noThenProperty: being a thenable is what it is for
  then(_resolve: unknown, reject: (error: unknown) => void): void {
    reject(this.#error);
  }
}

export class QueuedTask extends AsyncResource implements TaskEntry {
  task = NOT_ADMITTED;
  phase: Phase = Phase.waiting;
  readonly fn: TaskFunction<unknown>;
  /** As given, whatever it is. */
  priority: unknown;
  readonly extras: Extras | undefined;
  /** While it runs. */
  run: Run<QueuedTask> | undefined;
  readonly resolve: (value: unknown) => void;
  /** Which task without an id of its own it is, from 1; 0 with one. */
  readonly #number: number;
  readonly #decisions: Decisions;

  constructor(
    decisions: Decisions,
    number: number,
    fn: TaskFunction<unknown>,
    priority: unknown,
    extras: Extras | undefined,
    resolve: (value: unknown) => void,
  ) {
    super('AgentyardTask');
    this.#decisions = decisions;
    this.#number = number;
    this.fn = fn;
    this.priority = priority;
    this.extras = extras;
    this.run = undefined;
    this.resolve = resolve;
  }

  reject(error: unknown): void {
    this.resolve(new Rejection(error));
  }

  get id(): string {
    return this.extras?.id ?? String(this.#number);
  }

  /** As the scheduler takes it: finite. What is no number at all counts as 0. */
  get urgency(): number {
    const number = Number(this.priority);
    return Number.isNaN(number) ? 0 : Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, number));
  }

  get model(): number {
    return -1;
  }
  get modelName(): undefined {
    return undefined;
  }
  get tenantName(): string {
    return 'default';
  }
  get className(): 'standard' {
    return 'standard';
  }
  get isSettled(): boolean {
    return this.phase === Phase.over;
  }
  get isStarted(): boolean {
    return this.phase === Phase.running;
  }

  start(): void {
    this.#decisions.granted(this);
  }

  settled(outcome: Outcome, reason: Reason): void {
    if (outcome === Outcome.failed && reason === Reason.timedOut) this.#decisions.timedOut(this);
  }

  freed(): void {
    this.task = NOT_ADMITTED;
  }

  /** The scheduler of a queue has no limits that could refuse a task. */
  refused(_outcome: Outcome, error: Error): void {
    this.reject(error);
  }

  // Whoever ends a task before its function has ended settles its promise at once and forgets the function.
  fail(): void {}
  admitted(): void {}
  stop(): void {}
  hold(): void {}
  proceed(): void {}
  requeued(): void {}
}
