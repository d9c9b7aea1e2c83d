import { describe, expect, it } from 'vitest';
import { type AnyQueue, contenders, settle } from './contenders.js';

describe.each(contenders)('$name orders', ({ PQueue, PriorityQueue }) => {
  function paused(): { queue: AnyQueue; order: string[]; add(name: string, priority?: unknown): void } {
    const queue = new PQueue({ concurrency: 1, autoStart: false });
    const order: string[] = [];
    return {
      queue,
      order,
      add: (name, priority) => {
        const options = priority === undefined ? { id: name } : { id: name, priority: priority as number };
        void queue.add(() => order.push(name), options);
      },
    };
  }

  async function run({ queue, order }: ReturnType<typeof paused>): Promise<string> {
    queue.start();
    await queue.onIdle();
    return order.join('');
  }

  it('higher priorities first, first come first served among equals', async () => {
    const it = paused();
    it.add('a');
    it.add('b', 1);
    it.add('c', -1);
    it.add('d', 1);
    it.add('e', 0);
    it.add('f', 0.5);
    expect(await run(it)).toBe('bdfaec');
  });

  it('infinite priorities before and behind all others', async () => {
    const it = paused();
    it.add('a', 1e308);
    it.add('b', Number.NEGATIVE_INFINITY);
    it.add('c', Number.POSITIVE_INFINITY);
    it.add('d', -1e308);
    expect(await run(it)).toBe('cadb');
  });

  it('a thousand tasks stably', async () => {
    const queue = new PQueue({ concurrency: 1, autoStart: false });
    const order: [number, number][] = [];
    for (let index = 0; index < 1_000; index++) {
      const priority = (index * 7_919) % 13;
      void queue.add(() => order.push([priority, index]), { priority });
    }
    queue.start();
    await queue.onIdle();
    expect(order).toEqual(order.toSorted((a, b) => b[0] - a[0] || a[1] - b[1]));
  });

  describe('setPriority', () => {
    it('moves a waiting task forward', async () => {
      const it = paused();
      for (const name of 'abcd') it.add(name);
      it.queue.setPriority('c', 1);
      expect(await run(it)).toBe('cabd');
    });

    it('moves a waiting task back', async () => {
      const it = paused();
      for (const name of 'abcd') it.add(name, 1);
      it.queue.setPriority('a', -1);
      expect(await run(it)).toBe('bcda');
    });

    it('puts the task behind its new equals, also with the priority that it had', async () => {
      const it = paused();
      it.add('a');
      it.add('b');
      it.add('c', 1);
      it.add('d', 1);
      it.queue.setPriority('a', 1);
      it.queue.setPriority('c', 1);
      expect(await run(it)).toBe('dacb');
    });

    it('finds tasks by the number that they were given', async () => {
      const queue = new PQueue({ concurrency: 1, autoStart: false });
      const order: number[] = [];
      for (const index of [1, 2, 3]) void queue.add(() => order.push(index));
      queue.setPriority('3', 1);
      queue.start();
      await queue.onIdle();
      expect(order).toEqual([3, 1, 2]);
    });

    it('counts in sizeBy()', () => {
      const it = paused();
      it.add('a');
      it.queue.setPriority('a', 9);
      expect(it.queue.sizeBy({ priority: 9 })).toBe(1);
      expect(it.queue.sizeBy({ priority: 0 })).toBe(0);
    });

    it.each([Number.NaN, Number.POSITIVE_INFINITY, '5', undefined, null])('refuses %s as a priority', (priority) => {
      const it = paused();
      it.add('a');
      expect(() => it.queue.setPriority('a', priority as number)).toThrow(TypeError);
    });

    it('refuses the id of a task that does not wait', () => {
      const queue = new PQueue({ concurrency: 1 });
      void queue.add(() => new Promise(() => {}), { id: 'runs' });
      expect(() => queue.setPriority('runs', 1)).toThrow(ReferenceError);
      expect(() => queue.setPriority('nobody', 1)).toThrow(ReferenceError);
      expect(() => queue.setPriority('nobody', 1)).toThrow('nobody');
    });

    it('changes one of two tasks with the same id', () => {
      const it = paused();
      it.add('a');
      it.add('a');
      it.queue.setPriority('a', 1);
      expect(it.queue.sizeBy({ priority: 1 })).toBe(1);
      expect(it.queue.size).toBe(2);
    });
  });

  it('counts by priority what waits, and nothing else', () => {
    const queue = new PQueue({ concurrency: 1 });
    void queue.add(() => new Promise(() => {}), { priority: 1 });
    void queue.add(() => 1, { priority: 1, id: 'a' });
    void queue.add(() => 1, { priority: 1 });
    void queue.add(() => 1);
    expect(queue.sizeBy({ priority: 1 })).toBe(2);
    expect(queue.sizeBy({ priority: 0 })).toBe(1);
    expect(queue.sizeBy({ priority: 7 })).toBe(0);
    expect(queue.sizeBy({ id: 'a', priority: 1 })).toBe(2);
    expect(queue.sizeBy({})).toBe(0);
  });

  describe('by its PriorityQueue, which', () => {
    const job = () => async () => {};

    it('gives out the most urgent one, first come first served among equals', () => {
      const queue = new PriorityQueue();
      const [a, b, c, d] = [job(), job(), job(), job()];
      queue.enqueue(a);
      queue.enqueue(b, { priority: 2 });
      queue.enqueue(c, { priority: 0 });
      queue.enqueue(d, { priority: 2 });
      expect(queue.size).toBe(4);
      expect([1, 2, 3, 4, 5].map(() => queue.dequeue())).toEqual([b, d, a, c, undefined]);
      expect(queue.size).toBe(0);
    });

    it('finds those of a priority in their order', () => {
      const queue = new PriorityQueue();
      const [a, b, c] = [job(), job(), job()];
      queue.enqueue(a, { priority: 1 });
      queue.enqueue(b);
      queue.enqueue(c, { priority: 1 });
      expect(queue.filter({ priority: 1 })).toEqual([a, c]);
      expect(queue.filter({ priority: 0 })).toEqual([b]);
      expect(queue.filter({})).toEqual([]);
    });

    it('changes a priority by id', () => {
      const queue = new PriorityQueue();
      const [a, b] = [job(), job()];
      queue.enqueue(a, { id: 'a' });
      queue.enqueue(b, { id: 'b' });
      queue.setPriority('b', 1);
      expect([queue.dequeue(), queue.dequeue()]).toEqual([b, a]);
      expect(() => queue.setPriority('b', 1)).toThrow(ReferenceError);
    });

    it('removes by id or by function, and ignores what it does not hold', () => {
      const queue = new PriorityQueue();
      const [a, b, c] = [job(), job(), job()];
      queue.enqueue(a, { id: 'a' });
      queue.enqueue(b, { id: 'b', priority: 1 });
      queue.enqueue(c);
      queue.remove('b');
      queue.remove('b');
      queue.remove(c);
      queue.remove(job());
      expect(queue.size).toBe(1);
      expect(queue.dequeue()).toBe(a);
    });

    it('may be extended and given as queueClass', async () => {
      const seen: unknown[] = [];
      class Noting extends PriorityQueue {
        override enqueue(run: () => Promise<unknown>, options?: { priority?: number }): void {
          seen.push(options?.priority);
          super.enqueue(run, options);
        }
      }
      const queue = new PQueue({ concurrency: 1, queueClass: Noting });
      const order: string[] = [];
      void queue.add(() => settle());
      void queue.add(() => order.push('a'), { id: 'a' });
      void queue.add(() => order.push('b'), { priority: 2 });
      void queue.add(() => order.push('c'), { priority: 1 });
      expect(queue.sizeBy({ priority: 2 })).toBe(1);
      queue.setPriority('a', 3);
      await queue.onIdle();
      expect(order.join('')).toBe('abc');
      expect(seen.slice(0, 4)).toEqual([undefined, undefined, 2, 1]);
    });
  });
});
