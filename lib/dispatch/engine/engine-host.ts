/** Inside the engine's process: loads one model and runs its loop. */
import { randomInt } from 'node:crypto';
import type { Llama, LlamaContextSequence, LlamaModel, SequenceEvaluateOptions } from 'node-llama-cpp';
import { InvalidRequestError } from '../../base/errors.js';
import type { GenerationOptions, ModelJob, SavedSessionStats } from '../../runtime/backend.js';
import { StepPlanner } from '../../scheduler/step-planner.js';
import { chunkTokensFor, expectedStepMs, measurePace, type Pace, TILE_TOKENS, tilesWithin } from './calibrate.js';
import { CpuWatch } from './cpu-watch.js';
import { EmbedLoop } from './embed-loop.js';
import { type EngineLibrary, loadLibrary } from './engine-library.js';
import { Grammars, VALUE_END } from './grammars.js';
import { estimateLoad } from './load-estimate.js';
import type { Prompt } from './prompt.js';
import { Prompts } from './prompts.js';
import { BATCH_TOKENS, type EngineSettings, type ToEngine } from './protocol.js';
import { SavedSessions } from './saved-sessions.js';
import { Slot } from './slot.js';
import { type Report, type StallBound, StepLoop, type StepObserver } from './step-loop.js';
import { ThreadGovernor } from './thread-governor.js';
import { toWire } from './wire-error.js';

const SEEDS = 2 ** 32;
/**
 * Tokens that are drawn from. Nobody asked to cut the tail off, so this is far into it; but sampling from all 49,152 of SmolLM2
 * takes a third as long as computing the step (8 sequences: 43 ms a step; from 4,096: 34; greedy: 32). Above a temperature of 1
 * the tail has weight, and all are kept.
 */
const CANDIDATES = 4_096;

/** Where a decode step alone nearly fills the bound, a stall of this part of a step is hardly felt either. */
const STALL_STEP_RATIO = 1 / 2;

export class EngineHost {
  readonly #settings: EngineSettings;
  readonly #report: Report;
  #library: EngineLibrary | undefined;
  #llama: Llama | undefined;
  #model: LlamaModel | undefined;
  #prompts: Prompts | undefined;
  #grammars: Grammars | undefined;
  #steps: StepLoop | undefined;
  #embeddings: EmbedLoop | undefined;

  constructor(settings: EngineSettings, report: Report) {
    this.#settings = settings;
    this.#report = report;
  }

  /** Starts the native library and reports what the load takes. Nothing is loaded yet. */
  async launch(): Promise<void> {
    const { enginePackage, threads, gpu } = this.#settings;
    this.#library = await loadLibrary(enginePackage);
    const start = (wanted: EngineSettings['gpu']) =>
      this.#library!.getLlama({
        build: 'never',
        gpu: wanted,
        maxThreads: threads,
        logLevel: this.#library!.LlamaLogLevel.error,
        progressLogs: false,
        skipDownload: true,
      });
    this.#llama = await start(gpu);
    // "auto" picks Vulkan wherever its loader is installed, devices or none.
    if (this.#llama.gpu !== false && (await this.#llama.getGpuDeviceNames()).length === 0)
      this.#llama = await start(false);
    this.#grammars = new Grammars(this.#llama);
    this.#report({ type: 'estimated', ...(await estimateLoad(this.#library, this.#llama, this.#settings)) });
  }

  async load(): Promise<void> {
    const { path, embeds, enginePackage } = this.#settings;
    this.#model = await this.#llama!.loadModel({ modelPath: path, ...this.#gpuLayers() });
    this.#prompts = new Prompts(
      { model: this.#model, chatWrapper: this.#library!.resolveChatWrapper(this.#model) },
      this.#settings.contextTokens,
      { path, enginePackage },
    );
    if (embeds) await this.#loadEmbedder(this.#model);
    else await this.#loadGenerator(this.#model);
  }

  /** Everything that may come once the model is ready. */
  take(message: Exclude<ToEngine, { type: 'launch' } | { type: 'load' } | { type: 'ping' }>): void {
    switch (message.type) {
      case 'prepare':
        void this.#prepare(message.id, message.job);
        break;
      case 'discard':
        this.#prompts?.discard(message.id);
        break;
      case 'start':
        this.#start(message);
        break;
      case 'cancel':
        this.#steps?.cancel(message.task);
        this.#embeddings?.cancel(message.task);
        break;
      case 'hold':
        this.#steps?.hold(message.task);
        break;
      case 'proceed':
        this.#steps?.proceed(message.task);
        break;
      default:
        message satisfies never;
    }
  }

  async #prepare(id: number, job: ModelJob): Promise<void> {
    try {
      this.#refuseUnsuited(job);
      // A schema that the grammar cannot express is refused now, not when the task runs.
      if (job.kind !== 'embedding') await this.#grammars!.of(job.options);
      this.#report({ type: 'prepared', id, promptTokens: await this.#prompts!.prepare(id, job) });
    } catch (error) {
      this.#report({ type: 'unprepared', id, error: toWire(error, 'The prompt could not be prepared') });
    }
  }

  #start({ task, slot, rank, job, prepared, session }: ToEngine & { type: 'start' }): void {
    const prompts = this.#prompts!;
    try {
      this.#refuseUnsuited(job);
    } catch (error) {
      this.#report({ type: 'failed', task, error: toWire(error, 'The task could not be started') });
      return;
    }
    if (job.kind === 'embedding') {
      this.#embeddings!.start({ task, rank, make: () => prompts.take(prepared, job) });
      return;
    }
    const { options } = job;
    this.#steps!.start({
      task,
      slot,
      rank,
      make: async () => ({
        task,
        prompt: withValueEnd(await prompts.take(prepared, job), options),
        maxTokens: options.maxTokens,
        session,
        evaluateOptions: await this.#evaluateOptions(options),
      }),
    });
  }

  #refuseUnsuited(job: ModelJob): void {
    const { model, embeds } = this.#settings;
    if (embeds && job.kind !== 'embedding') {
      throw new InvalidRequestError(
        `Model "${model}" embeds text and does not generate any. Ask it for embeddings.`,
        'model',
      );
    }
    if (!embeds && job.kind === 'embedding') {
      throw new InvalidRequestError(
        `Model "${model}" generates text. Serve an embedding model for embeddings.`,
        'model',
      );
    }
  }

  async #evaluateOptions(options: GenerationOptions): Promise<SequenceEvaluateOptions> {
    const { temperature, topP, seed } = options;
    const grammar = await this.#grammars!.of(options);
    return {
      temperature,
      topP,
      topK: temperature <= 1 ? CANDIDATES : 0,
      minP: 0,
      // Without one the library takes the second of the day: requests of one second would all draw alike.
      seed: seed ?? randomInt(SEEDS),
      ...(grammar !== undefined && {
        grammarEvaluationState: new this.#library!.LlamaGrammarEvaluationState({ model: this.#model!, grammar }),
      }),
    };
  }

  async #loadGenerator(model: LlamaModel): Promise<void> {
    const { sequences, contextTokens, threads, flashAttention, gapBoundMs } = this.#settings;
    const context = await model.createContext({
      contextSize: contextTokens,
      sequences,
      batchSize: BATCH_TOKENS,
      threads,
      flashAttention: flashAttention ?? true,
    });
    const all = Array.from({ length: sequences }, () => context.getSequence());
    const anyToken = model.tokens.bos ?? model.tokens.eos ?? (1 as NonNullable<typeof model.tokens.bos>);
    const setThreads = (count: number) => {
      this.#llama!.maxThreads = count;
    };
    let saved: SavedSessions | undefined;
    const pace = await measurePace(all, anyToken, threads, setThreads, async (first, measured) => {
      saved = await this.#openSaved(first, measured);
    });
    const chunkFor = (count: number) =>
      this.#settings.chunkTokens ?? chunkTokensFor(pace, count, gapBoundMs, BATCH_TOKENS - sequences);
    const chunkTokens = chunkFor(pace.threads);
    const planner = new StepPlanner(sequences, chunkTokens, TILE_TOKENS);
    const detokenize = (tokens: readonly number[], before: readonly number[]) =>
      model.detokenize(
        tokens as Parameters<LlamaModel['detokenize']>[0],
        false,
        before as Parameters<LlamaModel['detokenize']>[0],
      );
    const onThreads = (count: number) => {
      setThreads(count);
      planner.chunkTokens = chunkFor(count);
    };
    this.#steps = new StepLoop(
      all.map((sequence, index) => new Slot(index, sequence, contextTokens, detokenize, saved)),
      planner,
      this.#report,
      governThreads(threads, pace, sequences, onThreads),
      saved && this.#stallBound(saved, pace),
    );
    this.#ready(contextTokens, chunkTokens, pace, undefined);
    void this.#steps.run();
  }

  #openSaved(first: LlamaContextSequence, pace: Pace): Promise<SavedSessions | undefined> {
    const { savedSessions } = this.#settings;
    if (savedSessions === undefined) return Promise.resolve(undefined);
    const msPerPromptToken = 1_000 / pace.prefillTokensPerSecond;
    const onChange = (stats: SavedSessionStats) => this.#report({ type: 'saved', stats });
    return SavedSessions.open({ ...savedSessions, msPerPromptToken, onChange }, first);
  }

  #stallBound(saved: SavedSessions, pace: Pace): StallBound {
    const { gapBoundMs, sequences } = this.#settings;
    return {
      stallMsMax: Math.max(gapBoundMs - pace.decodeStepMs, STALL_STEP_RATIO * pace.decodeStepMs),
      chunkTokensAfter: (stallMs) =>
        tilesWithin(pace, this.#llama!.maxThreads, gapBoundMs - stallMs, BATCH_TOKENS - sequences),
      leftOut: () => saved.leaveOut(),
    };
  }

  async #loadEmbedder(model: LlamaModel): Promise<void> {
    const { contextTokens, threads } = this.#settings;
    // An encoder looks at the whole text at once, so the batch holds all of it.
    const context = await model.createEmbeddingContext({
      contextSize: contextTokens,
      batchSize: contextTokens,
      threads,
    });
    this.#embeddings = new EmbedLoop(context, this.#report);
    this.#ready(contextTokens, contextTokens, undefined, model.embeddingVectorSize);
  }

  #ready(
    contextTokens: number,
    chunkTokens: number,
    pace: Pace | undefined,
    embeddingLength: number | undefined,
  ): void {
    const { sequences, threads, flashAttention } = this.#settings;
    const device = this.#llama!.gpu === false ? 'CPU' : this.#llama!.gpu;
    this.#report({
      type: 'ready',
      contextTokens,
      sequences,
      chunkTokens,
      prefillTokensPerSecond: pace?.prefillTokensPerSecond,
      decodeStepMs: pace?.decodeStepMs,
      embeddingLength,
      generates: embeddingLength === undefined,
      description: `${device}, up to ${threads} ${threads === 1 ? 'thread' : 'threads'}, flash attention ${(flashAttention ?? true) ? 'on' : 'off'}`,
    });
  }

  #gpuLayers(): { gpuLayers?: 'max' | 0 } {
    return this.#llama!.gpu === false ? { gpuLayers: 0 } : { gpuLayers: 'max' };
  }
}

/** Lets the steps' times decide the number of threads. */
function governThreads(
  threadsMax: number,
  pace: Pace,
  sequences: number,
  onThreads: (threads: number) => void,
): StepObserver {
  if (threadsMax === 1) return () => {};
  const governor = new ThreadGovernor(threadsMax, pace.threads, performance.now());
  const cpus = new CpuWatch();
  const rise = (nowMs: number) => {
    if (!governor.mayRise(nowMs)) return false;
    if (!cpus.knows) return governor.rise(undefined, nowMs);
    const free = cpus.free(nowMs);
    return free !== undefined && governor.rise(free, nowMs);
  };
  return (stepMs, decodes, promptTokens) => {
    const nowMs = performance.now();
    const expectedMs = expectedStepMs(pace, decodes, promptTokens, sequences);
    if (governor.observe(stepMs, expectedMs, nowMs) || rise(nowMs)) onThreads(governor.threads);
  };
}

/** Calls of tools may have line ends between them. */
function withValueEnd(prompt: Prompt, { jsonSchema, toolBounds }: GenerationOptions): Prompt {
  if (jsonSchema === undefined || toolBounds !== undefined) return prompt;
  return { ...prompt, stopTexts: [...prompt.stopTexts, VALUE_END] };
}
