import { beforeEach, describe, expect, it } from 'vitest';
import { type AnyQueue, contenders, counts, type Deferred, deferred, ignore, settle } from './contenders.js';

describe.each(contenders)('$name runs', ({ PQueue }) => {
  let jobs: Deferred<void>[];
  let started: number[];

  beforeEach(() => {
    jobs = [];
    started = [];
  });

  /** Adds jobs that end when `jobs[i]` is resolved. */
  function addJobs(queue: AnyQueue, count: number): Promise<number>[] {
    return Array.from({ length: count }, () => {
      const index = jobs.push(deferred()) - 1;
      return queue.add(async () => {
        started.push(index);
        await jobs[index]!.promise;
        return index;
      });
    });
  }

  async function end(index: number): Promise<void> {
    jobs[index]!.resolve();
    await settle();
  }

  it('starts a task inside add() while there is room', () => {
    const queue = new PQueue({ concurrency: 2 });
    void addJobs(queue, 3);
    expect(started).toEqual([0, 1]);
    expect(counts(queue)).toBe('1+2');
  });

  it('has no limit by default', () => {
    const queue = new PQueue();
    expect(queue.concurrency).toBe(Number.POSITIVE_INFINITY);
    void addJobs(queue, 200);
    expect(counts(queue)).toBe('0+200');
  });

  it('resolves with what the function returned, awaited', async () => {
    const queue = new PQueue();
    await expect(queue.add(() => 1)).resolves.toBe(1);
    await expect(queue.add(async () => 2)).resolves.toBe(2);
    // biome-ignore lint/suspicious/noThenProperty: a foreign promise is what is tested
    const thenable = { then: (resolve: (value: number) => void) => resolve(3) };
    await expect(queue.add(() => thenable as PromiseLike<number>)).resolves.toBe(3);
    await expect(queue.add(() => undefined)).resolves.toBeUndefined();
  });

  it('rejects with exactly what was thrown', async () => {
    const queue = new PQueue({ concurrency: 1 });
    const error = new Error('no');
    await expect(
      queue.add(() => {
        throw error;
      }),
    ).rejects.toBe(error);
    await expect(queue.add(() => Promise.reject(error))).rejects.toBe(error);
    await expect(queue.add(() => Promise.reject('a string'))).rejects.toBe('a string');
    await expect(queue.add(() => Promise.reject(undefined))).rejects.toBeUndefined();
    expect(counts(queue)).toBe('0+0');
  });

  it('goes on after a failure', async () => {
    const queue = new PQueue({ concurrency: 1 });
    ignore(queue.add(() => Promise.reject(new Error('no'))));
    ignore(
      queue.add(() => {
        throw new Error('no');
      }),
    );
    await expect(queue.add(() => 'yes')).resolves.toBe('yes');
  });

  it('hands { signal } to the function and nothing else', async () => {
    const queue = new PQueue();
    const { signal } = new AbortController();
    const seen: unknown[][] = [];
    const note = (...values: unknown[]) => seen.push(values);
    await queue.add(note);
    await queue.add(note, { signal });
    expect(seen).toEqual([[{ signal: undefined }], [{ signal }]]);
    expect((seen[1]![0] as { signal: AbortSignal }).signal).toBe(signal);
  });

  it('starts the next one when one ends, first come first served', async () => {
    const queue = new PQueue({ concurrency: 2 });
    void addJobs(queue, 5);
    await end(1);
    expect(started).toEqual([0, 1, 2]);
    await end(0);
    await end(2);
    expect(started).toEqual([0, 1, 2, 3, 4]);
    expect(counts(queue)).toBe('0+2');
  });

  it('has started the next one when the promise of the one before resolves', async () => {
    const queue = new PQueue({ concurrency: 1 });
    const [first] = addJobs(queue, 2);
    jobs[0]!.resolve();
    await first;
    expect(started).toEqual([0, 1]);
    expect(counts(queue)).toBe('0+1');
  });

  it('counts a task as over when its promise resolves', async () => {
    const queue = new PQueue({ concurrency: 1 });
    await queue.add(() => 1);
    expect(counts(queue)).toBe('0+0');
  });

  it('never exceeds the limit over many tasks', async () => {
    const queue = new PQueue({ concurrency: 5 });
    let running = 0;
    let most = 0;
    const work = async () => {
      running++;
      most = Math.max(most, running);
      await settle();
      running--;
    };
    await Promise.all(Array.from({ length: 100 }, () => queue.add(work)));
    expect(most).toBe(5);
  });

  it('rounds a fractional limit up', () => {
    const queue = new PQueue({ concurrency: 1.5 });
    void addJobs(queue, 3);
    expect(counts(queue)).toBe('1+2');
    expect(queue.concurrency).toBe(1.5);
  });

  it('starts what a running function adds at once, inside add()', async () => {
    const queue = new PQueue({ concurrency: 2 });
    const order: string[] = [];
    await queue.add(() => {
      order.push('outer begins');
      void queue.add(() => {
        order.push('inner');
      });
      order.push('outer ends');
    });
    expect(order).toEqual(['outer begins', 'inner', 'outer ends']);
  });

  it('reaches very deep chains of tasks that add tasks', async () => {
    const queue = new PQueue({ concurrency: 1 });
    let left = 20_000;
    const again = (): void => {
      if (--left > 0) void queue.add(again);
    };
    void queue.add(again);
    await queue.onIdle();
    expect(left).toBe(0);
  });

  describe('addAll', () => {
    it('resolves with the results in order, whatever ended first', async () => {
      const queue = new PQueue({ concurrency: 3 });
      const slow = deferred();
      const all = queue.addAll([
        async () => {
          await slow.promise;
          return 'a';
        },
        () => 'b',
        async () => 'c',
      ]);
      await settle();
      slow.resolve();
      await expect(all).resolves.toEqual(['a', 'b', 'c']);
    });

    it('gives its options to each', () => {
      const queue = new PQueue({ concurrency: 1, autoStart: false });
      void queue.addAll([() => 1, () => 2], { priority: 4 });
      expect(queue.sizeBy({ priority: 4 })).toBe(2);
    });

    it('rejects with the first error', async () => {
      const queue = new PQueue();
      const error = new Error('no');
      await expect(queue.addAll([() => 1, () => Promise.reject(error)])).rejects.toBe(error);
    });

    it('rejects what is not a list', async () => {
      await expect(new PQueue().addAll(undefined as never)).rejects.toBeInstanceOf(TypeError);
    });
  });

  describe('pause and start', () => {
    it('holds everything with autoStart: false until start()', async () => {
      const queue = new PQueue({ concurrency: 2, autoStart: false });
      void addJobs(queue, 3);
      await settle();
      expect(started).toEqual([]);
      expect(queue.isPaused).toBe(true);
      expect(counts(queue)).toBe('3+0');
      expect(queue.start()).toBe(queue);
      expect(started).toEqual([0, 1]);
      expect(queue.isPaused).toBe(false);
    });

    it('lets what runs go on, and starts nothing new', async () => {
      const queue = new PQueue({ concurrency: 1 });
      const [first] = addJobs(queue, 2);
      queue.pause();
      jobs[0]!.resolve();
      await expect(first).resolves.toBe(0);
      await settle();
      expect(started).toEqual([0]);
      expect(counts(queue)).toBe('1+0');
      queue.start();
      expect(started).toEqual([0, 1]);
    });

    it('does nothing when it runs already', () => {
      const queue = new PQueue({ concurrency: 1 });
      void addJobs(queue, 2);
      expect(queue.start()).toBe(queue);
      expect(counts(queue)).toBe('1+1');
    });

    it('stops in the middle of start() when a task pauses', async () => {
      const queue = new PQueue({ concurrency: 3, autoStart: false });
      const order: number[] = [];
      for (const index of [0, 1, 2]) {
        void queue.add(() => {
          order.push(index);
          if (index === 0) queue.pause();
        });
      }
      queue.start();
      expect(order).toEqual([0]);
      await settle();
      expect(order).toEqual([0]);
      expect(counts(queue)).toBe('2+0');
      queue.start();
      expect(order).toEqual([0, 1, 2]);
    });

    it('takes the change of priority that a task makes while start() starts others', async () => {
      const queue = new PQueue({ concurrency: 3, autoStart: false });
      const order: number[] = [];
      for (const index of [0, 1, 2, 3]) {
        void queue.add(
          () => {
            order.push(index);
            if (index === 0) queue.setPriority('3', 5);
          },
          { id: String(index) },
        );
      }
      queue.start();
      await queue.onIdle();
      expect(order).toEqual([0, 3, 1, 2]);
    });

    it('takes the limit that a task sets while start() starts others', async () => {
      const queue = new PQueue({ concurrency: 3, autoStart: false });
      const first = deferred();
      void queue.add(() => {
        queue.concurrency = 1;
        return first.promise;
      });
      void addJobs(queue, 2);
      queue.start();
      expect(started).toEqual([]);
      first.resolve();
      await settle();
      expect(started).toEqual([0]);
    });

    it('takes the clear() that a task calls while start() starts others', async () => {
      const queue = new PQueue({ concurrency: 3, autoStart: false });
      void queue.add(() => queue.clear());
      void addJobs(queue, 4);
      queue.start();
      await settle();
      expect(started).toEqual([]);
      expect(counts(queue)).toBe('0+0');
    });
  });

  describe('clear', () => {
    it('forgets what waits and leaves what runs', async () => {
      const queue = new PQueue({ concurrency: 2 });
      const promises = addJobs(queue, 5);
      const settled: number[] = [];
      for (const [index, promise] of promises.entries()) void promise.finally(() => settled.push(index));
      queue.clear();
      expect(counts(queue)).toBe('0+2');
      await end(0);
      await end(1);
      await settle();
      expect(started).toEqual([0, 1]);
      // As documented there: the promises of cleared tasks never settle.
      expect(settled).toEqual([0, 1]);
      await expect(queue.add(() => 'later')).resolves.toBe('later');
    });
  });

  describe('concurrency', () => {
    it('starts more at once when it is raised', () => {
      const queue = new PQueue({ concurrency: 1 });
      void addJobs(queue, 4);
      queue.concurrency = 3;
      expect(queue.concurrency).toBe(3);
      expect(started).toEqual([0, 1, 2]);
    });

    it('starts nothing until enough ended when it is lowered', async () => {
      const queue = new PQueue({ concurrency: 3 });
      void addJobs(queue, 5);
      queue.concurrency = 1;
      await end(0);
      await end(1);
      expect(started).toEqual([0, 1, 2]);
      await end(2);
      expect(started).toEqual([0, 1, 2, 3]);
    });

    it('starts nothing when it is raised while paused', () => {
      const queue = new PQueue({ concurrency: 1, autoStart: false });
      void addJobs(queue, 2);
      queue.concurrency = 2;
      expect(started).toEqual([]);
      queue.start();
      expect(started).toEqual([0, 1]);
    });

    it('may become unlimited and limited again', async () => {
      const queue = new PQueue({ concurrency: 1 });
      void addJobs(queue, 3);
      queue.concurrency = Number.POSITIVE_INFINITY;
      expect(counts(queue)).toBe('0+3');
      queue.concurrency = 2;
      void addJobs(queue, 1);
      await end(0);
      expect(counts(queue)).toBe('1+2');
      await end(1);
      expect(counts(queue)).toBe('0+2');
    });
  });

  describe('what runs', () => {
    it('is listed with id, priority and start', () => {
      const queue = new PQueue({ concurrency: 2 });
      const before = Date.now();
      void addJobs(queue, 1);
      void queue.add(() => jobs[0]!.promise, { id: 'mine', priority: 3, timeout: 60_000 });
      void addJobs(queue, 1);
      const [first, second, ...others] = queue.runningTasks;
      expect(others).toEqual([]);
      expect(first).toEqual({
        id: '1',
        priority: 0,
        startTime: first!.startTime,
        timeout: undefined,
        timeoutRemaining: undefined,
      });
      expect(second).toMatchObject({ id: 'mine', priority: 3, timeout: 60_000 });
      expect(second!.timeoutRemaining).toBeGreaterThan(50_000);
      expect(second!.timeoutRemaining).toBeLessThanOrEqual(60_000);
      expect(second!.startTime).toBeGreaterThanOrEqual(before);
      expect(second!.startTime).toBeLessThanOrEqual(Date.now());
    });

    it('leaves the list when it ends', async () => {
      const queue = new PQueue({ concurrency: 2 });
      void addJobs(queue, 3);
      await end(0);
      expect(queue.runningTasks.map(({ id }) => id)).toEqual(['2', '3']);
    });

    it('numbers only the tasks that have no id of their own', () => {
      const queue = new PQueue();
      const work = () => new Promise(() => {});
      for (const options of [{}, { id: 'a' }, {}, { id: 'b' }, {}]) void queue.add(work, options);
      expect(queue.runningTasks.map(({ id }) => id)).toEqual(['1', 'a', '2', 'b', '3']);
    });
  });

  it('is saturated when something waits for a slot', async () => {
    const queue = new PQueue({ concurrency: 1 });
    expect(queue.isSaturated).toBe(false);
    void addJobs(queue, 1);
    expect(queue.isSaturated).toBe(false);
    void addJobs(queue, 1);
    expect(queue.isSaturated).toBe(true);
    await end(0);
    expect(queue.isSaturated).toBe(false);
    const paused = new PQueue({ concurrency: 1, autoStart: false });
    void addJobs(paused, 2);
    expect(paused.isSaturated).toBe(false);
  });
});
