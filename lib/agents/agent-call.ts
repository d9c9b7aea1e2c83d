/**
 * One call of an agent, from its submission to its end: what its `run` gets as its context.
 *
 * States: submitted (no task) → running (a task) → over. What most calls do not use (a signal, a budget, a run's id) is made when it
 * is asked for, so that a call is one object.
 * The slot: held → given back, when the first child is awaited → being taken again, when the last has settled → held. A child that is
 * awaited while the slot is being taken again waits for that, and then it is given back anew.
 */
import { AgentFailedError, InvalidOutputError } from '../base/agent-errors.js';
import { type AgentyardError, CancelledError, isAgentyardError, ParentEndedError, stackless } from '../base/errors.js';
import type { TaskContext } from '../dispatch/function/index.js';
import { DEFAULT_TENANT } from '../runtime/index.js';
import type { ChatStream, TaskClass } from '../runtime/service.js';
import type { AnyAgent } from './agent.js';
import type {
  AgentChatRequest,
  AgentContext,
  CallableAgent,
  ChildOptions,
  EmbedOptions,
  ObjectRequest,
  Progress,
  RunBudget,
} from './agent-context.js';
import type { AgentHost, HostedCall, ModelSkill } from './agent-host.js';
import type { RunOptions } from './agent-service.js';
import type { CallReports } from './call-reports.js';
import { CallStream } from './call-stream.js';
import { generateObject } from './generate-object.js';
import type { AgentSchema, InferIn, InferOut } from './schema.js';
import { isPending, issuesOf, type Validated, validate } from './validate.js';

const DEFAULT_CLASS = 'standard';

/** What a call asks of whoever runs agents. */
export interface CallServices {
  readonly host: AgentHost;
  runChild(
    parent: AgentCall,
    agent: AnyAgent | string,
    input: unknown,
    options: ChildOptions | undefined,
  ): Promise<unknown>;
  embed(call: AgentCall, model: string, texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]>;
}

/** A run whose result several callers wait for, or will get later. */
export interface SharedRun {
  /** Takes what the run came to. @throws InvalidOutputError when no other caller could be given it */
  take(output: unknown): void;
  /** Takes what the agent failed with, as opposed to what the scheduler ends a run with. */
  failed(error: AgentyardError): void;
}

export class AgentCall implements AgentContext, HostedCall {
  readonly definition: AnyAgent;
  readonly parent: AgentCall | undefined;
  /** Others get the result too. */
  readonly shared: SharedRun | undefined;
  /** Since it runs. */
  task!: TaskContext;
  readonly #services: CallServices;
  readonly #input: unknown;
  readonly #options: RunOptions | undefined;
  readonly #reports: CallReports | undefined;
  #isOver = false;
  #awaited = 0;
  #slot: 'held' | 'given' | Promise<void> = 'held';
  #done = Number.NEGATIVE_INFINITY;
  #overListeners: Set<() => void> | undefined;

  /**
   * @param input - validated
   * @param options - checked
   */
  constructor(
    services: CallServices,
    agent: AnyAgent,
    input: unknown,
    options: RunOptions | undefined,
    parent: AgentCall | undefined,
    reports: CallReports | undefined,
    shared: SharedRun | undefined,
  ) {
    this.#services = services;
    this.definition = agent;
    this.#input = input;
    this.#options = options;
    this.parent = parent;
    this.#reports = reports;
    this.shared = shared;
  }

  get tenant(): string {
    return this.parent?.tenant ?? this.#options?.tenant ?? DEFAULT_TENANT;
  }

  get className(): TaskClass {
    return this.#options?.class ?? this.parent?.className ?? DEFAULT_CLASS;
  }

  /**
   * Has `listener` called once when the call is cancelled, or when its function ends while it awaits children.
   * @returns what takes that back
   */
  whenOver(listener: () => void): () => void {
    if (this.#overListeners === undefined) {
      this.#overListeners = new Set();
      this.signal.addEventListener('abort', this.#tellOver, { once: true });
    }
    this.#overListeners.add(listener);
    return () => this.#overListeners?.delete(listener);
  }

  get id(): string {
    return this.task.id;
  }

  get runId(): string {
    let outermost: AgentCall = this;
    while (outermost.parent !== undefined) outermost = outermost.parent;
    return outermost.id;
  }

  get agent(): string {
    return this.definition.id;
  }

  get signal(): AbortSignal {
    return this.task.signal;
  }

  get deadlineMs(): number | undefined {
    return this.task.deadlineMs;
  }

  get budget(): RunBudget {
    return new LiveBudget(this.#services.host, this);
  }

  run<A extends CallableAgent>(
    agent: A,
    input: InferIn<A['input']>,
    options?: ChildOptions,
  ): Promise<InferOut<A['output']>> {
    return this.#runChild(agent as unknown as AnyAgent, input, options) as Promise<InferOut<A['output']>>;
  }

  tool(name: string, input: unknown, options?: ChildOptions): Promise<unknown> {
    return this.#runChild(name, input, options);
  }

  chat(request: AgentChatRequest): ChatStream {
    if (this.#isOver) throw new ParentEndedError();
    const { host } = this.#services;
    const { model, ...rest } = request;
    const open = (name: string) => host.chat(this, { ...rest, model: name });
    const name = this.#modelFor('generates', model, this.definition.model);
    const opened = typeof name === 'string' ? open(name) : this.#whileRunning(name).then(open);
    return new CallStream(opened, (result) => this.#await(result));
  }

  object<S extends AgentSchema>(request: ObjectRequest<S>): Promise<InferOut<S>> {
    // Between an answer and its repair the call awaits: its slot comes back when there is a value, or none.
    return this.#await(generateObject(this, request));
  }

  embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    return this.#await(this.#embed(texts, options));
  }

  progress(done: number, total?: number, message?: string): void {
    // NaN does not grow either.
    if (this.#reports === undefined || !(done > this.#done) || !this.#isHeard()) return;
    this.#done = done;
    const progress: Progress = { done, total: Number.isFinite(total) ? total : undefined, message };
    this.#reports.progress(progress);
  }

  emit(text: string): void {
    if (this.#reports === undefined || typeof text !== 'string' || text === '' || !this.#isHeard()) return;
    this.#reports.part(text);
  }

  /**
   * Runs the agent as its task.
   * @returns the output or a promise of it; throws, or rejects with, what the call's caller gets
   */
  start(task: TaskContext): unknown {
    this.task = task;
    let returned: unknown;
    try {
      returned = this.definition.run(this.#input, this);
      if (isThenable(returned)) {
        return Promise.resolve(returned).then(
          (value) => this.#complete(value),
          (error: unknown) => this.#fail(error),
        );
      }
    } catch (error) {
      return this.#fail(error);
    }
    return this.#complete(returned);
  }

  #complete(value: unknown): unknown {
    this.#end();
    let checked: Validated | Promise<Validated>;
    try {
      checked = validate(this.definition.output, value);
    } catch (error) {
      throw this.#ownError(error);
    }
    if (!isPending(checked)) return this.#outputOf(checked, value);
    return checked.then(
      (result) => this.#outputOf(result, value),
      (error: unknown) => {
        throw this.#ownError(error);
      },
    );
  }

  #outputOf(checked: Validated, value: unknown): unknown {
    if (checked.issues !== undefined)
      throw this.#ownError(new InvalidOutputError(this.agent, issuesOf(checked.issues, value)));
    try {
      this.shared?.take(checked.value);
    } catch (error) {
      throw this.#ownError(error);
    }
    return checked.value;
  }

  #fail(error: unknown): never {
    this.#end();
    throw this.#ownError(error);
  }

  /** What the caller gets for `error`, which came from the agent and not from the scheduler. */
  #ownError(error: unknown): AgentyardError {
    const own = isAgentyardError(error) ? error : new AgentFailedError(this.agent, error);
    this.shared?.failed(own);
    return own;
  }

  #end(): void {
    this.#isOver = true;
    if (this.#awaited === 0) return;
    this.#tellOver();
    this.#services.host.endChildren(this);
  }

  readonly #tellOver = () => {
    const listeners = this.#overListeners;
    this.#overListeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener();
  };

  #runChild(agent: AnyAgent | string, input: unknown, options: ChildOptions | undefined): Promise<unknown> {
    const child = this.#isOver
      ? Promise.reject(stackless(() => new ParentEndedError()))
      : this.#services.runChild(this, agent, input, options);
    return this.#await(child);
  }

  /** Does anybody listen to it still? Not when its outcome is out: its caller has got that. */
  #isHeard(): boolean {
    return !this.#isOver && !this.signal.aborted;
  }

  async #embed(texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    if (this.#isOver) throw new ParentEndedError();
    const model = await this.#whileRunning(this.#modelFor('embeds', options.model, this.definition.embeddingModel));
    return this.#services.embed(this, model, texts, options);
  }

  #modelFor(skill: ModelSkill, asked: string | undefined, own: string | undefined): string | Promise<string> {
    return asked ?? this.#services.host.modelFor(skill, [this.#options?.model, own]);
  }

  /** `value`, unless the call ends before. */
  async #whileRunning<T>(value: T | Promise<T>): Promise<T> {
    if (!isPending(value)) return value;
    const { signal } = this;
    signal.throwIfAborted();
    let stop = () => {};
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason instanceof Error ? signal.reason : new CancelledError(signal.reason));
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([value, aborted]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Awaits a child on behalf of the agent: the slot is given back meanwhile. */
  #await<T>(child: Promise<T>): Promise<T> {
    this.#awaited++;
    if (this.#slot === 'held' && !this.#isOver) {
      this.#slot = 'given';
      this.#services.host.giveBack(this);
    }
    const settled = this.#settled(child);
    // An agent may leave a child alone: what becomes of it must not end the process.
    settled.catch(() => {});
    return settled;
  }

  async #settled<T>(child: Promise<T>): Promise<T> {
    try {
      return await child;
    } finally {
      this.#awaited--;
      if (this.#awaited === 0 && !this.#isOver) await this.#takeAgain();
    }
  }

  #takeAgain(): Promise<void> | undefined {
    if (this.#slot === 'held') return undefined;
    if (this.#slot === 'given') {
      this.#slot = this.#services.host.takeAgain(this).then(() => {
        this.#slot = 'held';
        if (this.#awaited === 0 || this.#isOver) return;
        // Another child was started meanwhile.
        this.#slot = 'given';
        this.#services.host.giveBack(this);
      });
    }
    return this.#slot;
  }
}

class LiveBudget implements RunBudget {
  readonly #host: AgentHost;
  readonly #call: HostedCall;

  constructor(host: AgentHost, call: HostedCall) {
    this.#host = host;
    this.#call = call;
  }

  get limit(): number {
    return this.#host.budgetOf(this.#call).limit;
  }

  get spent(): number {
    return this.#host.budgetOf(this.#call).spent;
  }

  get left(): number {
    const { limit, spent } = this.#host.budgetOf(this.#call);
    return Math.max(0, limit - spent);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
