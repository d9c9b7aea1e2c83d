/** What a yard tells its listeners. Listeners run outside the scheduler's turn; one that throws is its owner's bug and stops nobody. */
import { inspect, types } from 'node:util';
import { InvalidOptionError } from './base/errors.js';
import type { FunctionObservers, TaskInfo } from './dispatch/function/index.js';
import type { TaskRecord } from './runtime/service.js';

/** Arguments of each event's listeners. */
export interface YardEvents {
  /** A function was accepted. */
  add: [task: TaskInfo];
  /** A function is about to be called; `attempt` is 1 for the first time. */
  active: [task: TaskInfo, attempt: number];
  /** A function's promise resolves with `result`. */
  completed: [result: unknown, task: TaskInfo];
  /** A function's promise rejects with `error`, whatever the reason. */
  error: [error: unknown, task: TaskInfo];
  /** A task, for a model or a function, has its outcome. */
  settled: [record: TaskRecord];
  /** Nothing waits any more; something may still run. */
  empty: [];
  /** Nothing waits and nothing runs any more. */
  idle: [];
}

export type YardEventName = keyof YardEvents;
export type YardListener<E extends YardEventName> = (...args: YardEvents[E]) => void;

type ListenerSets = { readonly [E in YardEventName]: Set<YardListener<E>> };

export class YardListeners {
  /** What functions are watched for: only what somebody listens to. */
  readonly observers: FunctionObservers = {};
  readonly #sets: ListenerSets = {
    add: new Set(),
    active: new Set(),
    completed: new Set(),
    error: new Set(),
    settled: new Set(),
    empty: new Set(),
    idle: new Set(),
  };

  /** @throws {@link InvalidOptionError} for an unknown event */
  add<E extends YardEventName>(name: E, listener: YardListener<E>): void {
    this.#check(name);
    this.#sets[name].add(listener);
    this.#update();
  }

  delete<E extends YardEventName>(name: E, listener: YardListener<E>): void {
    this.#check(name);
    this.#sets[name].delete(listener);
    this.#update();
  }

  has(name: YardEventName): boolean {
    return this.#sets[name].size > 0;
  }

  emit<E extends YardEventName>(name: E, ...args: YardEvents[E]): void {
    for (const listener of [...this.#sets[name]]) {
      try {
        listener(...args);
      } catch (error) {
        process.emitWarning(warningOf(error));
      }
    }
  }

  #check(name: string): void {
    if (Object.hasOwn(this.#sets, name)) return;
    const known = Object.keys(this.#sets).join(', ');
    throw new InvalidOptionError('event', `Unknown event "${name}"; known: ${known}.`);
  }

  #update(): void {
    const { observers } = this;
    observers.added = this.has('add') ? (task) => this.emit('add', task) : undefined;
    observers.active = this.has('active') ? (task, attempt) => this.emit('active', task, attempt) : undefined;
    observers.completed = this.has('completed') ? (result, task) => this.emit('completed', result, task) : undefined;
    observers.failed = this.has('error') ? (error, task) => this.emit('error', error, task) : undefined;
    observers.settled = this.has('settled') ? (record) => this.emit('settled', record) : undefined;
  }
}

/** Whatever a listener throws: an error as it is, all else as a text, also what cannot be made a string. */
function warningOf(thrown: unknown): Error | string {
  if (typeof thrown === 'string') return thrown;
  if (types.isNativeError(thrown) && thrown instanceof Error) return thrown;
  return inspect(thrown, { customInspect: false });
}
