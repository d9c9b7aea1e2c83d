import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AnyQueue, contenders, counts, type QueueOptions, settle, trace } from './contenders.js';

const RATE_EVENTS = ['rateLimit', 'rateLimitCleared'] as const;

describe.each(contenders)('$name in intervals', ({ PQueue }) => {
  let beginMs: number;
  let starts: number[];

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
    beginMs = Date.now();
    starts = [];
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  /** Adds tasks that run for so many ms each. */
  function add(queue: AnyQueue, ...durationsMs: number[]): void {
    for (const durationMs of durationsMs) {
      void queue.add(() => {
        starts.push(Date.now() - beginMs);
        return durationMs === 0 ? undefined : new Promise((end) => void setTimeout(end, durationMs));
      });
    }
  }

  async function until(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms - (Date.now() - beginMs));
    await settle();
  }

  it('starts so many per interval', async () => {
    add(new PQueue({ interval: 100, intervalCap: 2 }), 0, 0, 0, 0, 0);
    expect(starts).toEqual([0, 0]);
    await until(99);
    expect(starts).toEqual([0, 0]);
    await until(350);
    expect(starts).toEqual([0, 0, 100, 100, 200]);
  });

  it('begins an interval with the first start after a pause', async () => {
    const queue = new PQueue({ interval: 100, intervalCap: 2 });
    add(queue, 0);
    await until(50);
    add(queue, 0, 0);
    await until(130);
    add(queue, 0);
    await until(260);
    add(queue, 0);
    await until(299);
    add(queue, 0);
    await until(300);
    add(queue, 0);
    await until(301);
    add(queue, 0);
    await until(500);
    expect(starts).toEqual([0, 50, 100, 130, 260, 299, 360, 360]);
  });

  it.each<QueueOptions>([{ interval: 100 }, { intervalCap: 1 }, { interval: 0, intervalCap: 1 }])(
    'has no limit with %o',
    (options) => {
      add(new PQueue(options), 0, 0, 0);
      expect(starts).toEqual([0, 0, 0]);
    },
  );

  it('counts an interval anew, whatever still runs', async () => {
    add(new PQueue({ interval: 100, intervalCap: 2 }), 150, 150, 150, 150);
    await until(500);
    expect(starts).toEqual([0, 0, 100, 100]);
  });

  it('carries over what still runs when it is told to', async () => {
    add(new PQueue({ interval: 100, intervalCap: 2, carryoverIntervalCount: true }), 150, 150, 150, 150);
    await until(500);
    expect(starts).toEqual([0, 0, 200, 200]);
  });

  it('carries over a part', async () => {
    const queue = new PQueue({ interval: 100, intervalCap: 3, carryoverIntervalCount: true });
    add(queue, 10, 130, 10, 130, 10, 130, 10);
    await until(500);
    expect(starts).toEqual([0, 0, 0, 100, 100, 200, 200]);
  });

  it('keeps both limits', async () => {
    add(new PQueue({ interval: 100, intervalCap: 3, concurrency: 1 }), 40, 40, 40, 40, 40);
    await until(400);
    expect(starts).toEqual([0, 40, 80, 120, 160]);
  });

  it('rounds a fractional cap up', async () => {
    add(new PQueue({ interval: 100, intervalCap: 1.5 }), 0, 0, 0);
    expect(starts).toEqual([0, 0]);
  });

  it('takes the most urgent ones into the next interval', async () => {
    const queue = new PQueue({ interval: 100, intervalCap: 1 });
    const order: string[] = [];
    for (const [name, priority] of [
      ['a', 0],
      ['b', 0],
      ['c', 5],
    ] as const) {
      void queue.add(() => order.push(name), { priority });
    }
    await until(250);
    expect(order).toEqual(['a', 'c', 'b']);
  });

  it('waits for start() with a window that is over', async () => {
    const queue = new PQueue({ interval: 100, intervalCap: 2, autoStart: false });
    add(queue, 0, 0, 0, 0, 0);
    await until(30);
    queue.start();
    await until(60);
    queue.pause();
    await until(250);
    expect(starts).toEqual([30, 30]);
    queue.start();
    await until(500);
    expect(starts).toEqual([30, 30, 250, 250, expect.any(Number)]);
    expect(starts[4]).toBeGreaterThanOrEqual(330);
    expect(starts[4]).toBeLessThanOrEqual(350);
  });

  it('stops when a task pauses', async () => {
    const queue = new PQueue({ interval: 100, intervalCap: 1 });
    void queue.add(() => queue.pause());
    void queue.add(() => 'done');
    await until(300);
    expect(counts(queue)).toBe('1+0');
  });

  it('keeps count across clear()', async () => {
    const queue = new PQueue({ interval: 100, intervalCap: 1 });
    add(queue, 0, 0, 0);
    await until(30);
    queue.clear();
    await until(40);
    add(queue, 0);
    await until(300);
    expect(starts).toEqual([0, 100]);
  });

  describe('strictly', () => {
    it('keeps to the cap in every stretch of an interval', async () => {
      const queue = new PQueue({ interval: 100, intervalCap: 2, strict: true });
      add(queue, 0);
      await until(60);
      add(queue, 0, 0, 0, 0, 0);
      await until(400);
      expect(starts).toEqual([0, 60, 100, 160, 200, 260]);
    });

    it('counts starts and not ends', async () => {
      add(new PQueue({ interval: 100, intervalCap: 2, strict: true, concurrency: 1 }), 30, 30, 30, 30);
      await until(400);
      expect(starts).toEqual([0, 30, 100, 130]);
    });

    it('has no use for carryoverIntervalCount', async () => {
      const options = { interval: 100, intervalCap: 2, strict: true, carryoverIntervalCount: true };
      add(new PQueue(options), 150, 150, 150, 150);
      await until(400);
      expect(starts).toEqual([0, 0, 100, 100]);
    });
  });

  describe('says that it is limited', () => {
    it('while the cap is used up and something waits', async () => {
      const queue = new PQueue({ interval: 100, intervalCap: 2 });
      const lines = trace(queue, RATE_EVENTS);
      expect(queue.isRateLimited).toBe(false);
      add(queue, 0, 0, 0, 0, 0);
      await settle();
      expect(queue.isRateLimited).toBe(true);
      expect(queue.isSaturated).toBe(true);
      expect(lines).toEqual([expect.stringMatching(/^rateLimit 3/)]);
      await until(150);
      expect(queue.isRateLimited).toBe(true);
      await until(250);
      expect(queue.isRateLimited).toBe(false);
      expect(queue.isSaturated).toBe(false);
      expect(lines).toHaveLength(2);
      expect(lines[1]).toMatch(/^rateLimitCleared 0/);
    });

    it('not while nothing waits', async () => {
      const queue = new PQueue({ interval: 100, intervalCap: 2 });
      add(queue, 0, 0);
      await settle();
      expect(queue.isRateLimited).toBe(false);
    });

    it('until the queue is cleared', async () => {
      const queue = new PQueue({ interval: 100, intervalCap: 1 });
      const lines = trace(queue);
      add(queue, 0, 0, 0);
      await settle();
      lines.length = 0;
      queue.clear();
      expect(lines).toEqual(['rateLimitCleared 0+0', 'empty 0+0', 'idle 0+0', 'next 0+0']);
      expect(queue.isRateLimited).toBe(false);
    });

    it('until what waited was aborted', async () => {
      const queue = new PQueue({ interval: 100, intervalCap: 1 });
      const lines = trace(queue, RATE_EVENTS);
      const controller = new AbortController();
      add(queue, 0);
      queue.add(() => 1, { signal: controller.signal }).catch(() => {});
      await settle();
      controller.abort();
      await settle();
      expect(lines).toEqual([expect.stringMatching(/^rateLimit 1/), 'rateLimitCleared 0+0']);
    });

    it('until the interval is over, also while paused or out of slots', async () => {
      const paused = new PQueue({ interval: 100, intervalCap: 1 });
      const busy = new PQueue({ interval: 100, intervalCap: 1, concurrency: 1 });
      add(paused, 0, 0);
      add(busy, 170, 170);
      await settle();
      expect([paused.isRateLimited, busy.isRateLimited]).toEqual([true, true]);
      paused.pause();
      await until(120);
      expect([paused.isRateLimited, busy.isRateLimited]).toEqual([false, false]);
      expect(busy.isSaturated).toBe(true);
      expect(counts(paused)).toBe('1+0');
    });

    it('by promises', async () => {
      const queue = new PQueue({ interval: 100, intervalCap: 1 });
      const resolved: string[] = [];
      void queue.onRateLimitCleared().then(() => resolved.push('was not limited'));
      void queue.onRateLimit().then(() => resolved.push('limited'));
      await settle();
      expect(resolved.splice(0)).toEqual(['was not limited']);
      add(queue, 0, 0);
      await settle();
      expect(resolved.splice(0)).toEqual(['limited']);
      void queue.onRateLimit().then(() => resolved.push('is limited'));
      void queue.onRateLimitCleared().then(() => resolved.push('cleared'));
      await settle();
      expect(resolved.splice(0)).toEqual(['is limited']);
      await until(100);
      expect(resolved).toEqual(['cleared']);
    });
  });
});
