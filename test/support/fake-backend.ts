/** A backend that does what a test tells it to, step by step, and keeps the port's promises. */
import { type AgentyardError, EngineDiedError, PromptTooLongError } from '../../lib/base/errors.js';
import type { Backend, BackendSink, ModelJob, Prepared, StartOrder } from '../../lib/runtime/backend.js';

interface Running {
  order: StartOrder;
  maxTokens: number;
  generated: number;
  isPaused: boolean;
}

export class FakeBackend implements Backend {
  readonly model: string;
  pid: number | undefined = undefined;
  readonly running = new Map<number, Running>();
  /** Every start, in order. */
  readonly starts: StartOrder[] = [];
  readonly prepared = new Map<number, ModelJob>();
  launches = 0;
  isClosed = false;
  estimateBytes = 1_000;
  /** Cancels are acknowledged only when the test says so. */
  holdsCancels = false;
  readonly #sequences: number;
  readonly #contextTokens: number;
  #sink: BackendSink | undefined;
  #nextPrepared = 1;

  constructor(options: { model: string; sequences: number; contextTokens: number }) {
    this.model = options.model;
    this.#sequences = options.sequences;
    this.#contextTokens = options.contextTokens;
  }

  /** The next launch throws, as fork does when the system has no room for a process. */
  refusesLaunch = false;

  launch(sink: BackendSink): void {
    this.launches++;
    if (this.refusesLaunch) throw new Error('no room for a process');
    this.#sink = sink;
    sink.estimated({ ramBytes: this.estimateBytes, vramBytes: 0, source: 'header' });
  }

  load(): void {
    this.#sink!.ready({
      contextTokens: this.#contextTokens,
      sequences: this.#sequences,
      chunkTokens: 64,
      prefillTokensPerSecond: undefined,
      decodeStepMs: undefined,
      embeddingLength: 3,
      generates: true,
      description: 'fake',
    });
  }

  async prepare(job: ModelJob): Promise<Prepared> {
    const text =
      job.kind === 'chat'
        ? job.messages.map(({ content }) => content).join(' ')
        : job.kind === 'completion'
          ? job.prompt
          : job.input;
    const promptTokens = typeof text === 'string' ? text.split(/\s+/).length : text.length;
    if (promptTokens >= this.#contextTokens) throw new PromptTooLongError(promptTokens, this.#contextTokens);
    const prepared = this.#nextPrepared++;
    this.prepared.set(prepared, job);
    return { prepared, promptTokens };
  }

  discard(prepared: number): void {
    this.prepared.delete(prepared);
  }

  start(order: StartOrder): void {
    this.starts.push(order);
    if (order.prepared !== undefined) this.prepared.delete(order.prepared);
    const maxTokens = order.job.kind === 'embedding' ? 0 : order.job.options.maxTokens;
    this.running.set(order.task, { order, maxTokens, generated: 0, isPaused: false });
  }

  cancel(task: number): void {
    if (!this.holdsCancels) this.acknowledgeCancel(task);
  }

  acknowledgeCancel(task: number): void {
    const running = this.running.get(task);
    if (running === undefined) return;
    this.running.delete(task);
    this.#sink!.settled(task, 'cancelled', this.#usage(running), 0);
  }

  pause(task: number): void {
    this.running.get(task)!.isPaused = true;
  }

  resume(task: number): void {
    this.running.get(task)!.isPaused = false;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  /** One engine step: every task that is not paused generates `text`, and ends at its limit. */
  step(text = 'x'): void {
    const advancing = [...this.running.values()].filter(
      ({ isPaused, order }) => !isPaused && order.job.kind !== 'embedding',
    );
    for (const one of advancing) one.generated++;
    this.#sink!.progress(
      advancing.length,
      advancing.map(({ order }) => order.task),
      advancing.map(() => 0),
      advancing.map(() => 1),
      advancing.map(() => text),
    );
    for (const one of advancing) {
      if (one.generated < one.maxTokens || !this.running.delete(one.order.task)) continue;
      this.#sink!.settled(one.order.task, 'length', this.#usage(one), 10);
    }
    for (const { order } of [...this.running.values()].filter(({ order }) => order.job.kind === 'embedding')) {
      this.running.delete(order.task);
      this.#sink!.embedded(order.task, Float32Array.of(1, 0, 0), { promptTokens: 2, cachedTokens: 0, outputTokens: 0 });
    }
  }

  /** A last piece of text that comes with no token, then the end. */
  finish(task: number, text: string): void {
    const running = this.running.get(task)!;
    this.running.delete(task);
    this.#sink!.progress(1, [task], [0], [0], [text]);
    this.#sink!.settled(task, 'stop', this.#usage(running), 0);
  }

  fail(task: number, error: AgentyardError): void {
    this.running.delete(task);
    this.#sink!.failed(task, error);
  }

  die(error?: AgentyardError): void {
    this.running.clear();
    this.prepared.clear();
    this.#sink!.down(undefined, 'SIGKILL', error ?? new EngineDiedError(this.model, undefined, 'SIGKILL'));
  }

  #usage(running: Running) {
    return { promptTokens: 2, cachedTokens: 0, outputTokens: running.generated };
  }
}
