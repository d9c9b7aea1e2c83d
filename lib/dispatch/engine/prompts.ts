/**
 * Prompts that were tokenised and wait to be started. Short ones are tokenised here, between steps, and a crowd of them in slices
 * of some milliseconds; long ones in a worker thread with a vocabulary of its own. So neither a megabyte of text nor a thousand
 * requests at once stall a stream. The worker never decodes, so it may be ended.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Token } from 'node-llama-cpp';
import { EngineError, InvalidRequestError, PromptTooLongError } from '../../base/errors.js';
import type { ModelJob } from '../../runtime/backend.js';
import type { VocabularySource } from './engine-library.js';
import { makePrompt, type Prompt, type PromptMaker } from './prompt.js';
import type { TokenizerAnswer } from './tokenizer-worker.js';
import { fromWire } from './wire-error.js';

/** Tokenising 10 kB takes 1.5 ms: less than a decode step of any real model. */
const INLINE_CHARACTERS = 8_192;
/** Tokenizers that fall back to bytes, so that every byte of a text is in some token: byte-level BPE and SentencePiece. */
const SPELL_EVERYTHING: ReadonlySet<string> = new Set(['gpt2', 'llama']);
/** After so much of it the event loop gets its turn, and with it the step that may have ended meanwhile. */
const SLICE_MS = 2;

export class Prompts {
  readonly #maker: PromptMaker;
  /** No token stands for more bytes of text. */
  readonly #tokenBytesMax: number;
  readonly #contextTokens: number;
  readonly #workerData: VocabularySource;
  readonly #ready = new Map<number, Prompt>();
  readonly #waiting = new Map<number, { resolve: (prompt: Prompt) => void; reject: (error: unknown) => void }>();
  #worker: Worker | undefined;
  #nextRequest = 1;
  /** The last prompt that waits to be tokenised here: they take turns. */
  #lastInline: Promise<unknown> = Promise.resolve();
  #sliceBegan = 0;

  constructor(maker: PromptMaker, contextTokens: number, workerData: VocabularySource) {
    this.#maker = maker;
    this.#tokenBytesMax = tokenBytesMax(maker.model);
    this.#contextTokens = contextTokens;
    this.#workerData = workerData;
  }

  /** Tokenises and keeps under `id`. @throws {@link PromptTooLongError}, {@link InvalidRequestError} */
  async prepare(id: number, job: ModelJob): Promise<number> {
    const prompt = await this.make(job);
    this.#ready.set(id, prompt);
    return prompt.tokens.length;
  }

  discard(id: number): void {
    this.#ready.delete(id);
  }

  /** The prompt kept under `id`, which is forgotten; or the job's, tokenised now. */
  async take(id: number | undefined, job: ModelJob): Promise<Prompt> {
    const prompt = id === undefined ? undefined : this.#ready.get(id);
    if (id !== undefined) this.#ready.delete(id);
    return prompt ?? this.make(job);
  }

  async make(job: ModelJob): Promise<Prompt> {
    // Some texts take a tokenizer minutes; one that cannot fit however it is cut is not worth a second.
    const tokensMin = Math.ceil(textBytes(job) / this.#tokenBytesMax);
    if (tokensMin >= this.#contextTokens) throw new PromptTooLongError(tokensMin, this.#contextTokens, true);
    const prompt = await (characters(job) <= INLINE_CHARACTERS ? this.#makeInline(job) : this.#makeInWorker(job));
    const tokens = prompt.tokens.length;
    if (tokens === 0)
      throw new InvalidRequestError('The prompt is empty.', job.kind === 'embedding' ? 'input' : 'prompt');
    // A sequence that is full cannot take the sampled token; an embedding samples none, but the library wants one place free.
    if (tokens >= this.#contextTokens) throw new PromptTooLongError(tokens, this.#contextTokens);
    return prompt;
  }

  #makeInline(job: ModelJob): Promise<Prompt> {
    const made = this.#lastInline.then(async () => {
      if (performance.now() - this.#sliceBegan > SLICE_MS) {
        await nextTurn();
        this.#sliceBegan = performance.now();
      }
      return makePrompt(this.#maker, job);
    });
    this.#lastInline = made.catch(() => {});
    return made;
  }

  #makeInWorker(job: ModelJob): Promise<Prompt> {
    const worker = this.#startWorker();
    const request = this.#nextRequest++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject });
      worker.postMessage({ request, job });
    });
  }

  #startWorker(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL('./tokenizer-worker.js', import.meta.url), { workerData: this.#workerData });
    worker.on('message', (answer: TokenizerAnswer) => {
      const waiting = this.#waiting.get(answer.request);
      this.#waiting.delete(answer.request);
      if ('error' in answer) {
        waiting?.reject(fromWire(answer.error));
        return;
      }
      waiting?.resolve({
        tokens: Array.from(answer.tokens) as Token[],
        stopTokens: new Set(answer.stopTokens),
        stopTexts: answer.stopTexts,
      });
    });
    worker.on('error', (error) => {
      this.#worker = undefined;
      for (const { reject } of this.#waiting.values()) reject(new EngineError('The tokenizer failed.', error));
      this.#waiting.clear();
    });
    worker.unref();
    this.#worker = worker;
    return worker;
  }
}

/** Infinity where a token may stand for any text, as the unknown token of word pieces does. */
function tokenBytesMax(model: PromptMaker['model']): number {
  const { ggml } = model.fileInfo.metadata.tokenizer;
  if (!SPELL_EVERYTHING.has(ggml.model)) return Number.POSITIVE_INFINITY;
  return ggml.tokens.reduce((most, token) => Math.max(most, Buffer.byteLength(token)), 1);
}

function textBytes(job: ModelJob): number {
  switch (job.kind) {
    case 'chat':
      return job.messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
    case 'completion':
      return typeof job.prompt === 'string' ? Buffer.byteLength(job.prompt) : job.prompt.length;
    case 'embedding':
      return typeof job.input === 'string' ? Buffer.byteLength(job.input) : job.input.length;
    default:
      return job satisfies never;
  }
}

function characters(job: ModelJob): number {
  switch (job.kind) {
    case 'chat':
      return job.messages.reduce((sum, { content }) => sum + content.length, 0);
    case 'completion':
      return typeof job.prompt === 'string' ? job.prompt.length : 0;
    case 'embedding':
      return typeof job.input === 'string' ? job.input.length : 0;
    default:
      return job satisfies never;
  }
}
