/**
 * What pure agents have done already, and what they are doing: results by (agent, input, model), and equal calls in flight as one run.
 *
 * A result is copied when it is kept and whenever it is handed out, so no caller can change another's. Failures are not kept. An agent
 * is known by its object: another version, or another definition of the same name, runs again.
 * A call joins a run that is at least as urgent as itself; a more urgent one begins a run of its own, which later calls join.
 * A joined call is no task: class, time-out, tenant and budget are those of the run; its own deadline and signal are its own.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { AgentCycleError } from '../base/agent-errors.js';
import { ClosedError, DeadlineError, ParentEndedError, stackless } from '../base/errors.js';
import { checkAddOptions } from '../dispatch/function/add-options.js';
import { abortedError } from '../runtime/index.js';
import { taskClassIndex } from '../task/index.js';
import type { AnyAgent } from './agent.js';
import type { AgentCall, SharedRun } from './agent-call.js';
import type { AgentHost } from './agent-host.js';
import type { RunOptions } from './agent-service.js';
import { CallReports } from './call-reports.js';
import { copyData, type DataCopy, keyOfData } from './data-copy.js';
import { EmbeddingCache, type EmbeddingStats } from './embedding-cache.js';
import { Flight, flightOf } from './flight.js';

export interface ReuseLimits {
  /** Approximate size of the results of pure agents that are kept, bytes. Default 67,108,864. 0 keeps none; equal calls are still joined. */
  resultBytes?: number | undefined;
  /** Approximate size of the embeddings that are kept, bytes. Default 67,108,864. 0 keeps none. */
  embeddingBytes?: number | undefined;
}

export interface ReuseStats {
  results: {
    /** Calls that got a kept result. */
    hits: number;
    /** Calls that waited for the run of another. */
    joins: number;
    /** Calls that ran. */
    misses: number;
    entries: number;
    bytes: number;
  };
  embeddings: EmbeddingStats;
}

/** Submits a call as a task. */
export type Submit = (
  agent: AnyAgent,
  input: unknown,
  options: RunOptions | undefined,
  parent: AgentCall | undefined,
  reports: CallReports,
  shared: SharedRun,
) => Promise<unknown>;

const DEFAULT_BYTES = 64 * 2 ** 20;
/** Bounds the cache's own lists. */
const ENTRIES_MAX = 10_000;
/** Longer keys are kept as their digest. */
const KEY_LENGTH_MAX = 512;
const DEFAULT_CLASS = 'standard';
const TIMER_MS_MAX = 2 ** 31 - 1;

/** One caller's wish, whatever becomes of the runs that it joins. */
interface Wish {
  readonly key: string;
  readonly agent: AnyAgent;
  readonly input: unknown;
  readonly options: RunOptions;
  readonly parent: AgentCall | undefined;
  /** When its result is worthless, by `performance.now()`; Infinity for never. */
  readonly deadlineAtMs: number;
  readonly classIndex: number;
  readonly priority: number;
  /** Runs that it joined and that were ended by what was not its own. */
  losses: number;
}

export class Reuse {
  readonly embeddings: EmbeddingCache;
  readonly #host: AgentHost;
  readonly #submit: Submit;
  readonly #bytesMax: number;
  readonly #flights = new Map<string, Flight>();
  readonly #serials = new WeakMap<AnyAgent, number>();
  #nextSerial = 1;
  #kept: LRUCache<string, DataCopy> | undefined;
  #hits = 0;
  #joins = 0;
  #misses = 0;

  constructor(host: AgentHost, limits: ReuseLimits = {}, submit: Submit) {
    this.#host = host;
    this.#submit = submit;
    this.#bytesMax = limits.resultBytes ?? DEFAULT_BYTES;
    this.embeddings = new EmbeddingCache(limits.embeddingBytes ?? DEFAULT_BYTES);
  }

  stats(): ReuseStats {
    return {
      results: {
        hits: this.#hits,
        joins: this.#joins,
        misses: this.#misses,
        entries: this.#kept?.size ?? 0,
        bytes: this.#kept?.calculatedSize ?? 0,
      },
      embeddings: this.embeddings.stats(),
    };
  }

  /**
   * The result of a pure agent for a validated input: a kept one, that of a run under way, or that of a run of its own. With the option
   * `reuse: false` always the last; later calls get its result all the same.
   */
  run(agent: AnyAgent, input: unknown, options: RunOptions = {}, parent: AgentCall | undefined): Promise<unknown> {
    const { signal, deadlineMs = Number.POSITIVE_INFINITY } = options;
    try {
      // A call that would find its result is as wrong as one that runs.
      if (this.#host.isClosed) throw new ClosedError();
      const { idempotencyKey, model, reuse, onProgress, onPart, ...ofTask } = options;
      checkAddOptions(ofTask);
    } catch (error) {
      return Promise.reject(error);
    }
    if (signal?.aborted === true) return Promise.reject(abortedError(signal));
    const data = keyOfData(input);
    const wish: Wish = {
      key: `${this.#serialOf(agent)} ${options.model ?? agent.model ?? ''} ${shorten(data)}`,
      agent,
      input,
      options,
      parent,
      deadlineAtMs: performance.now() + deadlineMs,
      classIndex: taskClassIndex(options.class ?? parent?.className ?? DEFAULT_CLASS),
      priority: options.priority ?? 0,
      losses: 0,
    };
    // An input that is no data is equal to nothing.
    if (data === undefined) return this.#lead(wish, false);
    return options.reuse === false ? this.#lead(wish, true) : this.#grant(wish);
  }

  #grant(wish: Wish): Promise<unknown> {
    const kept = this.#kept?.get(wish.key);
    if (kept !== undefined) {
      this.#hits++;
      return Promise.resolve(copyData(kept.value).value);
    }
    const flight = this.#flights.get(wish.key);
    return flight !== undefined && isUrgentEnough(flight, wish) ? this.#join(flight, wish) : this.#lead(wish, true);
  }

  #lead(wish: Wish, isShared: boolean): Promise<unknown> {
    const { key, agent, input, options, parent } = wish;
    this.#misses++;
    const flight = new Flight(agent.id, wish.classIndex, wish.priority, new CallReports(options));
    const endWait = flightOf(parent)?.awaits(flight);
    if (isShared) this.#flights.set(key, flight);
    const leftMs = wish.deadlineAtMs - performance.now();
    const deadlineMs = leftMs === Number.POSITIVE_INFINITY ? undefined : leftMs;
    const own: RunOptions = { ...options, deadlineMs, signal: flight.signal.asSignal };
    flight.promise = this.#submit(agent, input, own, parent, flight.reports, flight);
    const landed = (isKept: boolean) => {
      endWait?.();
      this.#forget(key, flight);
      if (isKept && flight.copy !== undefined) this.#keep(key, flight.copy);
    };
    flight.promise.then(
      () => landed(isShared),
      () => landed(false),
    );
    return this.#wait(flight, wish, undefined);
  }

  #join(flight: Flight, wish: Wish): Promise<unknown> {
    const above = flightOf(wish.parent);
    const circle = above === undefined ? undefined : flight.pathTo(above);
    if (circle !== undefined) return Promise.reject(new AgentCycleError(circle));
    this.#joins++;
    return this.#wait(flight, wish, above?.awaits(flight) ?? (() => {}));
  }

  /**
   * Waits as one of the flight's callers, until that is over or the caller is.
   * @param endWait - of a caller that joined; undefined for the first, whose parent and deadline are the task's
   */
  #wait(flight: Flight, wish: Wish, endWait: (() => void) | undefined): Promise<unknown> {
    const { signal, onProgress, onPart } = wish.options;
    const listener = { onProgress, onPart };
    flight.callers++;
    return new Promise((resolve, reject) => {
      let isOver = false;
      let timer: NodeJS.Timeout | undefined;
      let forgetParent: (() => void) | undefined;
      /** @returns false when it was over */
      const end = () => {
        if (isOver) return false;
        isOver = true;
        signal?.removeEventListener('abort', onAbort);
        clearTimeout(timer);
        forgetParent?.();
        if (endWait !== undefined) flight.reports.delete(listener);
        endWait?.();
        return true;
      };
      const leave = (error: unknown) => {
        if (!end()) return;
        reject(error);
        flight.callers--;
        if (flight.callers > 0) return;
        this.#forget(wish.key, flight);
        flight.signal.abort(error);
      };
      const onAbort = () => leave(abortedError(signal!));
      signal?.addEventListener('abort', onAbort, { once: true });
      if (endWait !== undefined) {
        flight.reports.add(listener);
        forgetParent = wish.parent?.whenOver(() => leave(stackless(() => new ParentEndedError())));
        const leftMs = wish.deadlineAtMs - performance.now();
        if (leftMs <= TIMER_MS_MAX) timer = setTimeout(() => leave(tooLate()), Math.max(0, leftMs));
      }
      flight.promise.then(
        (output) => {
          if (end()) resolve(endWait === undefined ? output : copyData(flight.copy!.value).value);
        },
        (error: unknown) => {
          if (!end()) return;
          // What ended the run, unless it was the agent itself, was its first caller's affair.
          if (endWait === undefined || error === flight.thrown) reject(error);
          else resolve(this.#again(wish));
        },
      );
    });
  }

  /** Once with others that lost the same run, then alone. */
  #again(wish: Wish): Promise<unknown> {
    if (wish.deadlineAtMs <= performance.now()) return Promise.reject(tooLate());
    wish.losses++;
    return wish.losses === 1 ? this.#grant(wish) : this.#lead(wish, true);
  }

  #forget(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  #keep(key: string, copy: DataCopy): void {
    if (this.#bytesMax === 0) return;
    this.#kept ??= new LRUCache({ max: ENTRIES_MAX, maxSize: this.#bytesMax });
    this.#kept.set(key, copy, { size: copy.bytes + 2 * key.length });
  }

  #serialOf(agent: AnyAgent): number {
    let serial = this.#serials.get(agent);
    if (serial === undefined) {
      serial = this.#nextSerial++;
      this.#serials.set(agent, serial);
    }
    return serial;
  }
}

function isUrgentEnough(flight: Flight, wish: Wish): boolean {
  if (flight.classIndex !== wish.classIndex) return flight.classIndex < wish.classIndex;
  return flight.priority >= wish.priority;
}

function tooLate(): DeadlineError {
  return stackless(() => new DeadlineError('The deadline passed while the call waited for an equal one that runs.'));
}

function shorten(key: string | undefined): string {
  if (key === undefined) return '';
  return key.length > KEY_LENGTH_MAX ? createHash('sha256').update(key).digest('base64url') : `=${key}`;
}
