import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { contenders, counts, deferred, ignore, settle, trace } from './contenders.js';

describe.each(contenders)('$name', ({ PQueue, TimeoutError }) => {
  describe('times out', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
    });

    afterEach(() => {
      vi.useRealTimers();
    });

    it('a task that runs too long, and frees its slot at once', async () => {
      const queue = new PQueue({ concurrency: 1, timeout: 100 });
      const slow = deferred<string>();
      const first = queue.add(() => slow.promise);
      const second = queue.add(() => new Promise(() => {}), { timeout: undefined });
      ignore(first);
      ignore(second);
      await vi.advanceTimersByTimeAsync(99);
      expect(counts(queue)).toBe('1+1');
      await vi.advanceTimersByTimeAsync(1);
      await expect(first).rejects.toBeInstanceOf(TimeoutError);
      await expect(first).rejects.toMatchObject({ name: 'TimeoutError' });
      await expect(first).rejects.toThrow('100');
      expect(queue.runningTasks.map(({ id }) => id)).toEqual(['2']);
      expect(counts(queue)).toBe('0+1');
      // Its late end changes nothing.
      slow.resolve('late');
      await settle();
      expect(counts(queue)).toBe('0+1');
    });

    it('by error, next and the start of another, in this order', async () => {
      const queue = new PQueue({ concurrency: 1 });
      ignore(queue.add(() => new Promise(() => {}), { timeout: 10 }));
      void queue.add(() => new Promise(() => {}));
      const lines = trace(queue);
      await vi.advanceTimersByTimeAsync(10);
      expect(lines[0]).toMatch(/^error .+ 1\+1$/);
      expect(lines.slice(1)).toEqual(['pendingZero 1+0', 'active 0+1', 'next 0+1']);
    });

    it('from the start of a task and not from its arrival', async () => {
      const queue = new PQueue({ concurrency: 1 });
      const first = deferred();
      void queue.add(() => first.promise);
      const second = queue.add(() => new Promise(() => {}), { timeout: 50 });
      let error: unknown;
      second.catch((reason: unknown) => {
        error = reason;
      });
      await vi.advanceTimersByTimeAsync(500);
      first.resolve();
      await vi.advanceTimersByTimeAsync(49);
      expect(error).toBeUndefined();
      expect(queue.runningTasks[0]!.timeoutRemaining).toBe(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(error).toBeInstanceOf(TimeoutError);
    });

    it('nothing that ends in time', async () => {
      const queue = new PQueue({ timeout: 50 });
      const work = deferred<number>();
      const added = queue.add(() => work.promise);
      await vi.advanceTimersByTimeAsync(40);
      work.resolve(5);
      await expect(added).resolves.toBe(5);
      await vi.advanceTimersByTimeAsync(100);
      expect(counts(queue)).toBe('0+0');
    });

    it('by the default of the moment at which a task is added', async () => {
      const queue = new PQueue({ concurrency: 1 });
      expect(queue.timeout).toBeUndefined();
      const first = deferred();
      void queue.add(() => first.promise);
      const second = deferred<string>();
      const unlimited = queue.add(() => second.promise);
      queue.timeout = 5;
      const limited = queue.add(() => new Promise(() => {}));
      ignore(limited);
      first.resolve();
      await vi.advanceTimersByTimeAsync(50);
      second.resolve('unlimited');
      await expect(unlimited).resolves.toBe('unlimited');
      await vi.advanceTimersByTimeAsync(5);
      await expect(limited).rejects.toBeInstanceOf(TimeoutError);
    });

    it('each task by its own limit', async () => {
      const queue = new PQueue({ timeout: 100 });
      const ended: string[] = [];
      for (const [name, timeout] of [
        ['a', 30],
        ['b', 10],
        ['c', undefined],
      ] as const) {
        const options = name === 'c' ? {} : { timeout };
        queue.add(() => new Promise(() => {}), options as { timeout?: number }).catch(() => ended.push(name));
      }
      await vi.advanceTimersByTimeAsync(10);
      expect(ended).toEqual(['b']);
      await vi.advanceTimersByTimeAsync(20);
      expect(ended).toEqual(['b', 'a']);
      await vi.advanceTimersByTimeAsync(70);
      expect(ended).toEqual(['b', 'a', 'c']);
    });

    it('a task that is due at the very instant at which another ends', async () => {
      const queue = new PQueue({ concurrency: 2 });
      void queue.add(() => new Promise((end) => void setTimeout(end, 20)));
      await vi.advanceTimersByTimeAsync(15);
      const late = queue.add(() => new Promise((end) => void setTimeout(end, 6)), { timeout: 5 });
      ignore(late);
      await vi.advanceTimersByTimeAsync(10);
      await expect(late).rejects.toBeInstanceOf(TimeoutError);
      expect(counts(queue)).toBe('0+0');
    });

    it('and hears nothing of an error after that', async () => {
      const queue = new PQueue({ timeout: 5 });
      const work = deferred();
      const lines = trace(queue, ['error', 'completed']);
      const added = queue.add(() => work.promise);
      ignore(added);
      await vi.advanceTimersByTimeAsync(5);
      work.reject(new Error('late'));
      await settle();
      await expect(added).rejects.toBeInstanceOf(TimeoutError);
      expect(lines).toHaveLength(1);
    });
  });

  it('keeps no process alive for the time-out of a task that has ended', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const queue = new PQueue({ timeout: 60_000 });
    const work = deferred();
    const added = queue.add(() => work.promise);
    expect(timers()).toBe(before + 1);
    work.resolve();
    await added;
    expect(timers()).toBe(before);
  });

  describe('aborts', () => {
    it('a waiting task: it leaves the queue, rejects with the reason and never runs', async () => {
      const queue = new PQueue({ concurrency: 1 });
      const first = deferred();
      const controller = new AbortController();
      const reason = new Error('why');
      let isCalled = false;
      void queue.add(() => first.promise);
      const second = queue.add(
        () => {
          isCalled = true;
        },
        { signal: controller.signal },
      );
      const lines = trace(queue);
      controller.abort(reason);
      expect(counts(queue)).toBe('0+1');
      expect(lines).toEqual(['empty 0+1', 'next 0+1']);
      await expect(second).rejects.toBe(reason);
      first.resolve();
      await settle();
      expect(isCalled).toBe(false);
      expect(counts(queue)).toBe('0+0');
    });

    it('with an AbortError when no reason was given, and with any value that was', async () => {
      const queue = new PQueue({ concurrency: 1 });
      void queue.add(() => new Promise(() => {}));
      const controllers = [new AbortController(), new AbortController()];
      const [plain, text] = controllers.map(({ signal }) => queue.add(() => 1, { signal }));
      controllers[0]!.abort();
      controllers[1]!.abort('a string');
      await expect(plain).rejects.toMatchObject({ name: 'AbortError' });
      await expect(plain).rejects.toBeInstanceOf(DOMException);
      await expect(text).rejects.toBe('a string');
    });

    it('a task in a paused queue', async () => {
      const queue = new PQueue({ autoStart: false });
      const controller = new AbortController();
      const added = queue.add(() => 1, { signal: controller.signal });
      ignore(added);
      const idle = queue.onIdle();
      const lines = trace(queue);
      controller.abort();
      expect(lines).toEqual(['empty 0+0', 'idle 0+0', 'next 0+0']);
      await idle;
      await expect(added).rejects.toMatchObject({ name: 'AbortError' });
    });

    it('a running task: its promise rejects and its slot is free at once', async () => {
      const queue = new PQueue({ concurrency: 1 });
      const work = deferred();
      const controller = new AbortController();
      const first = queue.add(() => work.promise, { signal: controller.signal });
      ignore(first);
      void queue.add(() => new Promise(() => {}));
      const lines = trace(queue);
      controller.abort(new Error('why'));
      await settle();
      await expect(first).rejects.toBe(controller.signal.reason);
      expect(lines).toEqual(['error why 1+1', 'pendingZero 1+0', 'active 0+1', 'next 0+1']);
      work.resolve();
      await settle();
      expect(counts(queue)).toBe('0+1');
      expect(lines).toHaveLength(4);
    });

    it('a task before it is added: it is neither added nor called', async () => {
      const queue = new PQueue();
      const lines = trace(queue);
      const added = queue.add(() => lines.push('called'), { signal: AbortSignal.abort(new Error('early')) });
      await expect(added).rejects.toThrow('early');
      expect(lines).toEqual(['empty 0+0', 'idle 0+0', 'next 0+0']);
    });

    it('a running task whose function ends because of the signal with what the function says', async () => {
      const queue = new PQueue();
      const controller = new AbortController();
      const added = queue.add(
        ({ signal }) =>
          new Promise((_resolve, reject) => {
            signal!.addEventListener('abort', () => reject(new Error('cleaned up')));
          }),
        { signal: controller.signal },
      );
      controller.abort();
      await expect(added).rejects.toThrow('cleaned up');
    });

    it('many tasks by one signal', async () => {
      const queue = new PQueue({ concurrency: 2 });
      const controller = new AbortController();
      const results = Array.from({ length: 20 }, () => queue.add(() => settle(), { signal: controller.signal }));
      const ended = Promise.allSettled(results);
      controller.abort();
      expect((await ended).every(({ status }) => status === 'rejected')).toBe(true);
      await queue.onIdle();
      expect(counts(queue)).toBe('0+0');
    });

    it('not a task whose function aborts its own signal and ends', async () => {
      const queue = new PQueue();
      const controller = new AbortController();
      const added = queue.add(
        () => {
          controller.abort();
          return 'done';
        },
        { signal: controller.signal },
      );
      await expect(added).resolves.toBe('done');
    });

    it('nothing after the end', async () => {
      const queue = new PQueue();
      const controller = new AbortController();
      await expect(queue.add(() => 1, { signal: controller.signal })).resolves.toBe(1);
      const lines = trace(queue);
      controller.abort();
      await settle();
      expect(lines).toEqual([]);
    });

    it('and leaves no listener on the signal', async () => {
      const queue = new PQueue({ concurrency: 1 });
      const { signal } = new AbortController();
      let listeners = 0;
      const add = signal.addEventListener.bind(signal);
      const remove = signal.removeEventListener.bind(signal);
      signal.addEventListener = (...args: Parameters<typeof add>) => {
        listeners++;
        add(...args);
      };
      signal.removeEventListener = (...args: Parameters<typeof remove>) => {
        listeners--;
        remove(...args);
      };
      await Promise.all([queue.add(() => settle(), { signal }), queue.add(() => settle(), { signal })]);
      await queue.onIdle();
      expect(listeners).toBeLessThanOrEqual(0);
    });

    it('hears nothing of an error of the function after that', async () => {
      const queue = new PQueue();
      const work = deferred();
      const controller = new AbortController();
      const added = queue.add(() => work.promise, { signal: controller.signal });
      ignore(added);
      controller.abort(new Error('why'));
      work.reject(new Error('late'));
      await expect(added).rejects.toThrow('why');
      await settle();
      expect(counts(queue)).toBe('0+0');
    });
  });
});
