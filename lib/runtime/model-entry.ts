/** A task for a model: what the runtime keeps beside its numbers in the core (payload, caller, times), and what it does with them. */
import type { AgentyardError } from '../base/errors.js';
import { OUTCOME_NAMES, Outcome, type Reason } from '../task/index.js';
import type { Backend, FinishReason, ModelJob, Usage } from './backend.js';
import type { AbortTarget } from './runtime.js';
import type { TaskClass, TaskRecord } from './service.js';
import type { SignalTasks } from './signal-watch.js';
import { NOT_ADMITTED, type TaskEntry } from './task-entry.js';

/** Who waits for a task. Each method is called at most once, except `text`; none may throw. */
export interface TaskListener {
  accepted(promptTokens: number): void;
  started(waitMs: number): void;
  text(text: string): void;
  completed(entry: ModelEntry, record: TaskRecord): void;
  failed(error: AgentyardError): void;
}

/** What an entry asks of whoever drives the models. Inside a turn. */
export interface ModelOwner {
  /** The clock as read for the turn. */
  readonly nowMs: number;
  backendOf(entry: ModelEntry): Backend;
  /** Has the prompt counted, once the engine is there to do it. */
  prepare(entry: ModelEntry): void;
  /** Number of the session, as the scheduler knows it. */
  sessionOf(entry: ModelEntry): number;
  /** Tokens that the scheduler counted. */
  outputTokens(entry: ModelEntry): number;
  errorOf(entry: ModelEntry, reason: Reason): AgentyardError;
  cancel(entry: ModelEntry, error: AgentyardError): void;
  /** Its outcome is out. */
  settled(entry: ModelEntry, record: TaskRecord): void;
  /** Nothing of it is left in the core. */
  released(entry: ModelEntry): void;
}

/** Whose a task is. */
export interface ModelEntryOwner {
  tenantName: string;
  /** Retained for the task; the driver releases it. */
  tenant: number;
  className: TaskClass;
}

export class ModelEntry implements TaskEntry, AbortTarget {
  readonly id: string;
  readonly model: number;
  readonly modelName: string;
  readonly tenantName: string;
  readonly tenant: number;
  readonly className: TaskClass;
  readonly job: ModelJob;
  readonly listener: TaskListener;
  readonly submittedMs: number;
  task = NOT_ADMITTED;
  /** Handle of the tokenised prompt at the backend. */
  prepared: number | undefined;
  promptTokens: number | undefined;
  startedMs: number | undefined;
  firstTokenMs: number | undefined;
  usage: Usage | undefined;
  finishReason: FinishReason | undefined;
  vector: Float32Array | undefined;
  /** Why it failed, when a backend or the caller said so. */
  error: AgentyardError | undefined;
  isSettled = false;
  /** The caller's signal, as it is watched. */
  signalTasks: SignalTasks<AbortTarget> | undefined;
  readonly #owner: ModelOwner;

  constructor(
    driver: ModelOwner,
    id: string,
    model: { index: number; name: string },
    owner: ModelEntryOwner,
    job: ModelJob,
    listener: TaskListener,
    submittedMs: number,
  ) {
    this.#owner = driver;
    this.id = id;
    this.model = model.index;
    this.modelName = model.name;
    this.tenantName = owner.tenantName;
    this.tenant = owner.tenant;
    this.className = owner.className;
    this.job = job;
    this.listener = listener;
    this.submittedMs = submittedMs;
  }

  get isStarted(): boolean {
    return this.startedMs !== undefined;
  }

  fail(error: AgentyardError): void {
    this.error = error;
  }

  aborted(error: AgentyardError): void {
    this.#owner.cancel(this, error);
  }

  admitted(): void {
    this.#owner.prepare(this);
  }

  start(slot: number, rank: number): void {
    this.startedMs = this.#owner.nowMs;
    const { prepared } = this;
    this.prepared = undefined;
    // Sessions without a name are negative: nothing is kept for them.
    const session = Math.max(0, this.#owner.sessionOf(this));
    this.#owner.backendOf(this).start({ task: this.task, slot, rank, job: this.job, prepared, session });
    this.listener.started(this.startedMs - this.submittedMs);
  }

  stop(): void {
    this.#owner.backendOf(this).cancel(this.task);
  }

  hold(): void {
    this.#owner.backendOf(this).pause(this.task);
  }

  proceed(): void {
    this.#owner.backendOf(this).resume(this.task);
  }

  requeued(): void {
    this.startedMs = undefined;
  }

  refused(outcome: Outcome, error: AgentyardError): void {
    this.#end(outcome, error, 0);
    this.#owner.released(this);
  }

  settled(outcome: Outcome, reason: Reason): void {
    if (this.prepared !== undefined) {
      this.#owner.backendOf(this).discard(this.prepared);
      this.prepared = undefined;
    }
    const error = outcome === Outcome.completed ? undefined : (this.error ?? this.#owner.errorOf(this, reason));
    this.#end(outcome, error, this.#owner.outputTokens(this));
  }

  freed(): void {
    this.#owner.released(this);
  }

  #end(outcome: Outcome, error: AgentyardError | undefined, outputTokens: number): void {
    this.isSettled = true;
    const record = this.#record(outcome, error, outputTokens);
    if (error === undefined) this.listener.completed(this, record);
    else this.listener.failed(error);
    this.#owner.settled(this, record);
  }

  /** @param outputTokens - as the scheduler counted them, for a task whose backend gave no final count */
  #record(outcome: Outcome, error: AgentyardError | undefined, outputTokens: number): TaskRecord {
    const { nowMs } = this.#owner;
    return {
      id: this.id,
      model: this.modelName,
      tenant: this.tenantName,
      class: this.className,
      outcome: OUTCOME_NAMES[outcome],
      errorCode: error?.code,
      finishReason: outcome === Outcome.completed ? this.finishReason : undefined,
      waitMs: (this.startedMs ?? nowMs) - this.submittedMs,
      firstTokenMs: this.firstTokenMs === undefined ? undefined : this.firstTokenMs - this.submittedMs,
      totalMs: nowMs - this.submittedMs,
      promptTokens: this.usage?.promptTokens ?? this.promptTokens ?? 0,
      cachedTokens: this.usage?.cachedTokens ?? 0,
      outputTokens: this.usage?.outputTokens ?? outputTokens,
    };
  }
}
