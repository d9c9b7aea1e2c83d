/** A model without weights: what it answers, how long that takes and how it fails is said by a test. */
import type { AgentyardError } from '../base/errors.js';
import type { GenerationOptions, ModelJob } from '../runtime/backend.js';
import type { FakeAnswer } from './fake-answer.js';
import { FakeBackend } from './fake-backend.js';
import { promptOf } from './words.js';

/** One request as a fake model got it. */
export interface ModelRequest {
  kind: ModelJob['kind'];
  /** 1 for the first request since the yard was made. */
  call: number;
  /** Empty unless it is a chat. */
  messages: Extract<ModelJob, { kind: 'chat' }>['messages'];
  /** Content of the last message, or the prompt, or the text to embed. */
  lastMessage: string;
  /** Of generations. */
  options: GenerationOptions | undefined;
  job: ModelJob;
}

export interface FakeModelOptions {
  /** From the start in a slot to the first token, or to the vector, ms. Default 0: in the next turn of the event loop. */
  latencyMs?: number | ((request: ModelRequest) => number) | undefined;
  /** Tokens (words) per second of one answer. Default: all at once. */
  tokensPerSecond?: number | undefined;
  /** Instead of an answer or a vector, a failure for the requests for which this gives an error. */
  fails?: ((request: ModelRequest) => Error | undefined) | undefined;
  /** Requests that it serves at once. Default 4. */
  sequences?: number | undefined;
  /** Longest prompt and answer, tokens (words). Default 4,096. */
  contextTokens?: number | undefined;
}

/** What makes one kind of fake model: it answers, embeds, or both. */
export interface FakeSkills {
  /** Made once per yard, so that a script begins anew with each; absent for a model that only embeds. */
  makeAnswer?: (() => (request: ModelRequest) => FakeAnswer | PromiseLike<FakeAnswer>) | undefined;
  /** Absent for a model that only generates. */
  embed?: ((text: string) => Float32Array) | undefined;
  dims?: number | undefined;
}

/** A fake model for {@link createTestYard}. It counts over all yards that it serves. */
export class FakeModel {
  /** What was started, in order. */
  readonly requests: ModelRequest[] = [];
  /** Requests that run now. */
  running = 0;
  /** Most requests that ran at once. */
  runningMax = 0;
  readonly options: FakeModelOptions;
  readonly skills: FakeSkills;
  readonly #backends = new Set<FakeBackend>();

  constructor(skills: FakeSkills, options: FakeModelOptions) {
    this.skills = skills;
    this.options = options;
  }

  /** How often it was asked. */
  get calls(): number {
    return this.requests.length;
  }

  /** A model of the same script with other options, and counts of its own. */
  with(options: FakeModelOptions): FakeModel {
    return new FakeModel(this.skills, { ...this.options, ...options });
  }

  /** Its engine dies in every yard that it serves; the yards start it again as they would a real one. */
  crash(error?: AgentyardError): void {
    for (const backend of this.#backends) backend.crash(error);
  }

  /** What a yard drives. */
  makeBackend(name: string, contextTokens: number): FakeBackend {
    const answer = this.skills.makeAnswer?.();
    let calls = 0;
    const backend: FakeBackend = new FakeBackend({
      model: name,
      sequences: this.options.sequences ?? DEFAULT_SEQUENCES,
      contextTokens,
      dims: this.skills.dims,
      tokensPerSecond: this.options.tokensPerSecond ?? Number.POSITIVE_INFINITY,
      embed: this.skills.embed,
      answer: answer === undefined ? undefined : (job) => this.#answer(job, ++calls, answer),
      embedLatencyMs: (job) => this.#embedding(job, ++calls),
      ran: (by) => {
        this.running += by;
        this.runningMax = Math.max(this.runningMax, this.running);
      },
      closed: () => this.#backends.delete(backend),
    });
    this.#backends.add(backend);
    return backend;
  }

  async #answer(
    job: ModelJob,
    call: number,
    answer: (request: ModelRequest) => FakeAnswer | PromiseLike<FakeAnswer>,
  ): Promise<FakeAnswer> {
    const request = this.#record(job, call);
    const latencyMs = this.#latencyMs(request);
    const error = this.options.fails?.(request);
    if (error !== undefined) return { text: '', error, latencyMs };
    const given = await answer(request);
    return { ...given, latencyMs: given.latencyMs ?? latencyMs };
  }

  #embedding(job: ModelJob, call: number): { latencyMs: number; error: Error | undefined } {
    const request = this.#record(job, call);
    return { latencyMs: this.#latencyMs(request), error: this.options.fails?.(request) };
  }

  #latencyMs(request: ModelRequest): number {
    const { latencyMs = 0 } = this.options;
    return typeof latencyMs === 'number' ? latencyMs : latencyMs(request);
  }

  #record(job: ModelJob, call: number): ModelRequest {
    const messages = job.kind === 'chat' ? job.messages : [];
    const request: ModelRequest = {
      kind: job.kind,
      call,
      messages,
      lastMessage: job.kind === 'chat' ? (messages.at(-1)?.content ?? '') : promptOf(job),
      options: job.kind === 'embedding' ? undefined : job.options,
      job,
    };
    this.requests.push(request);
    return request;
  }
}

export const DEFAULT_SEQUENCES = 4;
export const DEFAULT_CONTEXT_TOKENS = 4_096;
