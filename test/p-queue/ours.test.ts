/** What agentyard/p-queue does better than the package, or otherwise on purpose: the list of docs/from-p-queue.md. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentyardError } from '../../lib/base/errors.js';
import PQueue, { type RunFunction, TimeoutError } from '../../lib/p-queue/index.js';
import { type AnyQueue, counts, deferred, EVENT_NAMES, ignore, settle, trace } from './contenders.js';

it('calls a function in the async context of whoever added it', async () => {
  const store = new AsyncLocalStorage<string>();
  const queue = new PQueue({ concurrency: 1 });
  const seen: (string | undefined)[] = [];
  await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      store.run(name, () =>
        queue.add(async () => {
          await settle();
          seen.push(store.getStore());
        }),
      ),
    ),
  );
  expect(seen).toEqual(['a', 'b', 'c']);
});

it('has errors with a stable code', () => {
  const error = new TimeoutError();
  expect(error).toBeInstanceOf(AgentyardError);
  expect(error).toMatchObject({ name: 'TimeoutError', code: 'AY_TASK_TIMEOUT' });
});

it('frees the slot of a function that returns what only looks like a promise', async () => {
  const queue = new PQueue({ concurrency: 1 });
  const { proxy, revoke } = Proxy.revocable({}, {});
  await expect(queue.add(() => Object.create(Promise.prototype))).rejects.toBeInstanceOf(TypeError);
  const end = queue.add(() => proxy);
  revoke();
  await expect(end).rejects.toBeInstanceOf(TypeError);
  await queue.onIdle();
  expect(counts(queue)).toBe('0+0');
  expect(await queue.add(() => 1)).toBe(1);
});

it('counts a task once that is cleared while its signal tells others', async () => {
  const queue = new PQueue({ concurrency: 1 });
  const controller = new AbortController();
  const blocker = deferred<void>();
  void queue.add(() => blocker.promise);
  for (let i = 0; i < 3; i++) ignore(queue.add(() => 1, { signal: controller.signal }));
  queue.once('next', () => queue.clear());
  controller.abort();
  expect(counts(queue)).toBe('0+1');
  blocker.resolve();
  await queue.onIdle();
  expect(counts(queue)).toBe('0+0');
});

it('takes a priority that is no number as 0', async () => {
  const queue = new PQueue({ concurrency: 1, autoStart: false });
  const order: string[] = [];
  for (const [name, priority] of [
    ['a', Number.NaN],
    ['b', -1],
    ['c', 1],
    ['d', 'urgent'],
    ['e', 0],
  ] as const) {
    void queue.add(() => order.push(name), { priority: priority as number });
  }
  queue.start();
  await queue.onIdle();
  expect(order.join('')).toBe('cadeb');
});

describe('in intervals', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  /** When each of `count` instant tasks starts that are added in two rounds. */
  async function startsOf(options: object, durationMs: number): Promise<number[]> {
    const beginMs = Date.now();
    const starts: number[] = [];
    const queue = new PQueue({ interval: 100, intervalCap: 2, ...options });
    const work = () => {
      starts.push(Date.now() - beginMs);
      return durationMs === 0 ? undefined : new Promise((end) => void setTimeout(end, durationMs));
    };
    for (let index = 0; index < 2; index++) void queue.add(work);
    await settle();
    for (let index = 0; index < 3; index++) void queue.add(work);
    await vi.advanceTimersByTimeAsync(600);
    return starts;
  }

  it('never starts more than the cap', async () => {
    expect(await startsOf({}, 0)).toEqual([0, 0, 100, 100, 200]);
  });

  it('obeys the old name of carryoverIntervalCount', async () => {
    expect(await startsOf({ carryoverConcurrencyCount: true }, 150)).toEqual([0, 0, 200, 200, 400]);
  });

  it('is not confused by a wall clock that goes back', async () => {
    const starts: string[] = [];
    const queue = new PQueue({ interval: 100, intervalCap: 1 });
    void queue.add(() => starts.push('first'));
    void queue.add(() => starts.push('second'));
    vi.setSystemTime(Date.now() - 3_600_000);
    await vi.advanceTimersByTimeAsync(250);
    expect(starts).toEqual(['first', 'second']);
  });
});

describe('a listener that throws', () => {
  let reported: unknown[];
  let listeners: NodeJS.UncaughtExceptionListener[];

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    reported = [];
    listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => reported.push(error));
  });

  afterEach(() => {
    vi.useRealTimers();
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  });

  it.each(EVENT_NAMES)('to %s is reported, and hurts neither the tasks nor the queue', async (name) => {
    const queue = new PQueue({ concurrency: 1, interval: 5, intervalCap: 2 });
    const error = new Error(`listener of ${name}`);
    queue.on(name, () => {
      throw error;
    });
    ignore(queue.add(() => Promise.reject(new Error('no'))));
    const results = Promise.all([1, 2, 3].map((value) => queue.add(() => value)));
    await vi.advanceTimersByTimeAsync(10);
    await expect(results).resolves.toEqual([1, 2, 3]);
    await settle();
    expect(counts(queue as AnyQueue)).toBe('0+0');
    expect(reported).toContain(error);
  });
});

describe('with a queueClass', () => {
  class Line {
    readonly runs: RunFunction[] = [];
    enqueue(run: RunFunction): void {
      this.runs.push(run);
    }
    dequeue(): RunFunction | undefined {
      return this.runs.shift();
    }
    get size(): number {
      return this.runs.length;
    }
    filter(): RunFunction[] {
      return this.runs;
    }
    setPriority(): void {}
  }

  it('asks again later when there is none to give yet', async () => {
    let isOpen = false;
    class Gated extends Line {
      override dequeue(): RunFunction | undefined {
        return isOpen ? super.dequeue() : undefined;
      }
    }
    const queue = new PQueue({ concurrency: 2, queueClass: Gated }) as unknown as AnyQueue;
    const order: number[] = [];
    for (const index of [0, 1]) void queue.add(() => order.push(index));
    await settle();
    expect(counts(queue)).toBe('2+0');
    isOpen = true;
    void queue.add(() => order.push(2));
    await queue.onIdle();
    expect(order).toEqual([0, 1, 2]);
  });

  it('says nothing of a task that was aborted while it waited', async () => {
    const queue = new PQueue({ concurrency: 1, queueClass: Line }) as unknown as AnyQueue;
    const gate = deferred();
    const controller = new AbortController();
    void queue.add(() => gate.promise);
    ignore(queue.add(() => 1, { signal: controller.signal }));
    controller.abort();
    const lines = trace(queue, ['active', 'error', 'completed']);
    gate.resolve();
    await queue.onIdle();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^completed/);
  });

  it('keeps the cap of an interval', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    try {
      const options = { queueClass: Line, interval: 100, intervalCap: 2, concurrency: 5 };
      const queue = new PQueue(options) as unknown as AnyQueue;
      const beginMs = Date.now();
      const starts: number[] = [];
      for (let index = 0; index < 5; index++) void queue.add(() => starts.push(Date.now() - beginMs));
      await vi.advanceTimersByTimeAsync(500);
      expect(starts).toEqual([0, 0, 100, 100, 200]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('times out and aborts what runs', async () => {
    const queue = new PQueue({ concurrency: 1, queueClass: Line }) as unknown as AnyQueue;
    const controller = new AbortController();
    const aborted = queue.add(() => new Promise(() => {}), { signal: controller.signal });
    const timedOut = queue.add(() => new Promise(() => {}), { timeout: 1 });
    controller.abort(new Error('why'));
    await expect(aborted).rejects.toThrow('why');
    await expect(timedOut).rejects.toBeInstanceOf(TimeoutError);
    await queue.onIdle();
  });
});

it('costs little when thousands of tasks share one signal', async () => {
  const queue = new PQueue({ concurrency: 1 });
  const controller = new AbortController();
  let listeners = 0;
  const add = controller.signal.addEventListener.bind(controller.signal);
  controller.signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  const results = Array.from({ length: 1_000 }, () =>
    queue.add(() => new Promise(() => {}), { signal: controller.signal }),
  );
  expect(listeners).toBeLessThan(10);
  const ended = Promise.allSettled(results);
  controller.abort();
  await ended;
  expect(counts(queue as AnyQueue)).toBe('0+0');
});
