/** What a queue tells its listeners, and promises for the next time that it does. */
import type { EventEmitter } from 'eventemitter3';

export type EventName =
  | 'active'
  | 'idle'
  | 'empty'
  | 'add'
  | 'next'
  | 'completed'
  | 'error'
  | 'pendingZero'
  | 'rateLimit'
  | 'rateLimitCleared';

/** Calls the listeners of an event without a value. */
export function tell(queue: EventEmitter<EventName>, event: Exclude<EventName, 'completed' | 'error'>): void {
  try {
    queue.emit(event);
  } catch (error) {
    report(error);
  }
}

/** Calls the listeners of the end of a task. */
export function tellEnd(queue: EventEmitter<EventName>, event: 'completed' | 'error', value: unknown): void {
  try {
    queue.emit(event, value);
  } catch (error) {
    report(error);
  }
}

/** Resolves at the next event, or at the next one at which `holds` is true. */
export function nextTime(
  queue: EventEmitter<EventName>,
  event: EventName,
  holds: () => boolean = () => true,
): Promise<void> {
  return new Promise((resolve) => {
    const listener = () => {
      if (!holds()) return;
      queue.off(event, listener);
      resolve();
    };
    queue.on(event, listener);
  });
}

/**
 * A listener or a `queueClass` that throws is its owner's bug: it ends the process like any other uncaught error, and leaves the
 * queue's bookkeeping alone.
 */
export function report(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
