/** What a function is called with. */
import type { AsyncResource } from 'node:async_hooks';
import type { TaskSetting } from './task-setting.js';
import type { AddOptions, TaskContext, TaskFunction } from './types.js';

/** One task for good: indices are used again, serial numbers are not. */
export interface TaskReference {
  readonly task: number;
  readonly serial: number;
}

/** What a context asks on behalf of its function. */
export interface TaskServices {
  readonly nowMs: number;
  madeUpId(reference: TaskReference): string;
  addChild<T>(parent: TaskReference, fn: TaskFunction<T>, options: AddOptions | undefined): Promise<T>;
  grow(reference: TaskReference, pool: string, amount: number): boolean;
}

export class FunctionContext implements TaskContext, TaskReference {
  readonly task: number;
  readonly serial: number;
  readonly attempt: number;
  readonly #services: TaskServices;
  readonly #setting: TaskSetting;
  #controller: AbortController | undefined;
  /** Why it is aborted; kept for a signal that is read later. */
  #reason: unknown;

  constructor(services: TaskServices, setting: TaskSetting, task: number, serial: number, attempt: number) {
    this.#services = services;
    this.#setting = setting;
    this.task = task;
    this.serial = serial;
    this.attempt = attempt;
  }

  get id(): string {
    return this.#setting.id ?? this.#services.madeUpId(this);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get deadlineMs(): number | undefined {
    const { deadlineMs } = this.#setting;
    return deadlineMs === Number.POSITIVE_INFINITY ? undefined : deadlineMs - this.#services.nowMs;
  }

  /** The async context of whoever added the task. */
  get caller(): AsyncResource {
    return this.#setting.context;
  }

  add<T>(fn: TaskFunction<T>, options?: Omit<AddOptions, 'parent' | 'tenant'>): Promise<T> {
    return this.#services.addChild(this, fn, options);
  }

  grow(pool: string, amount: number): boolean {
    return this.#services.grow(this, pool, amount);
  }

  /** @param reason - what its caller got, an error */
  abort(reason: unknown): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
