import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AgentyardError, CancelledError, EngineDiedError, InvalidRequestError } from '../../lib/base/errors.js';
import { createEngineBackend, type EngineOptions } from '../../lib/dispatch/engine/index.js';
import { readGgufHeader } from '../../lib/memory/index.js';
import type { Backend, BackendInfo, BackendSink, GenerationOptions, ModelJob } from '../../lib/runtime/backend.js';
import { isAlive, requireCompiledEngine } from '../support/engine.js';
import { writeTinyGguf } from '../support/tiny-gguf.js';

const GREEDY: GenerationOptions = {
  maxTokens: 8,
  temperature: 0,
  topP: 1,
  seed: undefined,
  stop: [],
  jsonSchema: undefined,
};

let folder: string;
let random: string;
/** The engine of the test that runs, when it has one to itself. */
let backend: Backend | undefined;

beforeAll(async () => {
  requireCompiledEngine();
  folder = mkdtempSync(join(tmpdir(), 'agentyard-backend-'));
  random = join(folder, 'random.gguf');
  // Refuses a conversation that does not begin with the user, as many real templates do.
  const chatTemplate =
    "{% if messages[0]['role'] == 'assistant' %}{{ raise_exception('the user comes first') }}{% endif %}" +
    "{% for m in messages %}{{ m['content'] }}{% endfor %}";
  await writeTinyGguf(random, { dim: 128, layers: 2, contextTokens: 16_384, chatTemplate });
});
afterEach(async () => {
  await backend?.close();
  backend = undefined;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a task ended with, and its text until then. */
type End = { text: string } & (
  | { kind: 'settled'; reason: string; outputTokens: number; cachedTokens: number; heldTokens: number }
  | { kind: 'failed'; error: AgentyardError }
);

/** A sink that remembers; a load is granted at once. */
class Recorder implements BackendSink {
  readonly downs: { exitSignal: string | undefined; error: AgentyardError | undefined }[] = [];
  readonly ends = new Map<number, End[]>();
  readonly texts = new Map<number, string>();
  readonly backend: Backend;
  #info: BackendInfo | undefined;
  #waiters: (() => void)[] = [];

  constructor(backend: Backend) {
    this.backend = backend;
  }

  estimated(): void {
    this.backend.load();
  }
  ready(info: BackendInfo): void {
    this.#info = info;
    this.#changed();
  }
  progress(count: number, tasks: ArrayLike<number>, _: unknown, __: unknown, texts: readonly string[]): void {
    for (let i = 0; i < count; i++) {
      this.texts.set(tasks[i]!, (this.texts.get(tasks[i]!) ?? '') + texts[i]);
    }
    this.#changed();
  }
  settled(task: number, reason: string, usage: { outputTokens: number; cachedTokens: number }, heldTokens: number) {
    this.#end(task, { kind: 'settled', reason, heldTokens, ...usage, text: this.texts.get(task) ?? '' });
  }
  embedded(): void {}
  failed(task: number, error: AgentyardError): void {
    this.#end(task, { kind: 'failed', error, text: this.texts.get(task) ?? '' });
  }
  down(_: number | undefined, exitSignal: string | undefined, error: AgentyardError | undefined): void {
    this.#info = undefined;
    this.downs.push({ exitSignal, error });
    this.#changed();
  }

  until<T>(find: () => T | undefined): Promise<T> {
    const found = find();
    if (found !== undefined) return Promise.resolve(found);
    return new Promise<void>((resolve) => this.#waiters.push(resolve)).then(() => this.until(find));
  }
  info(): Promise<BackendInfo> {
    return this.until(() => this.#info);
  }
  end(task: number): Promise<End> {
    return this.until(() => this.ends.get(task)?.[0]);
  }

  #end(task: number, end: End): void {
    this.ends.set(task, [...(this.ends.get(task) ?? []), end]);
    this.#changed();
  }
  #changed(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

/** An engine that is ready. The caller closes it. */
async function open(options: Partial<EngineOptions> = {}): Promise<{ backend: Backend; sink: Recorder }> {
  const created = createEngineBackend({
    model: 'm',
    path: random,
    header: await readGgufHeader(random),
    sequences: 2,
    contextTokens: 512,
    gpu: false,
    ...options,
  });
  const sink = new Recorder(created);
  created.launch(sink);
  await sink.info();
  return { backend: created, sink };
}

/** An engine for this test alone, closed after it. */
async function openOwn(options: Partial<EngineOptions> = {}): Promise<{ backend: Backend; sink: Recorder }> {
  const opened = await open(options);
  backend = opened.backend;
  return opened;
}

function completion(prompt: string | readonly number[], options: Partial<GenerationOptions> = {}): ModelJob {
  return { kind: 'completion', prompt, options: { ...GREEDY, ...options } };
}

function start(backend: Backend, task: number, job: ModelJob, slot = 0, prepared?: number): void {
  backend.start({ task, slot, rank: 0, job, prepared, session: 0 });
}

const LONG = Array.from({ length: 300 }, (_, i) => 270 + ((i * 31) % 90));

describe('the engine as a backend', () => {
  let shared: { backend: Backend; sink: Recorder };
  let task = 0;
  beforeAll(async () => {
    shared = await open();
  });
  afterAll(() => shared.backend.close());

  it('says what it is, once it is ready', async () => {
    const { sink } = await openOwn({ sequences: 3, contextTokens: 300 });
    expect(await sink.info()).toMatchObject({ sequences: 3, contextTokens: 300, generates: true });
    const { chunkTokens, prefillTokensPerSecond, decodeStepMs } = await sink.info();
    expect(chunkTokens).toBeGreaterThanOrEqual(32);
    expect(prefillTokensPerSecond).toBeGreaterThan(0);
    expect(decodeStepMs).toBeGreaterThan(0);
  });

  it('gives the same tokens inline and from the worker that takes long prompts', async () => {
    const { backend, sink } = await openOwn({ sequences: 1, contextTokens: 16_384 });
    // One token a character: 8,190 are tokenised inline, 8,200 by the worker.
    const text = 'the quick brown fox, naïvely; '.repeat(300);
    start(backend, 1, completion(text.slice(0, 8_190), { maxTokens: 1 }));
    const first = await sink.end(1);
    start(backend, 2, completion(text.slice(0, 8_200), { maxTokens: 1 }));
    const second = await sink.end(2);
    expect(first).toMatchObject({ kind: 'settled', cachedTokens: 0 });
    expect(second).toMatchObject({ kind: 'settled', cachedTokens: (first as { heldTokens: number }).heldTokens });
  });

  it('runs a prepared prompt, and draws a seed of its own for every request without one', async () => {
    const { backend, sink } = shared;
    const job = completion(LONG, { temperature: 1, maxTokens: 20 });
    const { prepared, promptTokens } = await backend.prepare(job);
    expect(promptTokens).toBe(300);
    start(backend, ++task, job, 0, prepared);
    start(backend, ++task, job, 1);
    const [one, two] = [(await sink.end(task - 1)).text, (await sink.end(task)).text];
    expect(one).not.toBe(two);
    const seeded = completion(LONG, { temperature: 1, maxTokens: 20, seed: 7 });
    start(backend, ++task, seeded, 0);
    start(backend, ++task, seeded, 1);
    expect((await sink.end(task - 1)).text).toBe((await sink.end(task)).text);
  });

  it('refuses a chat that the template refuses, and a schema that the grammar cannot hold', async () => {
    const { backend } = shared;
    const chat: ModelJob = { kind: 'chat', messages: [{ role: 'assistant', content: 'Hi' }], options: GREEDY };
    await expect(backend.prepare(chat)).rejects.toThrow(InvalidRequestError);
    const schema = { not: { type: 'string' } };
    await expect(backend.prepare(completion('a', { jsonSchema: schema }))).rejects.toThrow(/"not"/);
  });

  it('keeps to a schema with choices, lengths and definitions, whatever the model would say', async () => {
    const { backend, sink } = shared;
    const jsonSchema = {
      type: 'object',
      properties: {
        word: { type: 'string', maxLength: 9 },
        kind: { anyOf: [{ const: 'a"\\b' }, { $ref: '#/$defs/n' }] },
        list: { type: 'array', items: { type: 'boolean' }, minItems: 1, maxItems: 2 },
      },
      required: ['word', 'kind', 'list'],
      $defs: { n: { type: ['null'] } },
    };
    for (let seed = 1; seed <= 6; seed++) {
      start(backend, ++task, completion([300 + seed], { jsonSchema, temperature: 1, seed, maxTokens: 400 }));
      const end = await sink.end(task);
      expect(end).toMatchObject({ kind: 'settled', reason: 'stop' });
      const { word, kind, list } = JSON.parse(end.text);
      expect(word).toBeTypeOf('string');
      expect(['a"\\b', null]).toContain(kind);
      expect(list.length === 1 || list.length === 2).toBe(true);
    }
  });

  it('fails a task that the model cannot do, and goes on', async () => {
    const { backend, sink } = shared;
    start(backend, ++task, { kind: 'embedding', input: 'text' });
    expect(await sink.end(task)).toMatchObject({ kind: 'failed', error: { code: 'AY_INVALID_REQUEST' } });
    start(backend, ++task, completion([300]));
    expect(await sink.end(task)).toMatchObject({ kind: 'settled' });
  });

  it('does not advance a paused task until it is resumed', async () => {
    const { backend, sink } = shared;
    const paused = ++task;
    start(backend, paused, completion(LONG, { maxTokens: 5 }), 0);
    backend.pause(paused);
    start(backend, ++task, completion(LONG, { maxTokens: 60 }), 1);
    await sink.end(task);
    // It had needed five steps of the sixty that went by.
    expect(sink.ends.has(paused)).toBe(false);
    backend.resume(paused);
    expect(await sink.end(paused)).toMatchObject({ kind: 'settled', outputTokens: 5 });
  });

  it('settles a cancelled task once, and its slot takes the next', async () => {
    const { backend, sink } = await openOwn({ sequences: 1, contextTokens: 4_096, chunkTokens: 32 });
    const prompt = Array.from({ length: 4_000 }, (_, i) => 270 + ((i * 17) % 90));
    start(backend, 1, completion(prompt));
    await sink.until(() => sink.texts.get(1));
    backend.cancel(1);
    backend.cancel(1);
    const end = await sink.end(1);
    expect(end).toMatchObject({ kind: 'settled', reason: 'cancelled', outputTokens: 0 });
    expect((end as { heldTokens: number }).heldTokens).toBeLessThan(4_000);
    start(backend, 2, completion([300]));
    expect(await sink.end(2)).toMatchObject({ kind: 'settled', reason: 'length' });
    expect(sink.ends.get(1)).toHaveLength(1);
  });

  it('gives up preparing when the signal says so', async () => {
    const { backend } = shared;
    const controller = new AbortController();
    const prepared = backend.prepare(completion('a'), controller.signal);
    controller.abort('no longer');
    await expect(prepared).rejects.toThrow(CancelledError);
    await expect(backend.prepare(completion('a'), controller.signal)).rejects.toThrow(CancelledError);
    expect((await backend.prepare(completion('a'))).promptTokens).toBeGreaterThan(0);
  });
});

describe('the end of an engine process', () => {
  it('is reported once, settles what was being prepared, and leaves room for another', async () => {
    const { backend, sink } = await openOwn();
    const { pid } = backend;
    const preparing = backend.prepare(completion('word '.repeat(10_000)));
    const failure = expect(preparing).rejects.toThrow(EngineDiedError);
    process.kill(pid!, 'SIGKILL');
    await failure;
    await sink.until(() => sink.downs[0]);
    start(backend, 1, completion([300]));
    expect(await sink.end(1)).toMatchObject({ kind: 'failed', error: { code: 'AY_ENGINE_DIED' } });
    backend.launch(sink);
    await sink.info();
    expect(backend.pid).not.toBe(pid);
    start(backend, 2, completion([300]));
    expect(await sink.end(2)).toMatchObject({ kind: 'settled' });
    expect(sink.downs).toEqual([{ exitSignal: 'SIGKILL', error: undefined }]);
  });

  it('does not come by the signals that reach a whole process group or service', async () => {
    const { backend, sink } = await openOwn();
    start(backend, 1, completion([300], { maxTokens: 200, temperature: 1 }));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(backend.pid!, signal);
    expect(await sink.end(1)).toMatchObject({ kind: 'settled' });
    expect(sink.downs).toEqual([]);
  });

  it('comes with `close`, also in the middle of a prompt, and no `down` is reported; a launch may follow at once', async () => {
    const { backend, sink } = await openOwn({ contextTokens: 4_096 });
    const { pid } = backend;
    start(backend, 1, completion(Array.from({ length: 4_000 }, (_, i) => 270 + ((i * 17) % 90))));
    await sink.until(() => sink.texts.get(1));
    await Promise.all([backend.close(), backend.close()]);
    expect(isAlive(pid!)).toBe(false);
    expect(sink.downs).toEqual([]);
    const second = new Recorder(backend);
    backend.launch(second);
    await second.info();
  });

  it('with a reason when the file cannot be loaded', async () => {
    const header = await readGgufHeader(random);
    backend = createEngineBackend({
      model: 'm',
      path: join(folder, 'gone.gguf'),
      header,
      sequences: 1,
      contextTokens: 256,
      gpu: false,
    });
    const sink = new Recorder(backend);
    backend.launch(sink);
    const { error } = await sink.until(() => sink.downs[0]);
    expect(error).toMatchObject({ code: 'AY_ENGINE_FAILED' });
    expect(error!.message).toMatch(/could not be loaded/);
    expect(sink.downs).toHaveLength(1);
  });
});
