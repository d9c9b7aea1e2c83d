import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CancelledError,
  ClosedError,
  EngineDiedError,
  InsufficientMemoryError,
  InvalidGgufError,
  InvalidOptionError,
  InvalidRequestError,
  PromptTooLongError,
  QueueFullError,
  QueueTimeoutError,
  UnknownModelError,
  UnreadStreamError,
} from '../lib/base/errors.js';
import type { GgufHeader } from '../lib/memory/index.js';
import type { ChatRequest, ChatStream, TaskRecord } from '../lib/runtime/service.js';
import { Yard, type YardPorts } from '../lib/yard.js';
import type { YardOptions } from '../lib/yard-options.js';
import { FakeBackend } from './support/fake-backend.js';

const PATH = fileURLToPath(import.meta.url);
const GIB = 2 ** 30;

let backends: FakeBackend[];
let yards: Yard[];
let freeBytes: number;

function makeYard(options: Partial<YardOptions> = {}, ports: Partial<YardPorts> = {}): Yard {
  const yard = new Yard(
    { models: { chat: { path: PATH, sequences: 2 } }, ...options },
    {
      createBackend: (backendOptions) => {
        const backend = new FakeBackend(backendOptions);
        backends.push(backend);
        return backend;
      },
      readHeader: async () => ({ contextTokens: 100 }) as GgufHeader,
      readMemory: () => ({ totalBytes: 8 * GIB, availableBytes: freeBytes }) as ReturnType<YardPorts['readMemory']>,
      ...ports,
    },
  );
  yards.push(yard);
  return yard;
}

function ask(text = 'hello there', extra: Partial<ChatRequest> = {}): ChatRequest {
  return { model: 'chat', messages: [{ role: 'user', content: text }], maxTokens: 3, ...extra };
}

async function startedStream(yard: Yard, request = ask()): Promise<ChatStream> {
  const stream = yard.chat(request);
  await stream.started();
  return stream;
}

async function read(stream: ChatStream): Promise<string> {
  let text = '';
  for await (const part of stream) text += part.text;
  return text;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  backends = [];
  yards = [];
  freeBytes = 4 * GIB;
});

afterEach(async () => {
  await Promise.all(yards.map((yard) => yard.close()));
  vi.useRealTimers();
});

describe('a chat', () => {
  it('runs when it is called, and its text can be read in parts', async () => {
    const yard = makeYard();
    const stream = await startedStream(yard);
    backends[0]!.step('a');
    backends[0]!.step('b');
    const text = read(stream);
    backends[0]!.step('c');
    expect(await text).toBe('abc');
    expect(await stream.result()).toMatchObject({ text: 'abc', finishReason: 'length', usage: { outputTokens: 3 } });
  });

  it('waits for its model and tells how long it waited', async () => {
    const yard = makeYard();
    await yard.ready();
    const [a, b] = [await startedStream(yard), await startedStream(yard)];
    const third = yard.chat(ask());
    await third.accepted();
    vi.advanceTimersByTime(1_500);
    a.cancel();
    expect((await third.started()).waitMs).toBe(1_500);
    b.cancel();
    third.cancel();
  });

  it.each(['break', 'return', 'abort', 'cancel'] as const)(
    'frees its slot at once when its reader leaves by %s',
    async (way) => {
      const yard = makeYard();
      const controller = new AbortController();
      const stream = await startedStream(yard, ask('hi', { signal: controller.signal }));
      backends[0]!.step();
      const iterator = stream[Symbol.asyncIterator]();
      if (way === 'break') for await (const _ of stream) break;
      else if (way === 'return') await iterator.return?.();
      else if (way === 'abort') controller.abort(new Error('gone'));
      else stream.cancel('gone');
      expect(backends[0]!.running.size).toBe(0);
      expect(yard.stats()).toMatchObject({
        running: 0,
        models: { chat: { slotsUsed: 0 } },
        outcomes: { cancelled: 1 },
      });
      await expect(stream.result()).rejects.toThrow(CancelledError);
    },
  );

  it('can be aborted before it starts, and an aborted signal submits nothing', async () => {
    const yard = makeYard();
    const controller = new AbortController();
    const stream = yard.chat(ask('hi', { signal: controller.signal }));
    controller.abort('never mind');
    await expect(stream.started()).rejects.toMatchObject({ code: 'AY_CANCELLED', cause: 'never mind' });
    const late = yard.chat(ask('hi', { signal: controller.signal }));
    await expect(read(late)).rejects.toThrow(CancelledError);
    expect(yard.stats().queued).toBe(0);
  });

  it('is paused when it is not read, goes on when it is, and expires when it never is', async () => {
    const yard = makeYard({ streamBufferBytes: 4, unreadTimeoutMs: 1_000 });
    const stream = await startedStream(yard, ask('hi', { maxTokens: 50 }));
    const backend = backends[0]!;
    const isPaused = () => [...backend.running.values()].some((running) => running.isPaused);
    backend.step('four');
    expect(isPaused()).toBe(false);
    backend.step('!');
    expect(isPaused()).toBe(true);
    const iterator = stream[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ done: false, value: { text: 'four!' } });
    expect(isPaused()).toBe(false);
    backend.step('five5');
    expect(isPaused()).toBe(true);
    vi.advanceTimersByTime(1_001);
    expect(backend.running.size).toBe(0);
    expect(await iterator.next()).toEqual({ done: false, value: { text: 'five5' } });
    await expect(iterator.next()).rejects.toThrow(UnreadStreamError);
  });

  it('is not paused while result() collects it', async () => {
    const yard = makeYard({ streamBufferBytes: 1 });
    const stream = await startedStream(yard);
    const result = stream.result();
    for (let i = 0; i < 3; i++) backends[0]!.step('long text');
    expect((await result).text).toBe('long text'.repeat(3));
  });

  it('gives out text that comes with the end and without a token', async () => {
    const yard = makeYard();
    const stream = await startedStream(yard);
    backends[0]!.step('Par');
    backends[0]!.finish(backends[0]!.starts[0]!.task, 'is.');
    expect(await read(stream)).toBe('Paris.');
  });

  it('gives concurrent readers a part each', async () => {
    const yard = makeYard();
    const stream = await startedStream(yard);
    const iterator = stream[Symbol.asyncIterator]();
    const both = Promise.all([iterator.next(), iterator.next()]);
    backends[0]!.step('a');
    backends[0]!.step('b');
    expect((await both).map(({ value }) => value)).toEqual([{ text: 'a' }, { text: 'b' }]);
    stream.cancel();
  });

  it('keeps the messages as they were when it was called', async () => {
    const yard = makeYard();
    const messages = [{ role: 'user' as const, content: 'one two' }];
    const stream = yard.chat({ ...ask(), messages });
    messages.push({ role: 'user', content: 'three four five' });
    expect((await stream.accepted()).promptTokens).toBe(2);
    stream.cancel();
  });

  it('can be submitted and cancelled while another one ends', async () => {
    const yard = makeYard();
    const first = await startedStream(yard);
    const late: ChatStream[] = [];
    yard.onSettled(() => {
      if (late.length > 0) return;
      late.push(yard.chat(ask()));
      late[0]!.cancel('changed my mind');
    });
    first.cancel();
    await expect(late[0]!.result()).rejects.toThrow(CancelledError);
    expect(yard.stats()).toMatchObject({ queued: 0, running: 0, outcomes: { cancelled: 2 } });
  });

  it('causes no unhandled rejection when nobody looks at a stream that fails', async () => {
    const yard = makeYard();
    const stream = yard.chat(ask('w '.repeat(200)));
    void stream.accepted();
    await vi.waitFor(() => expect(yard.stats().outcomes.refused).toBe(1));
  });
});

describe('refusals', () => {
  it('names both numbers when the prompt is longer than the context', async () => {
    const yard = makeYard();
    const stream = yard.chat(ask('w '.repeat(200)));
    const error = await stream.accepted().catch((reason) => reason);
    expect(error).toBeInstanceOf(PromptTooLongError);
    expect(error).toMatchObject({ promptTokens: 201, contextTokens: 100 });
  });

  it('refuses at the queue limit with the time to wait, and expires what waits too long', async () => {
    const yard = makeYard({ classes: { batch: { queueLimit: 1, timeoutMs: 5_000 } } });
    await yard.ready();
    const streams = [await startedStream(yard), await startedStream(yard)];
    const waiting = yard.chat(ask('hi', { class: 'batch' }));
    const refused = await yard
      .chat(ask('hi', { class: 'batch' }))
      .accepted()
      .catch((reason) => reason);
    expect(refused).toBeInstanceOf(QueueFullError);
    expect(refused).toMatchObject({ queued: 1, limit: 1, retryable: true });
    expect(refused.retryAfterMs).toBeGreaterThanOrEqual(1_000);
    vi.advanceTimersByTime(5_001);
    await expect(waiting.result()).rejects.toThrow(QueueTimeoutError);
    for (const stream of streams) stream.cancel();
  });

  it.each([
    [{ maxTokens: 0 }, 'maxTokens'],
    [{ temperature: 3 }, 'temperature'],
    [{ topP: 0 }, 'topP'],
    [{ priority: Number.NaN }, 'priority'],
    [{ class: 'urgent' }, 'class'],
    [{ deadlineMs: -5 }, 'deadlineMs'],
    [{ messages: [] }, 'messages'],
    [{ messages: [{ role: 'robot', content: '' }] }, 'messages.0.role'],
    [{ stop: [''] }, 'stop.0'],
    [{ max_tokens: 5 }, 'max_tokens'],
  ])('refuses the request %j and names the field', (extra, param) => {
    const yard = makeYard();
    const call = () => yard.chat({ ...ask('secret words'), ...(extra as Partial<ChatRequest>) });
    expect(call).toThrow(InvalidRequestError);
    expect(call).toThrow(expect.objectContaining({ param }));
    expect(call).not.toThrow(/secret/);
  });

  it('suggests a model for an unknown one', () => {
    expect(() => makeYard().chat(ask('hi', { model: 'chatt' }))).toThrow(UnknownModelError);
    expect(() => makeYard().chat(ask('hi', { model: 'chatt' }))).toThrow(/Did you mean "chat"\?/);
  });

  it('takes an option that is undefined as one that is not given', async () => {
    const classes = { standard: { step: undefined, timeoutMs: undefined, queueLimit: undefined } };
    const yard = makeYard({ classes } as unknown as Partial<YardOptions>);
    const stream = await startedStream(yard);
    for (let i = 0; i < 3; i++) backends[0]!.step('z');
    expect((await stream.result()).text).toBe('zzz');
  });

  it.each([
    [{ modles: {} }, 'modles', 'models'],
    [{ models: { chat: { path: 'x', sequnces: 3 } } }, 'models.chat.sequnces', 'sequences'],
    [{ order: 'agde' }, 'order', undefined],
    [{ models: { chat: { path: 'x', sequences: 0 } } }, 'models.chat.sequences', undefined],
    [{ models: { chat: { path: 'x', sequences: 2, keepInteractive: 2 } } }, 'models.chat.keepInteractive', undefined],
    [{ classes: { batch: { timeout: 3 } } }, 'classes.batch.timeout', undefined],
  ])('refuses the options %j', (options, option, suggestion) => {
    const make = () => makeYard(options as Partial<YardOptions>);
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(expect.objectContaining({ option, ...(suggestion && { suggestion }) }));
  });
});

describe('embeddings', () => {
  it('keeps the order of the inputs, each a task of its own', async () => {
    const yard = makeYard();
    await yard.ready();
    const result = yard.embed({ model: 'chat', input: ['one', 'two', 'three'] });
    await vi.waitFor(() => expect(backends[0]!.running.size).toBe(2));
    backends[0]!.step();
    expect(backends[0]!.running.size).toBe(1);
    backends[0]!.step();
    const { vectors, promptTokens } = await result;
    expect(vectors).toHaveLength(3);
    expect(promptTokens).toBe(6);
  });

  it('takes more inputs than its class may queue, without filling the queue', async () => {
    const yard = makeYard({ classes: { standard: { queueLimit: 8 } } });
    await yard.ready();
    let most = 0;
    const result = yard.embed({ model: 'chat', input: Array.from({ length: 40 }, (_, i) => `text ${i}`) });
    let isDone = false;
    void result.then(() => {
      isDone = true;
    });
    while (!isDone) {
      most = Math.max(most, yard.stats().queued + yard.stats().running);
      await vi.waitFor(() => expect(backends[0]!.running.size > 0 || isDone).toBe(true));
      backends[0]!.step();
    }
    expect((await result).vectors).toHaveLength(40);
    expect(most).toBeLessThanOrEqual(2);
  });

  it('cancels the rest when one input fails', async () => {
    const yard = makeYard();
    await yard.ready();
    const result = yard.embed({ model: 'chat', input: ['w '.repeat(200), 'two', 'three'] });
    await expect(result).rejects.toThrow(PromptTooLongError);
    expect(yard.stats()).toMatchObject({ queued: 0, running: 0 });
  });
});

describe('engines', () => {
  it('tries untouched work again when the engine dies, ends streams that had begun with an error, and returns every lease', async () => {
    const yard = makeYard();
    const begun = await startedStream(yard);
    backends[0]!.step('a');
    const silent = await startedStream(yard);
    const waiting = yard.chat(ask());
    await waiting.accepted();
    backends[0]!.die();
    expect(yard.stats().pools).toEqual({
      'host memory': { capacity: 8 * GIB, leased: 0 },
      'slots:chat': { capacity: 0, leased: 0 },
      slots: { capacity: 16, leased: 0 },
    });
    await expect(read(begun)).rejects.toThrow(EngineDiedError);
    expect(yard.models()[0]!.state).toBe('restarting');
    vi.advanceTimersByTime(250);
    expect(backends[0]!.launches).toBe(2);
    expect([...backends[0]!.running.keys()]).toHaveLength(2);
    for (let i = 0; i < 3; i++) backends[0]!.step('b');
    expect((await silent.result()).text).toBe('bbb');
    expect((await waiting.result()).text).toBe('bbb');
  });

  it('starts an engine again that could not even be started', async () => {
    const yard = makeYard(
      {},
      {
        createBackend: (options) => {
          const backend = new FakeBackend(options);
          backend.refusesLaunch = true;
          backends.push(backend);
          return backend;
        },
      },
    );
    const ready = yard.ready();
    await vi.waitFor(() => expect(backends[0]?.launches).toBe(1));
    backends[0]!.refusesLaunch = false;
    vi.advanceTimersByTime(250);
    await ready;
    expect(backends[0]!.launches).toBe(2);
  });

  it('counts prompts that were being counted when the engine died again', async () => {
    const yard = makeYard();
    await yard.ready();
    const stream = yard.chat(ask());
    backends[0]!.die();
    vi.advanceTimersByTime(250);
    await stream.started();
    expect(backends[0]!.running.size).toBe(1);
    stream.cancel();
  });

  it('refuses a load that does not fit before anything is loaded, with the figures', async () => {
    freeBytes = 600 * 2 ** 20;
    const yard = makeYard({ memoryMarginBytes: 500 * 2 ** 20 });
    const error = await yard.ready().catch((reason) => reason);
    expect(error).toBeInstanceOf(InsufficientMemoryError);
    expect(error).toMatchObject({ freeBytes: 100 * 2 ** 20, reservedBytes: 0 });
    expect(error.neededBytes).toBeGreaterThan(error.freeBytes);
    await expect(yard.chat(ask()).result()).rejects.toThrow(InsufficientMemoryError);
  });

  it('fails what waits for a model whose file is no model', async () => {
    const yard = makeYard(
      {},
      {
        readHeader: async () => {
          throw new InvalidGgufError('x.gguf', 'not a GGUF file');
        },
      },
    );
    await expect(yard.chat(ask()).result()).rejects.toThrow(InvalidGgufError);
    await expect(yard.ready()).rejects.toThrow(InvalidGgufError);
    expect(yard.models()[0]!.state).toBe('failed');
  });
});

describe('closing', () => {
  it('settles whoever waits for the models, before and after', async () => {
    const yard = makeYard({}, { readHeader: () => new Promise(() => {}) });
    const before = yard.ready();
    void yard.close();
    await expect(before).rejects.toThrow(ClosedError);
    await expect(yard.ready()).rejects.toThrow(ClosedError);
  });

  it('drains without a limit when told so', async () => {
    const yard = makeYard();
    const stream = await startedStream(yard);
    const closing = yard.close({ drainMs: Number.POSITIVE_INFINITY });
    vi.advanceTimersByTime(60_000);
    for (let i = 0; i < 3; i++) backends[0]!.step('z');
    expect((await stream.result()).text).toBe('zzz');
    await closing;
  });

  it('ends everything with a typed error and refuses new work', async () => {
    const yard = makeYard();
    const stream = await startedStream(yard);
    await yard.close();
    await expect(stream.result()).rejects.toThrow(ClosedError);
    expect(() => yard.chat(ask())).toThrow(ClosedError);
    expect(backends[0]!.isClosed).toBe(true);
  });

  it('lets running work end while it drains, up to the limit', async () => {
    const yard = makeYard();
    const [done, cut] = [await startedStream(yard), await startedStream(yard, ask('hi', { maxTokens: 99 }))];
    const closing = yard.close({ drainMs: 1_000 });
    for (let i = 0; i < 3; i++) backends[0]!.step('z');
    expect((await done.result()).text).toBe('zzz');
    vi.advanceTimersByTime(1_001);
    await closing;
    await expect(cut.result()).rejects.toThrow(ClosedError);
  });

  it('ends a drain early when everything is done, or when it is closed again', async () => {
    const yard = makeYard();
    const stream = await startedStream(yard);
    const closing = yard.close({ drainMs: 60_000 });
    for (let i = 0; i < 3; i++) backends[0]!.step('z');
    await closing;
    await stream.result();
    const impatient = makeYard();
    const cut = await startedStream(impatient);
    void impatient.close({ drainMs: 60_000 });
    await impatient.close();
    await expect(cut.result()).rejects.toThrow(ClosedError);
  });
});

it('tells listeners about every settled task once, without a word of its text', async () => {
  const yard = makeYard();
  const records: TaskRecord[] = [];
  yard.onSettled((record) => records.push(record));
  const stream = await startedStream(yard, ask('canary words', { tenant: 'acme', class: 'interactive' }));
  for (let i = 0; i < 3; i++) backends[0]!.step('canary');
  await stream.result();
  yard.chat(ask('w '.repeat(300)));
  await vi.waitFor(() => expect(records).toHaveLength(2));
  expect(records[0]).toMatchObject({
    model: 'chat',
    tenant: 'acme',
    class: 'interactive',
    outcome: 'completed',
    outputTokens: 3,
  });
  expect(records[1]).toMatchObject({ outcome: 'refused', errorCode: 'AY_PROMPT_TOO_LONG' });
  expect(JSON.stringify(records) + [...yard.eventLog()].join('')).not.toMatch(/canary/);
});

it('sends the next turn of a conversation to the slot that holds it', async () => {
  const yard = makeYard();
  const first = { role: 'user', content: 'first question' } as const;
  const turnOne = await startedStream(yard, { ...ask(), messages: [first] });
  const slot = backends[0]!.starts[0]!.slot;
  for (let i = 0; i < 3; i++) backends[0]!.step();
  await turnOne.result();
  (await startedStream(yard, ask('another conversation'))).cancel();
  const answer = { role: 'assistant', content: 'xxx' } as const;
  await startedStream(yard, { ...ask(), messages: [first, answer, { role: 'user', content: 'and then?' }] });
  expect(backends[0]!.starts[2]!.slot).toBe(slot);
  expect(backends[0]!.starts[1]!.slot).not.toBe(slot);
});
