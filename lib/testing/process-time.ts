/** Puts other timers and clocks in the place of the process's own, and back. */
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import type { VirtualTimer } from './timer-queue.js';

/** Where time comes from instead. */
export interface TimeSource {
  /** Monotonic, ms. */
  nowMs(): number;
  /** Since the epoch, ms. */
  wallMs(): number;
  add(callback: () => void, delayMs: number, isRepeated: boolean): VirtualTimer;
  remove(timer: VirtualTimer): void;
  find(id: number): VirtualTimer | undefined;
  /** Somebody goes on in the next turn of the event loop. */
  immediate(): void;
}

export interface RealTime {
  /** One turn of the event loop. */
  turn(): Promise<void>;
  /** Real milliseconds. */
  wait(ms: number): Promise<void>;
  /** Puts everything back. */
  restore(): void;
}

type Callback = (...args: unknown[]) => void;
type Members = Record<string, unknown>;

/** Replaces `setTimeout`, `setInterval`, their counterparts, `node:timers/promises`, `AbortSignal.timeout`, `Date` and `performance.now`. */
export function replaceTime(source: TimeSource): RealTime {
  const { setTimeout: realSetTimeout, setImmediate: realSetImmediate } = globalThis;
  const undo: (() => void)[] = [];
  const replace = (target: object, replacements: Members) => {
    for (const [name, value] of Object.entries(replacements)) {
      const own = Object.getOwnPropertyDescriptor(target, name);
      Object.defineProperty(target, name, {
        value,
        configurable: true,
        writable: true,
        enumerable: own?.enumerable ?? true,
      });
      undo.push(() => {
        if (own === undefined) delete (target as Members)[name];
        else Object.defineProperty(target, name, own);
      });
    }
  };

  const callbacks = callbackTimers(source);
  const immediate = (callback: Callback, ...args: unknown[]) => {
    source.immediate();
    return realSetImmediate(callback, ...args);
  };
  const { setImmediate: realPromisedImmediate } = timersPromises;
  const promisedImmediate: typeof realPromisedImmediate = (value, options) => {
    source.immediate();
    return realPromisedImmediate(value, options);
  };
  const all = { ...callbacks, setImmediate: Object.assign(immediate, { [CUSTOM]: promisedImmediate }) };
  replace(globalThis, { ...all, Date: virtualDate(source) });
  replace(timers, all);
  replace(timersPromises, { ...promiseTimers(source), setImmediate: promisedImmediate });
  replace(AbortSignal, { timeout: (delayMs: number) => timeoutSignal(source, delayMs) });
  replace(performance, { now: () => source.nowMs() });
  // Whoever imported a timer by its name gets the other one too.
  syncBuiltinESMExports();
  return {
    turn: () => new Promise((resolve) => realSetImmediate(() => resolve())),
    wait: (ms) => new Promise((resolve) => realSetTimeout(() => resolve(), ms)),
    restore: () => {
      for (const step of undo.splice(0).reverse()) step();
      syncBuiltinESMExports();
    },
  };
}

function callbackTimers(source: TimeSource): Members {
  const { clearTimeout: realClear } = globalThis;
  const clear = (timer: unknown) => {
    const found = typeof timer === 'number' || typeof timer === 'string' ? source.find(Number(timer)) : timer;
    if (isVirtualTimer(found)) source.remove(found);
    // One of the process's own, made before.
    else realClear(timer as NodeJS.Timeout);
  };
  const promised = promiseTimers(source);
  const add =
    (isRepeated: boolean) =>
    (callback: Callback, delayMs?: number, ...args: unknown[]) =>
      source.add(() => callback(...args), Number(delayMs ?? 1), isRepeated);
  const setTimeout = Object.assign(add(false), { [CUSTOM]: promised.setTimeout });
  return { setTimeout, setInterval: add(true), clearTimeout: clear, clearInterval: clear };
}

/** What `util.promisify` looks for. */
const CUSTOM = Symbol.for('nodejs.util.promisify.custom');

interface WaitOptions {
  signal?: AbortSignal | undefined;
  ref?: boolean | undefined;
}

function promiseTimers(source: TimeSource): Members {
  const wait = <T>(delayMs?: number, value?: T, { signal, ref = true }: WaitOptions = {}) =>
    new Promise<T | undefined>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(abortError(signal));
        return;
      }
      const timer = source.add(
        () => {
          signal?.removeEventListener('abort', abort);
          resolve(value);
        },
        Number(delayMs ?? 1),
        false,
      );
      const abort = () => {
        source.remove(timer);
        reject(abortError(signal!));
      };
      signal?.addEventListener('abort', abort, { once: true });
      if (!ref) timer.unref();
    });
  const setInterval = async function* <T>(delayMs?: number, value?: T, options?: WaitOptions) {
    for (;;) yield await wait(delayMs, value, options);
  };
  const scheduler = {
    ...timersPromises.scheduler,
    wait: (ms: number, options?: WaitOptions) => wait(ms, undefined, options),
  };
  return { setTimeout: wait, setInterval, scheduler };
}

/** The error that Node's own timers reject with. */
function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}

function timeoutSignal(source: TimeSource, delayMs: number): AbortSignal {
  const controller = new AbortController();
  const reason = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');
  source.add(() => controller.abort(reason()), delayMs, false).unref();
  return controller.signal;
}

function virtualDate(source: TimeSource): DateConstructor {
  const now = () => Math.floor(source.wallMs());
  const proxy: DateConstructor = new Proxy(Date, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget === proxy ? target : newTarget) as object,
    apply: (target) => new target(now()).toString(),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  });
  return proxy;
}

function isVirtualTimer(timer: unknown): timer is VirtualTimer {
  return typeof timer === 'object' && timer !== null && 'isWaiting' in timer;
}
