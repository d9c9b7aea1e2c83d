/** The types that users write down are those of the package; `tsc` checks them, the test only names them. */
import Reference, { type QueueAddOptions as ReferenceAddOptions, type Options as ReferenceOptions } from 'p-queue';
import { expect, expectTypeOf, it } from 'vitest';
import PQueue, { type Options, type PriorityQueue, type Queue, type QueueAddOptions } from '../../lib/p-queue/index.js';

type RunFunction = () => Promise<unknown>;

it('has every public member of the package, and no other', () => {
  expectTypeOf<keyof PQueue>().toEqualTypeOf<keyof Reference>();
  const membersOf = (prototype: object) => Object.getOwnPropertyNames(prototype).sort();
  expect(membersOf(PQueue.prototype)).toEqual(membersOf(Reference.prototype));
});

it('has the options of the package', () => {
  expectTypeOf<keyof Options<PriorityQueue, QueueAddOptions>>().toEqualTypeOf<
    keyof ReferenceOptions<PriorityQueue, ReferenceAddOptions>
  >();
  expectTypeOf<keyof QueueAddOptions>().toEqualTypeOf<keyof ReferenceAddOptions>();
  expectTypeOf<ReferenceAddOptions>().toExtend<QueueAddOptions>();
});

it('infers results', () => {
  const queue = new PQueue();
  expectTypeOf(queue.add(() => 1)).toEqualTypeOf<Promise<number>>();
  expectTypeOf(queue.add(async () => 'text')).toEqualTypeOf<Promise<string>>();
  expectTypeOf(queue.addAll([() => 1, () => 2])).toEqualTypeOf<Promise<number[]>>();
  expectTypeOf(queue.start()).toEqualTypeOf<typeof queue>();
  expectTypeOf(queue.onError()).toEqualTypeOf<Promise<never>>();
  expectTypeOf(queue.concurrency).toEqualTypeOf<number>();
});

it('takes a queueClass with options of its own', () => {
  interface KindOptions extends QueueAddOptions {
    kind?: string;
  }
  class Kinds implements Queue<RunFunction, KindOptions> {
    size = 0;
    filter(): RunFunction[] {
      return [];
    }
    dequeue(): RunFunction | undefined {
      return undefined;
    }
    enqueue(_run: RunFunction, options?: Partial<KindOptions>): void {
      expectTypeOf(options?.kind).toEqualTypeOf<string | undefined>();
    }
    setPriority(): void {}
  }
  const queue = new PQueue<Kinds, KindOptions>({ queueClass: Kinds });
  void queue.add(() => 1, { kind: 'mine' });
  expectTypeOf(queue.sizeBy).parameter(0).toEqualTypeOf<Readonly<Partial<KindOptions>>>();
});

it('can be extended, and used for the name of a type', async () => {
  class Counting extends PQueue {
    added = 0;
    override add<T>(...args: Parameters<typeof PQueue.prototype.add<T>>): Promise<T> {
      this.added++;
      return super.add<T>(...args);
    }
  }
  const queue: PQueue = new Counting({ concurrency: 1 });
  await queue.addAll([() => 1, () => 2]);
  expect((queue as Counting).added).toBe(2);
});
