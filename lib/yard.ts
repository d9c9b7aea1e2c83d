/**
 * The library's front: a scheduler, its live driver, functions, and one engine per model.
 *
 * ```ts
 * const yard = new Yard({ concurrency: 4 });
 * const page = await yard.add(({ signal }) => fetch(url, { signal }), { priority: 2, timeoutMs: 5_000 });
 *
 * const models = new Yard({ models: { chat: 'model.gguf' } });
 * for await (const part of models.chat({ model: 'chat', messages, class: 'interactive' })) process.stdout.write(part.text);
 * await models.close();
 * ```
 */
import {
  type AgentDirectory,
  type AgentInput,
  type AgentOutput,
  AgentRunner,
  type AgentService,
  type AnyAgent,
  type RunOptions,
} from './agents/index.js';
import { type Clock, monotonicClock } from './base/clock.js';
import { CancelledError, ClosedError, InvalidOptionError } from './base/errors.js';
import { createEngineBackend } from './dispatch/engine/index.js';
import {
  type AddAllOptions,
  type AddOptions,
  Functions,
  type ResultsOf,
  type TaskFunction,
} from './dispatch/function/index.js';
import { EventKind } from './event/index.js';
import { type GgufHeader, readGgufHeader, readHostMemory } from './memory/index.js';
import { EventLogFile } from './runtime/event-log-file.js';
import { whyOf } from './runtime/name-explanation.js';
import { Runtime } from './runtime/runtime.js';
import type {
  ChatRequest,
  ChatStream,
  CompletionRequest,
  EmbedRequest,
  EmbedResult,
  ModelInfo,
  TaskRecord,
  TaskSnapshot,
  YardService,
  YardStats,
} from './runtime/service.js';
import { statsOf } from './runtime/stats.js';
import type { Why } from './runtime/why.js';
import { explain, isStarted } from './scheduler/index.js';
import { YardAgents } from './yard-agents.js';
import { functionDemands, schedulerConfig } from './yard-config.js';
import { type YardEventName, type YardListener, YardListeners } from './yard-events.js';
import { YardGate } from './yard-gate.js';
import { YardLevels } from './yard-levels.js';
import { YardModels } from './yard-models.js';
import { checkKept, checkYardOptions, DEFAULT_CONCURRENCY, SLOTS_POOL, type YardOptions } from './yard-options.js';

const DEFAULT_MAX_TENANTS = 10_000;
const TIMER_MS_MAX = 2 ** 31 - 1;

/** What a yard stands on; tests replace parts of it. */
export interface YardPorts {
  clock: Clock;
  createBackend: typeof createEngineBackend;
  readHeader: (path: string) => Promise<GgufHeader>;
  readMemory: typeof readHostMemory;
}

export class Yard implements YardService, AgentService {
  readonly #runtime: Runtime;
  readonly #functions: Functions;
  readonly #models: YardModels;
  readonly #agents: AgentRunner;
  readonly #listeners = new YardListeners();
  readonly #levels: YardLevels;
  readonly #gate: YardGate;
  readonly #slotsPool: number;
  readonly #log: EventLogFile | undefined;
  #concurrency: number;
  readonly #keepInteractive: number;
  #closing: Promise<void> | undefined;
  #wakeDrain: (() => void) | undefined;

  /**
   * Checks the options and begins to bring the models up; work may be submitted at once and waits for them.
   * @throws {@link InvalidOptionError}
   */
  constructor(options: YardOptions = {}, ports: Partial<YardPorts> = {}) {
    checkYardOptions(options);
    const clock = ports.clock ?? monotonicClock;
    const readMemory = ports.readMemory ?? readHostMemory;
    const config = schedulerConfig(options, readMemory());
    this.#runtime = new Runtime({ config, clock, maxTenants: options.maxTenants ?? DEFAULT_MAX_TENANTS });
    if (options.eventLog !== undefined) {
      const log = new EventLogFile({ ...options.eventLog, config, nowMs: clock.nowMs() });
      this.#runtime.observe((event, nowMs, commands) => log.append(event, nowMs, commands));
      this.#log = log;
    }
    const pools = functionDemands(config);
    this.#slotsPool = pools.find(({ name }) => name === SLOTS_POOL)!.index;
    this.#concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
    this.#keepInteractive = options.keepInteractive ?? 0;
    this.#gate = new YardGate(this.#runtime);
    this.#functions = new Functions({
      runtime: this.#runtime,
      pools,
      timeoutMs: options.timeoutMs ?? 0,
      observers: this.#listeners.observers,
    });
    this.#levels = new YardLevels(this.#runtime, this.#listeners);
    if (options.autoStart === false) this.pause();
    this.#models = new YardModels(
      options,
      {
        createBackend: ports.createBackend ?? createEngineBackend,
        readHeader: ports.readHeader ?? readGgufHeader,
        freeMemoryBytes: () => readMemory().availableBytes,
      },
      this.#runtime,
      (record) => this.#listeners.emit('settled', record),
    );
    this.#agents = new AgentRunner({
      host: new YardAgents({ runtime: this.#runtime, functions: this.#functions, models: this.#models }),
      agents: options.agents,
      reuse: options.reuse,
    });
  }

  /** The agents that can be run by name. */
  get agents(): AgentDirectory {
    return this.#agents.agents;
  }

  /**
   * Runs an agent as one task: its input is checked, `run` is called when it is its turn, and its output is checked. See docs/agents.md.
   * Rejects with {@link UnknownAgentError}, {@link InvalidInputError}, {@link InvalidOutputError}, {@link AgentFailedError} around whatever
   * the agent threw that is no error of agentyard, and everything that {@link add} rejects with.
   * @param agent - an agent, or its `name` or `name@version` among {@link agents}
   */
  run<A extends AnyAgent>(agent: A, input: AgentInput<A>, options?: RunOptions): Promise<AgentOutput<A>>;
  run(agent: string, input: unknown, options?: RunOptions): Promise<unknown>;
  run(agent: AnyAgent | string, input: unknown, options?: RunOptions): Promise<unknown> {
    return this.#agents.run(agent as AnyAgent, input, options);
  }

  /**
   * Runs `fn` when it is its turn; it may be called before this returns. The promise settles with what `fn` returns or throws, or rejects:
   * {@link InvalidOptionError}, {@link DeadlineError}, {@link QueueFullError}, {@link DemandTooLargeError}, {@link OverBudgetError} and
   * {@link TooDeepError} when it may not enter; {@link CancelledError} when its `signal` is aborted, by {@link cancel} or by {@link clear};
   * {@link TaskTimeoutError} after its `timeoutMs`, {@link QueueTimeoutError} when it waited longer than its class may;
   * {@link ParentEndedError} and {@link GangBrokenError} with those it belongs to; {@link ClosedError} when the yard is closed.
   */
  add<T>(fn: TaskFunction<T>, options?: AddOptions): Promise<T> {
    return this.#functions.add(fn, options);
  }

  /**
   * {@link add} of each, with the same options: all results in order, or the first failure; the others go on then.
   * With `together` they start at the same instant or not at all, and {@link GangBrokenError} is what the others reject with when one of
   * them ends before.
   */
  addAll<const F extends readonly TaskFunction<unknown>[]>(fns: F, options?: AddAllOptions): Promise<ResultsOf<F>> {
    return this.#functions.addAll(fns, options);
  }

  /** A function that does what `fn` does, in the yard: each call is one {@link add} with these options. */
  wrap<A extends unknown[], R>(
    fn: (...args: A) => R | PromiseLike<R>,
    options?: AddOptions,
  ): (...args: A) => Promise<R> {
    return (...args) => this.#functions.add(() => fn(...args), options);
  }

  /** Starts nothing until {@link start}; what runs goes on. */
  pause(): void {
    this.#gate.shut('paused');
  }

  /** Ends a {@link pause}, also that of `autoStart: false`. */
  start(): this {
    this.#gate.open('paused');
    return this;
  }

  get isPaused(): boolean {
    return this.#gate.has('paused');
  }

  /** Tasks that wait, also for a retry, their group or their gang. */
  get size(): number {
    return this.#runtime.waiting;
  }

  /** Tasks that run and whose outcome is open. */
  get pending(): number {
    return this.#runtime.state.running;
  }

  /** Functions that run at once. */
  get concurrency(): number {
    return this.#concurrency;
  }

  /**
   * May become less than what runs: nothing is started then until enough has ended. What waits and takes more slots than there are now
   * keeps waiting for more.
   * @throws {@link InvalidOptionError} unless it is a whole number of at least 1, or Infinity, and more than `keepInteractive`
   */
  set concurrency(concurrency: number) {
    const isCount = concurrency === Number.POSITIVE_INFINITY || (Number.isInteger(concurrency) && concurrency >= 1);
    if (!isCount) {
      const message = `Option "concurrency" is wrong (got ${String(concurrency)}): expected a whole number of at least 1, or Infinity.`;
      throw new InvalidOptionError('concurrency', message);
    }
    checkKept('concurrency', this.#keepInteractive, concurrency);
    this.#concurrency = concurrency;
    const event = this.#runtime.begin(EventKind.resize);
    event.pool = this.#slotsPool;
    event.amount = concurrency;
    this.#runtime.dispatch(event);
  }

  /** Resolves when nothing waits and nothing runs, which may be now. */
  onIdle(): Promise<void> {
    return this.#levels.when(() => !this.#runtime.isWorking);
  }

  /** Resolves when nothing waits, which may be now. */
  onEmpty(): Promise<void> {
    return this.#levels.when(() => this.size === 0);
  }

  /** Resolves when fewer than `limit` tasks wait, which may be now. */
  onSizeLessThan(limit: number): Promise<void> {
    return this.#levels.when(() => this.size < limit);
  }

  /** Cancels every function that waits: its promise rejects with {@link CancelledError}. */
  clear(): void {
    // Each that is cancelled makes room for the next, which is to be cancelled too.
    this.#gate.shut('clearing');
    this.#functions.clear();
    this.#gate.open('clearing');
  }

  /**
   * Gives a waiting task another priority; ties go by its arrival, as before.
   * @returns false when there is no such task, or it does not wait
   * @throws {@link InvalidOptionError} unless `priority` is finite
   */
  setPriority(id: string, priority: number): boolean {
    if (!Number.isFinite(priority)) {
      throw new InvalidOptionError(
        'priority',
        `Option "priority" is wrong (got ${String(priority)}): expected a finite number.`,
      );
    }
    const task = this.#find(id);
    if (task === undefined || this.#isStarted(task)) return false;
    const event = this.#runtime.begin(EventKind.reprioritise);
    event.task = task;
    event.priority = priority;
    this.#runtime.dispatch(event);
    return true;
  }

  /**
   * Ends a task wherever it is; its caller gets a {@link CancelledError} with `reason` as its cause.
   * @returns false when there is no such task, or it is settled
   */
  cancel(id: string, reason?: unknown): boolean {
    const task = this.#find(id);
    if (task === undefined) return false;
    this.#runtime.cancel(task, new CancelledError(reason));
    return true;
  }

  /**
   * Why a task waits: what blocks it, who goes first by which rule, when it may start; or what it holds while it runs. Made when it is
   * asked for; see docs/why.md.
   * @returns undefined when there is no such task, or it is settled
   */
  why(id: string): Why | undefined {
    const task = this.#find(id);
    if (task === undefined) return undefined;
    const { nowMs, state } = this.#runtime;
    const explanation = explain(state, task, nowMs);
    const nameOf = (other: number) => {
      const { id: name, tenant } = this.#ownershipOf(other);
      return { id: name, tenant };
    };
    return explanation && whyOf(explanation, state, nameOf, nowMs);
  }

  /** The tasks that are not settled, oldest first. */
  tasks(): TaskSnapshot[] {
    const { nowMs, state } = this.#runtime;
    const { priorities, attempts, arrivalsMs, sequences } = state.tasks;
    return this.#runtime
      .unsettled()
      .sort((a, b) => sequences[a]! - sequences[b]!)
      .map((task) => ({
        ...this.#ownershipOf(task),
        priority: priorities[task]!,
        state: this.#isStarted(task) ? 'running' : 'waiting',
        ageMs: nowMs - arrivalsMs[task]!,
        attempts: attempts[task]!,
      }));
  }

  /** Has `listener` called at each event of that name; see {@link YardEvents}. */
  on<E extends YardEventName>(name: E, listener: YardListener<E>): this {
    this.#listeners.add(name, listener);
    this.#levels.watch();
    return this;
  }

  off<E extends YardEventName>(name: E, listener: YardListener<E>): this {
    this.#listeners.delete(name, listener);
    this.#levels.watch();
    return this;
  }

  /**
   * Submits a chat; it runs from now on, read or not.
   * @throws {@link InvalidRequestError}, {@link UnknownModelError}, {@link ClosedError}
   */
  chat(request: ChatRequest): ChatStream {
    return this.#models.chat(request);
  }

  /**
   * Submits a plain completion, without a chat template.
   * @throws {@link InvalidRequestError}, {@link UnknownModelError}, {@link ClosedError}
   */
  complete(request: CompletionRequest): ChatStream {
    return this.#models.complete(request);
  }

  /**
   * Embeds each input as a task of its own; the first failure cancels the rest. Vectors have unit length.
   * @throws {@link InvalidRequestError}, {@link UnknownModelError}, {@link ClosedError}, and the error of the first task that fails
   */
  embed(request: EmbedRequest): Promise<EmbedResult> {
    return this.#models.embed(request);
  }

  models(): ModelInfo[] {
    return this.#models.models();
  }

  stats(): YardStats {
    return { ...statsOf(this.#runtime.state, this.#models.savedSessions()), reuse: this.#agents.stats() };
  }

  /** The last scheduler events as JSON lines, oldest first; see docs/event-log.md. Holds no prompt or answer text. */
  eventLog(): string[] {
    return this.#runtime.log.lines();
  }

  onSettled(listener: (record: TaskRecord) => void): () => void {
    this.on('settled', listener);
    return () => this.off('settled', listener);
  }

  ready(): Promise<void> {
    return this.#models.ready();
  }

  close(options: { drainMs?: number } = {}): Promise<void> {
    if (this.#closing !== undefined && (options.drainMs ?? 0) === 0) {
      // A second close that does not want to wait ends the drain of the first.
      this.#wakeDrain?.();
    }
    this.#closing ??= this.#close(options.drainMs ?? 0);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(drainMs: number): Promise<void> {
    this.#models.isClosed = true;
    this.#functions.isClosed = true;
    if (drainMs > 0 && this.#runtime.isWorking) await this.#drain(drainMs);
    this.#gate.shut('closed');
    const error = new ClosedError();
    this.#runtime.cancelAll(error);
    this.#runtime.close();
    await Promise.all([this.#models.close(), this.#log?.close()]);
  }

  async #drain(drainMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(drainMs, TIMER_MS_MAX));
      this.#wakeDrain = () => {
        clearTimeout(timer);
        resolve();
      };
      void this.onIdle().then(this.#wakeDrain);
    });
  }

  /** Index of the unsettled task of that id. */
  #find(id: string): number | undefined {
    const entry = this.#models.find(id);
    return entry === undefined || entry.isSettled || entry.task < 0 ? this.#functions.find(id) : entry.task;
  }

  #isStarted(task: number): boolean {
    return isStarted(this.#runtime.state, task);
  }

  #ownershipOf(task: number): Pick<TaskSnapshot, 'id' | 'model' | 'tenant' | 'class'> {
    const entry = this.#runtime.entryAt(task);
    if (entry === undefined) return { ...this.#functions.infoOf(task), model: undefined };
    return { id: entry.id, model: entry.modelName, tenant: entry.tenantName, class: entry.className };
  }
}
