/**
 * One attempt of a function, from its call until it has really ended. Runs are used again: what they hand to a promise is made once,
 * not once per task, so a start costs no closure.
 */
import { follow } from '../../runtime/index.js';
import { callIn } from './caller-contexts.js';
import type { FunctionContext } from './function-context.js';
import type { TaskFunction } from './types.js';

export class FunctionRun {
  task = -1;
  fn!: TaskFunction<unknown>;
  /** While an attempt is under way. */
  context: FunctionContext | undefined;
  startedMs = 0;
  /** What it returned or threw. */
  result: unknown;
  /** The task is freed although the function goes on: its index may be another's. */
  isFreed = false;
  readonly #onEnd: (run: FunctionRun, hasThrown: boolean) => void;
  readonly #onReturn = (value: unknown) => this.#ended(value, false);
  readonly #onThrow = (error: unknown) => this.#ended(error, true);

  /** @param onEnd - called once per {@link begin}, when the function has really ended; its result is in the run */
  constructor(onEnd: (run: FunctionRun, hasThrown: boolean) => void) {
    this.#onEnd = onEnd;
  }

  /** Calls the function in its caller's async context. */
  begin(task: number, fn: TaskFunction<unknown>, context: FunctionContext, nowMs: number): void {
    this.task = task;
    this.fn = fn;
    this.context = context;
    this.startedMs = nowMs;
    this.isFreed = false;
    let returned: unknown;
    try {
      returned = callIn(context.caller, fn, context);
      if (typeof returned === 'object' ? returned !== null : typeof returned === 'function') {
        follow(returned, this.#onReturn, this.#onThrow);
        return;
      }
    } catch (error) {
      this.#ended(error, true);
      return;
    }
    this.#ended(returned, false);
  }

  /** Keeps nothing of its last attempt alive. */
  clear(): void {
    this.result = undefined;
    this.fn = CLEARED;
    this.context = undefined;
  }

  #ended(result: unknown, hasThrown: boolean): void {
    this.result = result;
    this.#onEnd(this, hasThrown);
  }
}

const CLEARED = () => undefined;
