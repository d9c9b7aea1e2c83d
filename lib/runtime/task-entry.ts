/**
 * What a task is outside the core. The runtime carries commands out through these hooks and does not ask which kind of work it is:
 * most kinds have an object per task ({@link TaskEntry}); functions, of which many may wait, have one keeper for all of them, which
 * finds a task by its index.
 *
 * Each hook runs inside a turn: it must not throw, and calls nobody's code but a backend's (`Runtime.afterTurn` is for that). While a
 * hook runs the core's columns of its task still hold what they held, also when the task was settled or freed.
 */
import type { AgentyardError } from '../base/errors.js';
import type { Outcome, Reason } from '../task/index.js';
import type { TaskClass } from './service.js';

/** {@link TaskEntry.task} before admission. */
export const NOT_ADMITTED = -1;

/** The task's index comes last: an entry has it already. */
export interface TaskHooks {
  /** One of these two is the answer to a submission. */
  admitted(task: number): void;
  /** Turned down; there is no task. */
  refused(outcome: Outcome, error: AgentyardError): void;
  start(slot: number, rank: number, task: number): void;
  stop(task: number): void;
  hold(task: number): void;
  proceed(task: number): void;
  requeued(task: number): void;
  settled(outcome: Outcome, reason: Reason, task: number): void;
  /** Nothing of it is left in the core; its index is about to be another's. */
  freed(task: number): void;
  /** It is about to be cancelled: this is what its caller gets. */
  fail(error: AgentyardError, task: number): void;
}

/** A task that is an object. */
export interface TaskEntry extends TaskHooks {
  readonly id: string;
  /** Model index, -1 for a function. */
  readonly model: number;
  readonly modelName: string | undefined;
  readonly tenantName: string;
  readonly className: TaskClass;
  /** Index in the core, set by the runtime; {@link NOT_ADMITTED} before admission. */
  task: number;
  /** The outcome is out; whatever still comes from whoever works on it is ignored. */
  readonly isSettled: boolean;
  /** It was started and has not come back. */
  readonly isStarted: boolean;
}
