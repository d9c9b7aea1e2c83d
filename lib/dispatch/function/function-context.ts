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
  giveBack(reference: TaskReference): void;
  takeAgain(reference: TaskReference): void;
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
  /** Whoever waits for the lease. */
  #waiter: PromiseWithResolvers | undefined;

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

  /** Lets others have what it holds of pools while it only waits for children; rate windows stay spent. */
  giveBack(): void {
    this.#services.giveBack(this);
  }

  /**
   * Resolves when it holds that again, at once if nothing was given back. Rejects with what its caller got when its outcome is out before.
   * One call at a time.
   */
  takeAgain(): Promise<void> {
    if (this.#reason !== undefined) return Promise.reject(this.#reason);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#services.takeAgain(this);
    });
  }

  /** It holds its lease again. */
  proceed(): void {
    this.#waiter?.resolve();
    this.#waiter = undefined;
  }

  /** @param reason - what its caller got, an error */
  abort(reason: unknown): void {
    this.#reason = reason;
    this.#waiter?.reject(reason);
    this.#waiter = undefined;
    this.#controller?.abort(reason);
  }
}

interface PromiseWithResolvers {
  resolve: () => void;
  reject: (reason: unknown) => void;
}
