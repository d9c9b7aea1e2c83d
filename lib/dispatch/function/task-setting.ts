/**
 * What a function's task was added with, beyond its numbers in the core. Tasks that were added without options in one async context
 * share a setting, so that a waiting task is no object of its own.
 */
import type { AsyncResource } from 'node:async_hooks';
import type { AgentyardError } from '../../base/errors.js';
import {
  type AbortTarget,
  DEFAULT_TENANT,
  DEFAULT_TENANT_INDEX,
  type SignalTasks,
  type TaskClass,
} from '../../runtime/index.js';
import type { RetryOptions } from './types.js';

export const DEFAULT_CLASS = 'standard';

export class TaskSetting {
  /** The async context of whoever added the task. */
  readonly context: AsyncResource;
  /** Is it the setting of several tasks? Then it says nothing about one of them. */
  readonly isShared: boolean;
  /** As the caller named it; otherwise one is made up when somebody asks. */
  id: string | undefined;
  tenantName: string = DEFAULT_TENANT;
  /** Tenant number that is retained for the task. */
  tenant: number = DEFAULT_TENANT_INDEX;
  className: TaskClass = DEFAULT_CLASS;
  /** Demand number that is retained for the task; undefined: the standard one, which nobody retains. */
  demand: number | undefined;
  /** Group number that is retained for the task; 0: none. */
  group = 0;
  /** Absolute; Infinity: none. */
  deadlineMs: number = Number.POSITIVE_INFINITY;
  retry: RetryOptions | undefined;
  signal: TaskSignal | undefined;
  idempotencyKey: string | undefined;
  /** Why the task is cancelled. */
  error: AgentyardError | undefined;

  constructor(context: AsyncResource, isShared: boolean) {
    this.context = context;
    this.isShared = isShared;
  }

  /** The setting of one of its tasks that is about to be cancelled with `error`. */
  failing(error: AgentyardError): TaskSetting {
    const own = this.isShared ? new TaskSetting(this.context, false) : this;
    own.error = error;
    return own;
  }
}

/** The caller's signal of one task. */
export class TaskSignal implements AbortTarget {
  /** Index in the core. */
  task = -1;
  tasks: SignalTasks<AbortTarget> | undefined;
  readonly signal: AbortSignal;
  readonly cancel: (signal: TaskSignal, error: AgentyardError) => void;

  constructor(signal: AbortSignal, cancel: (signal: TaskSignal, error: AgentyardError) => void) {
    this.signal = signal;
    this.cancel = cancel;
  }

  aborted(error: AgentyardError): void {
    this.cancel(this, error);
  }
}
