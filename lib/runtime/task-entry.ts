/** What the runtime keeps for an unsettled task beside its numbers in the core: payload, caller, times. */
import type { AgentyardError } from '../base/errors.js';
import type { FinishReason, ModelJob, Usage } from './backend.js';
import type { TaskClass, TaskRecord } from './service.js';

/** Who waits for a task. Each method is called at most once, except `text`; none may throw. */
export interface TaskListener {
  accepted(promptTokens: number): void;
  started(waitMs: number): void;
  text(text: string): void;
  completed(entry: TaskEntry, record: TaskRecord): void;
  failed(error: AgentyardError): void;
}

export class TaskEntry {
  readonly id: string;
  readonly model: number;
  readonly modelName: string;
  readonly tenantName: string;
  readonly className: TaskClass;
  readonly job: ModelJob;
  readonly listener: TaskListener;
  readonly submittedMs: number;
  /** Index in the core; -1 before admission. */
  task = -1;
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
  /** The outcome is out; whatever still comes from the backend is ignored. */
  isSettled = false;
  /** Undoes the subscription to the caller's signal. */
  unsubscribe: (() => void) | undefined;

  constructor(
    id: string,
    model: { index: number; name: string },
    hints: { tenantName: string; className: TaskClass },
    job: ModelJob,
    listener: TaskListener,
    submittedMs: number,
  ) {
    this.id = id;
    this.model = model.index;
    this.modelName = model.name;
    this.tenantName = hints.tenantName;
    this.className = hints.className;
    this.job = job;
    this.listener = listener;
    this.submittedMs = submittedMs;
  }
}
