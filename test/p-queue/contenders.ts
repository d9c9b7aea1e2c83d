/** The class and the package that it stands in for: one behaviour suite runs over both, so it describes what users really have today. */
import { EventEmitter } from 'eventemitter3';
import Reference, { PriorityQueue as ReferencePriorityQueue, TimeoutError as ReferenceTimeoutError } from 'p-queue';
import PQueue, { type Options, PriorityQueue, type QueueAddOptions, TimeoutError } from '../../lib/p-queue/index.js';

export interface Contender {
  name: string;
  isReference: boolean;
  PQueue: typeof PQueue;
  PriorityQueue: typeof PriorityQueue;
  TimeoutError: new (message?: string) => Error;
  EventEmitter: typeof EventEmitter;
}

export const contenders: readonly Contender[] = [
  {
    name: 'p-queue',
    isReference: true,
    PQueue: Reference as unknown as typeof PQueue,
    PriorityQueue: ReferencePriorityQueue as unknown as typeof PriorityQueue,
    TimeoutError: ReferenceTimeoutError,
    EventEmitter,
  },
  { name: 'agentyard/p-queue', isReference: false, PQueue, PriorityQueue, TimeoutError, EventEmitter },
];

export type AnyQueue = InstanceType<typeof PQueue>;
export type QueueOptions = Options<PriorityQueue, QueueAddOptions>;

export const EVENT_NAMES = [
  'active',
  'idle',
  'empty',
  'add',
  'next',
  'completed',
  'error',
  'pendingZero',
  'rateLimit',
  'rateLimitCleared',
] as const;

/** Notes every event with the size and the pending count that a listener sees. */
export function trace(queue: AnyQueue, names: readonly (typeof EVENT_NAMES)[number][] = EVENT_NAMES): string[] {
  const lines: string[] = [];
  for (const name of names) {
    queue.on(name, (...values: unknown[]) => {
      const shown = values.map((value) => (value instanceof Error ? value.message : String(value)));
      lines.push(`${[name, ...shown].join(' ')} ${counts(queue)}`);
    });
  }
  return lines;
}

/** `2+1`: two wait, one runs. */
export function counts(queue: AnyQueue): string {
  return `${queue.size}+${queue.pending}`;
}

export interface Deferred<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** Lets everything happen that needs no time. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** For promises that are looked at another way: their rejection is expected. */
export function ignore(promise: Promise<unknown>): void {
  promise.catch(() => {});
}
