import { describe, expect, it } from 'vitest';
import { type AnyQueue, contenders, counts, deferred, ignore, settle } from './contenders.js';

type Run = () => Promise<unknown>;

interface Call {
  method: string;
  options?: unknown;
}

describe.each(contenders)('$name with a queueClass', ({ PQueue }) => {
  /** Last in, first out; notes what it is asked. */
  class Stack {
    static calls: Call[] = [];
    readonly runs: Run[] = [];
    enqueue(run: Run, options?: unknown): void {
      Stack.calls.push({ method: 'enqueue', options });
      this.runs.push(run);
    }
    dequeue(): Run | undefined {
      Stack.calls.push({ method: 'dequeue' });
      return this.runs.pop();
    }
    get size(): number {
      return this.runs.length;
    }
    filter(options: unknown): Run[] {
      Stack.calls.push({ method: 'filter', options });
      return this.runs.slice(0, 2);
    }
    setPriority(id: string, priority: number): void {
      Stack.calls.push({ method: 'setPriority', options: [id, priority] });
    }
  }

  function stack(options: { concurrency?: number; timeout?: number } = { concurrency: 1 }): AnyQueue {
    Stack.calls = [];
    return new PQueue({ ...options, queueClass: Stack }) as unknown as AnyQueue;
  }

  it('lets that object decide who is next', async () => {
    const queue = stack();
    const first = deferred();
    const order: number[] = [];
    void queue.add(() => first.promise);
    for (const index of [1, 2, 3]) void queue.add(() => order.push(index));
    expect(counts(queue)).toBe('3+1');
    first.resolve();
    await queue.onIdle();
    expect(order).toEqual([3, 2, 1]);
  });

  it('gives it everything, what starts at once too, with the options of the task', async () => {
    const queue = stack({ concurrency: 1, timeout: 1_000 });
    const options = { kind: 'mine', priority: 2 };
    await queue.add(() => 1, options);
    expect(Stack.calls).toEqual([
      { method: 'enqueue', options: { ...options, id: '1', timeout: 1_000 } },
      { method: 'dequeue' },
    ]);
  });

  it('takes from it only what may start', async () => {
    const queue = stack({ concurrency: 2 });
    const gate = deferred();
    for (let index = 0; index < 5; index++) void queue.add(() => gate.promise);
    expect(Stack.calls.filter(({ method }) => method === 'dequeue')).toHaveLength(2);
    gate.resolve();
    await queue.onIdle();
    expect(Stack.calls.filter(({ method }) => method === 'dequeue')).toHaveLength(5);
  });

  it('asks it for sizeBy() and setPriority()', () => {
    const queue = stack();
    for (let index = 0; index < 4; index++) ignore(queue.add(() => new Promise(() => {})));
    Stack.calls = [];
    expect(queue.sizeBy({ kind: 'mine' } as never)).toBe(2);
    queue.setPriority('3', 5);
    expect(Stack.calls).toEqual([
      { method: 'filter', options: { kind: 'mine' } },
      { method: 'setPriority', options: ['3', 5] },
    ]);
    expect(() => queue.setPriority('3', Number.NaN)).toThrow(TypeError);
  });

  it('makes a new one when it is cleared', async () => {
    const queue = stack();
    const gate = deferred();
    const order: string[] = [];
    void queue.add(() => gate.promise);
    void queue.add(() => order.push('cleared'));
    queue.clear();
    expect(counts(queue)).toBe('0+1');
    void queue.add(() => order.push('later'));
    gate.resolve();
    await queue.onIdle();
    expect(order).toEqual(['later']);
  });

  it('never runs a waiting task that was aborted, which rejects at once', async () => {
    const queue = stack();
    const gate = deferred();
    const order: string[] = [];
    const controller = new AbortController();
    void queue.add(() => gate.promise);
    void queue.add(() => order.push('runs'));
    const aborted = queue.add(() => order.push('aborted'), { signal: controller.signal });
    controller.abort(new Error('why'));
    await expect(aborted).rejects.toThrow('why');
    gate.resolve();
    await queue.onIdle();
    expect(order).toEqual(['runs']);
    expect(counts(queue)).toBe('0+0');
  });

  it('runs what that object wraps around a task', async () => {
    const said: string[] = [];
    class Wrapping extends Stack {
      override enqueue(run: Run, options?: unknown): void {
        super.enqueue(async () => {
          said.push('before');
          await run();
          said.push('after');
        }, options);
      }
    }
    const queue = new PQueue({ concurrency: 1, queueClass: Wrapping }) as unknown as AnyQueue;
    await expect(
      queue.add(() => {
        said.push('task');
        return 'result';
      }),
    ).resolves.toBe('result');
    await queue.onIdle();
    await settle();
    expect(said).toEqual(['before', 'task', 'after']);
    expect(counts(queue)).toBe('0+0');
  });
});
