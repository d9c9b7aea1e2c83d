import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { Yard } from '../../lib/yard.js';
import { makeGate } from '../support/gate.js';

describe('the async context of a function', () => {
  it('is that of whoever added it, to its end, whoever started it', async () => {
    const storage = new AsyncLocalStorage<string>();
    const yard = new Yard({ concurrency: 1 });
    const gate = makeGate();
    const seen: (string | undefined)[][] = [];
    const look = async () => {
      const before = storage.getStore();
      await null;
      seen.push([before, storage.getStore()]);
    };
    const work = [yard.add(gate.run), yard.add(look)];
    storage.run('a', () => {
      work.push(yard.add(look, { priority: 0 }));
      storage.run('b', () => work.push(yard.add(look)));
      storage.exit(() => work.push(yard.add(look)));
      work.push(yard.add(look, { tenant: 'x' }));
    });
    work.push(yard.add(look));
    storage.run('opener', gate.open);
    await Promise.all(work);
    expect(new Set(seen.map((pair) => pair.join()))).toEqual(new Set([',', 'a,a', 'b,b']));
    expect(seen.filter(([store]) => store === 'a')).toHaveLength(2);
    expect(seen.filter(([store]) => store === undefined)).toHaveLength(3);
  });

  it('tells apart the contexts of storages that are made while tasks wait', async () => {
    const yard = new Yard({ concurrency: 1 });
    const gate = makeGate();
    const work: Promise<unknown>[] = [yard.add(gate.run)];
    const storages = [1, 2, 3].map(() => new AsyncLocalStorage<number>());
    const seen: unknown[] = [];
    const look = () => seen.push(storages.map((storage) => storage.getStore()));
    for (const [index, storage] of storages.entries()) {
      work.push(yard.add(look));
      storage.run(index, () => work.push(yard.add(look)));
    }
    gate.open();
    await Promise.all(work);
    const none = [undefined, undefined, undefined];
    expect(seen).toEqual([
      none,
      [0, undefined, undefined],
      none,
      [undefined, 1, undefined],
      none,
      [undefined, undefined, 2],
    ]);
  });

  it('keeps what a function enters from the next one', async () => {
    const storage = new AsyncLocalStorage<string>();
    const yard = new Yard({ concurrency: 1 });
    const seen: unknown[] = [];
    const enter = async (name: string) => {
      seen.push(storage.getStore());
      storage.enterWith(name);
      await null;
      seen.push(storage.getStore());
    };
    await Promise.all([yard.add(() => enter('first')), yard.add(() => enter('second'))]);
    expect(seen).toEqual([undefined, 'first', undefined, 'second']);
    expect(storage.getStore()).toBeUndefined();
  });
});
