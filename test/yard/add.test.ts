import { describe, expect, expectTypeOf, it } from 'vitest';
import { GangBrokenError, isAgentyardError } from '../../lib/base/errors.js';
import { Yard } from '../../lib/yard.js';
import { errorOf, makeGate, settleMicrotasks } from '../support/gate.js';

describe('a function', () => {
  it.each([
    ['a value', () => 7],
    ['a promise', () => Promise.resolve(7)],
    ['an async function', async () => 7],
    // biome-ignore lint/suspicious/noThenProperty: a thenable of another make
    ['a thenable', () => ({ then: (resolve: (value: number) => void) => resolve(7) })],
  ])('resolves with what it returns: %s', async (_, fn) => {
    expect(await new Yard().add(fn as () => number)).toBe(7);
  });

  it.each([new Error('mine'), 'a text', undefined, null, 0])(
    'rejects with exactly what it throws: %s',
    async (thrown) => {
      const yard = new Yard();
      const sync = yard.add(() => {
        throw thrown;
      });
      expect(await errorOf(sync)).toBe(thrown);
      expect(await errorOf(yard.add(() => Promise.reject(thrown)))).toBe(thrown);
      expect(yard.stats()).toMatchObject({ running: 0, outcomes: { failed: 2 }, pools: { slots: { leased: 0 } } });
    },
  );

  it('rejects when its thenable throws, and listens to the first answer only', async () => {
    const yard = new Yard();
    const thrower = {
      // biome-ignore lint/suspicious/noThenProperty: a broken thenable
      get then(): never {
        throw new Error('broken');
      },
    };
    expect(await errorOf(yard.add(() => thrower))).toMatchObject({ message: 'broken' });
    const twice = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable that answers twice
      then(resolve: (value: string) => void, reject: (error: Error) => void) {
        resolve('first');
        reject(new Error('second'));
      },
    };
    expect(await yard.add(() => twice as PromiseLike<string>)).toBe('first');
    expect(yard.pending).toBe(0);
  });

  it('is called before add returns when there is room, and in order when there is not', async () => {
    const yard = new Yard({ concurrency: 2 });
    const calls: number[] = [];
    const results = [0, 1, 2, 3, 4].map((i) =>
      yard.add(async () => {
        calls.push(i);
        return i;
      }),
    );
    expect(calls[0]).toBe(0);
    await settleMicrotasks();
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3, 4]);
    expect(calls).toEqual([0, 1, 2, 3, 4]);
  });

  it('hurts nobody else when it never settles', async () => {
    const yard = new Yard({ concurrency: 2 });
    void yard.add(() => new Promise(() => {}));
    expect(await Promise.all([1, 2, 3].map((i) => yard.add(async () => i)))).toEqual([1, 2, 3]);
    expect(yard.pending).toBe(1);
  });

  it('may add others while it is called, which start after it returned', async () => {
    const yard = new Yard({ concurrency: 2 });
    const calls: string[] = [];
    let inner: Promise<string> | undefined;
    await yard.add(() => {
      inner = yard.add(() => {
        calls.push('inner');
        return 'inner';
      });
      calls.push('outer');
    });
    expect(await inner).toBe('inner');
    expect(calls).toEqual(['outer', 'inner']);
  });

  it('nests as deep as one likes without growing the stack', async () => {
    const yard = new Yard({ concurrency: 20_000, maxDepth: 0 });
    let depth = 0;
    const promises: Promise<unknown>[] = [];
    const nest = () => {
      if (++depth < 20_000) promises.push(yard.add(nest));
    };
    nest();
    while (promises.length > 0) await promises.pop();
    expect(depth).toBe(20_000);
  });

  it('causes an unhandled rejection exactly when nobody looks at its promise', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    const yard = new Yard();
    void yard.add(() => {
      throw 'ignored';
    });
    yard
      .add(() => {
        throw 'handled';
      })
      .catch(() => {});
    await settleMicrotasks();
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual(['ignored']);
  });
});

describe('addAll', () => {
  it('keeps the order and the types of a tuple', async () => {
    const results = await new Yard({ concurrency: 1 }).addAll([
      () => 1,
      async () => 'two',
      () => Promise.resolve(true),
    ]);
    expectTypeOf(results).toEqualTypeOf<[number, string, boolean]>();
    expect(results).toEqual([1, 'two', true]);
    expect(await new Yard().addAll([])).toEqual([]);
  });

  it('rejects with the first failure and lets the others go on', async () => {
    const yard = new Yard({ concurrency: 1 });
    let isDone = false;
    const all = yard.addAll([
      () => {
        throw new Error('first');
      },
      () => {
        isDone = true;
      },
    ]);
    await expect(all).rejects.toThrow('first');
    await yard.onIdle();
    expect(isDone).toBe(true);
  });
});

describe('a gang', () => {
  it('starts together once there is room for all of it', async () => {
    const yard = new Yard({ concurrency: 3 });
    const first = makeGate();
    const one = makeGate();
    const two = makeGate();
    void yard.add(first.run);
    const gang = yard.addAll([one.run, one.run, two.run], { together: true });
    await settleMicrotasks();
    expect([one.started, two.started]).toEqual([0, 0]);
    first.open();
    await settleMicrotasks();
    expect([one.started, two.started]).toEqual([2, 1]);
    one.open();
    two.open();
    await gang;
    expect(yard.stats().pools.slots).toMatchObject({ leased: 0 });
  });

  it('is refused as a whole when it can never fit', async () => {
    const yard = new Yard({ concurrency: 2 });
    const calls: number[] = [];
    const members = [0, 1, 2].map((i) => () => calls.push(i));
    expect(await errorOf(yard.addAll(members, { together: true }))).toSatisfy(isAgentyardError);
    expect(calls).toEqual([]);
    expect(yard.size).toBe(0);
    expect(await yard.addAll(members.slice(0, 2), { together: true })).toEqual([1, 2]);
  });

  it('ends as a whole when a member is cancelled before it starts', async () => {
    const yard = new Yard({ concurrency: 2 });
    const gate = makeGate();
    void yard.add(gate.run);
    const errors: unknown[] = [];
    yard.on('error', (error) => errors.push(error));
    const all = yard.addAll([() => 1, () => 2], { together: true });
    const member = yard.tasks().find(({ state }) => state === 'waiting')!;
    yard.cancel(member.id);
    expect(await errorOf(all)).toMatchObject({ code: expect.stringMatching(/AY_CANCELLED|AY_GANG_BROKEN/) });
    expect(errors.some((error) => error instanceof GangBrokenError)).toBe(true);
    gate.open();
    await yard.onIdle();
  });
});

describe('wrap', () => {
  it('keeps parameters and result', async () => {
    const join = new Yard().wrap(async (a: number, b: string) => `${a}${b}`, { priority: 1 });
    expectTypeOf(join).toEqualTypeOf<(a: number, b: string) => Promise<string>>();
    expect(await join(1, 'x')).toBe('1x');
  });
});

describe('types', () => {
  it('infer the result', () => {
    const yard = new Yard();
    expectTypeOf(yard.add(() => 1)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(yard.add(async ({ attempt }) => [attempt])).toEqualTypeOf<Promise<number[]>>();
    expectTypeOf(yard.add((ctx) => ctx.add(() => 'child'))).toEqualTypeOf<Promise<string>>();
  });
});
