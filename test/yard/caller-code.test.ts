/** Code of the caller's that does what it should not, or does it at the worst moment. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CancelledError, ClosedError, InvalidOptionError, TaskTimeoutError } from '../../lib/base/errors.js';
import { Yard } from '../../lib/yard.js';
import { errorOf, makeGate, settleMicrotasks } from '../support/gate.js';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a function that returns something odd', () => {
  it('frees its slot', async () => {
    const yard = new Yard({ concurrency: 1 });
    const { proxy, revoke } = Proxy.revocable({}, {});
    const fake = Object.create(Promise.prototype);
    expect(await errorOf(yard.add(() => fake))).toBeInstanceOf(TypeError);
    revoke();
    expect(await errorOf(yard.add(() => proxy))).toBeInstanceOf(TypeError);
    expect(await yard.add(() => 1)).toBe(1);
    expect(yard.pending).toBe(0);
  });
});

describe('a signal', () => {
  it('cancels no task that came after its own', async () => {
    const yard = new Yard({ concurrency: 1 });
    const gate = makeGate();
    const controller = new AbortController();
    const { signal } = controller;
    const blocker = yard.add(gate.run);
    let later: Promise<unknown> | undefined;
    yard.on('error', (_error, { id }) => {
      if (id !== 'a') return;
      // The index of `b` is free from here on, and the next task's.
      yard.cancel('b');
      later = yard.add(() => 'later');
    });
    const a = errorOf(yard.add(() => 1, { id: 'a', signal }));
    const b = errorOf(yard.add(() => 2, { id: 'b', signal }));
    controller.abort();
    gate.open();
    expect(await a).toBeInstanceOf(CancelledError);
    expect(await b).toBeInstanceOf(CancelledError);
    expect(await later).toBe('later');
    await blocker;
  });

  it('that cannot be listened to is refused, and leaves nothing behind', async () => {
    const yard = new Yard({ concurrency: 1 });
    const signal = {
      aborted: false,
      addEventListener() {
        throw new Error('no');
      },
      removeEventListener() {},
    } as unknown as AbortSignal;
    const options = { id: 'x', idempotencyKey: 'key' };
    expect(await errorOf(yard.add(() => 1, { ...options, signal }))).toMatchObject({ option: 'signal' });
    expect(await yard.add(() => 2, options)).toBe(2);
    const half = { aborted: false, addEventListener() {} } as unknown as AbortSignal;
    expect(await errorOf(yard.add(() => 1, { signal: half }))).toMatchObject({ option: 'signal' });
  });

  it('that closes the yard when it is read adds nothing', async () => {
    const yard = new Yard();
    const signal = {
      get aborted() {
        void yard.close();
        return false;
      },
      addEventListener() {},
      removeEventListener() {},
    } as unknown as AbortSignal;
    const run = vi.fn();
    expect(await errorOf(yard.add(run, { signal }))).toBeInstanceOf(ClosedError);
    expect(run).not.toHaveBeenCalled();
  });
});

describe('clear and close', () => {
  it.each(['clear', 'close'] as const)('%s starts nothing that waits', async (act) => {
    const yard = new Yard({ concurrency: 2, pools: { gpu: 2 }, headBlocks: true });
    const gate = makeGate();
    const run = vi.fn();
    const blocker = yard.add(gate.run, { demand: { slots: 1, gpu: 1 } }).catch(() => {});
    // The head waits for more than there is; what is behind would fit once it is gone.
    const waiting = [yard.add(run, { demand: { gpu: 2 } }), yard.add(run), yard.add(run), yard.add(run)];
    const ends = Promise.allSettled(waiting);
    void yard[act]();
    gate.open();
    await ends;
    await blocker;
    expect(run).not.toHaveBeenCalled();
    if (act === 'clear') expect(await yard.add(() => 1)).toBe(1);
  });

  it('clear leaves a pause as it is', async () => {
    const yard = new Yard({ autoStart: false });
    const waiting = errorOf(yard.add(() => 1));
    yard.clear();
    expect(await waiting).toBeInstanceOf(CancelledError);
    const later = yard.add(() => 2);
    expect(yard).toMatchObject({ isPaused: true, size: 1 });
    yard.start();
    expect(await later).toBe(2);
  });
});

describe('options', () => {
  it.each([null, 'text', 3])('that are %j are refused by the promise', async (options) => {
    const yard = new Yard();
    expect(await errorOf(yard.add(() => 1, options as never))).toMatchObject({ option: 'options' });
    expect(await errorOf(yard.addAll([() => 1], options as never))).toMatchObject({ option: 'options' });
  });

  it.each([undefined, new Set([() => 1]), 'text'])('of no array of functions are, too', async (fns) => {
    expect(await errorOf(new Yard().addAll(fns as never))).toMatchObject({ option: 'fns' });
  });

  it('do not mix a group with a common start', async () => {
    const fns = [() => 1, () => 2];
    expect(await errorOf(new Yard().addAll(fns, { together: true, group: 'g' }))).toMatchObject({ option: 'group' });
    expect(await new Yard().addAll(fns, { group: 'g' })).toEqual([1, 2]);
  });

  it('let a parent have children that start together', async () => {
    const yard = new Yard({ concurrency: 3 });
    const result = yard.add(() => yard.addAll([() => 1, () => 2], { together: true, parent: 'p' }), { id: 'p' });
    expect(await result).toEqual([1, 2]);
  });

  it('keep slots for interactive work also when the concurrency changes', () => {
    const yard = new Yard({ concurrency: 4, keepInteractive: 2 });
    expect(() => {
      yard.concurrency = 2;
    }).toThrow(InvalidOptionError);
    expect(yard.concurrency).toBe(4);
    yard.concurrency = 3;
    expect(yard.concurrency).toBe(3);
  });
});

describe('listeners', () => {
  it('of `empty` that add a task put `idle` off', async () => {
    const yard = new Yard({ concurrency: 1 });
    const gate = makeGate();
    const pendingAtIdle: number[] = [];
    let hasAdded = false;
    yard.on('idle', () => pendingAtIdle.push(yard.pending));
    yard.on('empty', () => {
      if (yard.pending > 0 || hasAdded) return;
      hasAdded = true;
      void yard.add(gate.run);
    });
    // Over before anybody looks, so that both are due at once.
    await yard.add(() => 1);
    await settleMicrotasks();
    expect(hasAdded).toBe(true);
    expect(pendingAtIdle).toEqual([]);
    gate.open();
    await yard.onIdle();
    await settleMicrotasks();
    expect(pendingAtIdle).toEqual([0]);
  });

  it('may throw what is no string', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const yard = new Yard();
    yard.on('completed', () => {
      throw Object.create(null);
    });
    expect(await yard.add(() => 1)).toBe(1);
    expect(await yard.add(() => 2)).toBe(2);
    expect(warn).toHaveBeenCalledTimes(2);
  });

  it('of `active` that put another task in the place of theirs do not start it twice', async () => {
    const yard = new Yard({ concurrency: 1, leaseEndsAtTimeout: true });
    const first = vi.fn();
    const second = vi.fn();
    let later: Promise<unknown> | undefined;
    yard.on('active', ({ id }) => {
      if (id !== 'first') return;
      yard.cancel('first');
      later = yard.add(second);
    });
    expect(await errorOf(yard.add(first, { id: 'first' }))).toBeInstanceOf(CancelledError);
    await later;
    expect(first).not.toHaveBeenCalled();
    expect(second).toHaveBeenCalledTimes(1);
  });

  it('a retry that is cancelled by whoever is asked about it ends nobody else', async () => {
    const yard = new Yard({ concurrency: 1, leaseEndsAtTimeout: true });
    const gate = makeGate();
    let later: Promise<unknown> | undefined;
    const when = () => {
      yard.cancel('first');
      later = yard.add(async () => {
        await gate.run();
        return 'later';
      });
      return true;
    };
    const fail = () => {
      throw new Error('no');
    };
    const first = errorOf(yard.add(fail, { id: 'first', retry: { attempts: 2, when } }));
    expect(await first).toBeInstanceOf(CancelledError);
    expect(yard.pending).toBe(1);
    gate.open();
    expect(await later).toBe('later');
  });
});

it('a key whose function timed out is free at once', async () => {
  const yard = new Yard({ leaseEndsAtTimeout: true });
  const options = { idempotencyKey: 'key' };
  const first = yard.add(() => new Promise(() => {}), { ...options, timeoutMs: 1 });
  expect(await errorOf(first)).toBeInstanceOf(TaskTimeoutError);
  expect(await yard.add(() => 2, options)).toBe(2);
  expect(await yard.add(() => 3, options)).toBe(2);
});

it('yards that were made at once make up different ids', async () => {
  vi.spyOn(Date, 'now').mockReturnValue(1);
  const ids = new Set<string>();
  for (let i = 0; i < 5; i++) await new Yard().add(({ id }) => ids.add(id));
  expect(ids.size).toBe(5);
});

it('counts what passed by its bound and what outran it', () => {
  expect(new Yard().stats()).toMatchObject({ backfilled: 0, boundOverruns: 0 });
});
