import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CancelledError, ClosedError } from '../../lib/base/errors.js';
import type { TaskRecord } from '../../lib/runtime/service.js';
import { Yard } from '../../lib/yard.js';
import { errorOf, makeGate, settleMicrotasks } from '../support/gate.js';

describe('pause and start', () => {
  it('hold what waits and leave what runs alone', async () => {
    const yard = new Yard({ concurrency: 2 });
    const gate = makeGate();
    const running = yard.add(gate.run);
    yard.pause();
    const waiting = yard.add(() => 'later');
    gate.open();
    await running;
    expect(yard).toMatchObject({ isPaused: true, size: 1, pending: 0 });
    expect(yard.start()).toBe(yard);
    expect(await waiting).toBe('later');
    expect(yard.isPaused).toBe(false);
  });

  it('can be the state to begin with', async () => {
    const yard = new Yard({ autoStart: false });
    const result = yard.add(() => 1);
    await settleMicrotasks();
    expect(yard).toMatchObject({ isPaused: true, size: 1 });
    yard.start();
    expect(await result).toBe(1);
  });
});

describe('concurrency', () => {
  it('can be raised, which starts what fits, and lowered, which stops nothing', async () => {
    const yard = new Yard({ concurrency: 1 });
    const gate = makeGate();
    for (let i = 0; i < 6; i++) void yard.add(gate.run);
    await settleMicrotasks();
    expect(gate.started).toBe(1);
    yard.concurrency = 4;
    expect(yard).toMatchObject({ concurrency: 4, pending: 4, size: 2 });
    yard.concurrency = 1;
    expect(yard.pending).toBe(4);
    gate.open();
    await yard.onIdle();
    expect(gate.started).toBe(6);
  });

  it('may be endless', async () => {
    const yard = new Yard({ concurrency: Number.POSITIVE_INFINITY });
    const gate = makeGate();
    for (let i = 0; i < 1_000; i++) void yard.add(gate.run);
    expect(yard).toMatchObject({ pending: 1_000, size: 0 });
    gate.open();
    await yard.onIdle();
  });
});

describe('waiting for levels', () => {
  it('resolves at once when they are there already', async () => {
    const yard = new Yard();
    await yard.onIdle();
    await yard.onEmpty();
    await yard.onSizeLessThan(1);
  });

  it('tells empty from idle', async () => {
    const yard = new Yard({ concurrency: 1 });
    const [first, second] = [makeGate(), makeGate()];
    void yard.add(first.run);
    void yard.add(second.run);
    void yard.add(() => {});
    const met: string[] = [];
    void yard.onSizeLessThan(2).then(() => met.push('less than 2'));
    void yard.onEmpty().then(() => met.push('empty'));
    void yard.onIdle().then(() => met.push('idle'));
    await settleMicrotasks();
    expect(met).toEqual([]);
    first.open();
    await settleMicrotasks();
    expect(met).toEqual(['less than 2']);
    second.open();
    await settleMicrotasks();
    expect(met).toEqual(['less than 2', 'empty', 'idle']);
  });
});

describe('clear', () => {
  it('rejects whatever waits and leaves what runs alone', async () => {
    const yard = new Yard({ concurrency: 1 });
    const gate = makeGate();
    const running = yard.add(gate.run);
    const waiting = [1, 2, 3].map((i) => yard.add(() => i));
    yard.clear();
    for (const promise of waiting) expect(await errorOf(promise)).toBeInstanceOf(CancelledError);
    expect(yard).toMatchObject({ size: 0, pending: 1 });
    gate.open();
    await running;
    expect(await yard.add(() => 'again')).toBe('again');
  });
});

describe('a task by its id', () => {
  it('is listed, has its priority changed, and is cancelled', async () => {
    const yard = new Yard({ concurrency: 1, order: 'priority' });
    const gate = makeGate();
    void yard.add(gate.run, { id: 'running', tenant: 'acme', class: 'batch' });
    const order: string[] = [];
    for (const id of ['a', 'b', 'c']) {
      yard.add(() => order.push(id), { id }).catch(() => {});
    }
    const cancelled = errorOf(yard.add(() => order.push('d'), { id: 'd' }));
    expect(yard.tasks()).toMatchObject([
      { id: 'running', tenant: 'acme', class: 'batch', state: 'running', attempts: 1, model: undefined },
      { id: 'a', tenant: 'default', class: 'standard', state: 'waiting', priority: 0, attempts: 0 },
      { id: 'b' },
      { id: 'c' },
      { id: 'd' },
    ]);
    expect(yard.setPriority('c', 5)).toBe(true);
    expect(yard.setPriority('running', 5)).toBe(false);
    expect(yard.setPriority('nobody', 5)).toBe(false);
    expect(yard.cancel('d', 'not needed')).toBe(true);
    expect(yard.cancel('d')).toBe(false);
    expect(await cancelled).toMatchObject({ code: 'AY_CANCELLED', cause: 'not needed' });
    gate.open();
    await yard.onIdle();
    expect(order).toEqual(['c', 'a', 'b']);
    expect(yard.tasks()).toEqual([]);
  });

  it('is found by the id that was made up for it, and by no other', async () => {
    const yard = new Yard({ concurrency: 1 });
    const gate = makeGate();
    let running = '';
    void yard.add((ctx) => {
      running = ctx.id;
      return gate.run();
    });
    const waiting = errorOf(yard.add(() => {}));
    const [first, second] = yard.tasks();
    expect(first!.id).toBe(running);
    expect(second!.id).not.toBe(running);
    for (const id of ['', 'x', 'fn-', `${running}x`, running.slice(0, -2)]) expect(yard.cancel(id)).toBe(false);
    expect(yard.cancel(second!.id)).toBe(true);
    await waiting;
    gate.open();
    await yard.onIdle();
    expect(yard.cancel(running)).toBe(false);
  });

  it('keeps its id when its index in the scheduler is another task’s', async () => {
    const yard = new Yard();
    const ids: string[] = [];
    const contexts: { id: string }[] = [];
    for (let i = 0; i < 3; i++) {
      await yard.add((ctx) => {
        contexts.push(ctx);
        ids.push(ctx.id);
      });
    }
    expect(new Set(ids).size).toBe(3);
    expect(contexts.map(({ id }) => id)).toEqual(ids);
  });
});

describe('events', () => {
  it('tell of each step, and a listener that throws stops nobody', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    // Time stands still: no start has to wait for the next round of the event loop.
    const yard = new Yard({ concurrency: 1 }, { clock: { nowMs: () => 0 } });
    const seen: string[] = [];
    yard.on('add', () => {
      throw new Error('a listener of another make');
    });
    yard.on('add', ({ id }) => seen.push(`add ${id}`));
    yard.on('active', ({ id }, attempt) => seen.push(`active ${id} ${attempt}`));
    yard.on('completed', (result, { id }) => seen.push(`completed ${id} ${String(result)}`));
    yard.on('error', (error, { id }) => seen.push(`error ${id} ${(error as Error).message}`));
    yard.on('empty', () => seen.push('empty'));
    yard.on('idle', () => seen.push('idle'));
    const a = yard.add(async () => 1, { id: 'a' });
    const b = errorOf(
      yard.add(
        async () => {
          throw new Error('no');
        },
        { id: 'b' },
      ),
    );
    await Promise.all([a, b]);
    expect(seen).toEqual([
      'add a',
      'active a 1',
      'empty',
      'add b',
      'completed a 1',
      'active b 1',
      'empty',
      'error b no',
      'idle',
    ]);
    expect(warning).toHaveBeenCalledTimes(2);
    warning.mockRestore();
  });

  it('stop when the listener goes', async () => {
    const yard = new Yard();
    let calls = 0;
    const listener = () => {
      calls++;
    };
    yard.on('idle', listener).on('completed', listener);
    await yard.add(() => {});
    yard.off('idle', listener).off('completed', listener);
    await yard.add(() => {});
    expect(calls).toBe(2);
  });

  it('may add the next task, also when they tell that nothing is left', async () => {
    const yard = new Yard();
    let left = 3;
    yard.on('idle', () => {
      if (left-- > 0) void yard.add(() => {});
    });
    await yard.add(() => {});
    await yard.onIdle();
    expect(left).toBe(-1);
  });

  it('give a record of each settled task', async () => {
    const yard = new Yard({ concurrency: 1 });
    const records: TaskRecord[] = [];
    const unsubscribe = yard.onSettled((record) => records.push(record));
    await yard.add(() => {}, { tenant: 'acme', class: 'interactive' });
    await errorOf(
      yard.add(() => {
        throw Object.assign(new Error('no'), { code: 'E_MINE' });
      }),
    );
    await errorOf(yard.add(() => {}, { demand: { slots: 9 } }));
    unsubscribe();
    await yard.add(() => {});
    expect(records).toMatchObject([
      { model: undefined, tenant: 'acme', class: 'interactive', outcome: 'completed', errorCode: undefined },
      { outcome: 'failed', errorCode: 'E_MINE' },
      { outcome: 'refused', errorCode: 'AY_DEMAND_TOO_LARGE' },
    ]);
  });
});

describe('closing', () => {
  it('rejects what waits and runs, tells what runs, and takes nothing more', async () => {
    const yard = new Yard({ concurrency: 1 });
    let reason: unknown;
    const running = errorOf(
      yard.add(
        ({ signal }) =>
          new Promise(() => {
            signal.addEventListener('abort', () => {
              reason = signal.reason;
            });
          }),
      ),
    );
    const waiting = errorOf(yard.add(() => {}));
    await yard.close();
    expect(await running).toBeInstanceOf(ClosedError);
    expect(await waiting).toBeInstanceOf(ClosedError);
    expect(reason).toBeInstanceOf(ClosedError);
    expect(await errorOf(yard.add(() => {}))).toBeInstanceOf(ClosedError);
  });

  it('lets work end while it drains', async () => {
    const gate = makeGate();
    let yard!: Yard;
    {
      await using own = new Yard({ concurrency: 1 });
      yard = own;
      const work = [own.add(gate.run), own.add(() => 'second')];
      const closing = own.close({ drainMs: 60_000 });
      gate.open();
      expect(await Promise.all(work)).toEqual([undefined, 'second']);
      await closing;
    }
    expect(await errorOf(yard.add(() => {}))).toBeInstanceOf(ClosedError);
  });
});

describe('rate windows', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('let so many functions start per interval', async () => {
    const yard = new Yard({ concurrency: 10, interval: 1_000, intervalCap: 2 });
    let started = 0;
    for (let i = 0; i < 5; i++) void yard.add(() => started++);
    const counts = [started];
    for (let i = 0; i < 3; i++) {
      vi.advanceTimersByTime(1_000);
      await settleMicrotasks();
      counts.push(started);
    }
    expect(counts).toEqual([2, 4, 5, 5]);
    expect(yard.stats().windows.interval).toMatchObject({ limit: 2, windowMs: 1_000 });
  });

  it('can be asked for by name, and not be taken', async () => {
    const yard = new Yard({ windows: { tokens: { limit: 100, windowMs: 60_000 } }, interval: 1_000, intervalCap: 1 });
    const started: string[] = [];
    void yard.add(() => started.push('a'), { demand: { tokens: 60 } });
    void yard.add(() => started.push('b'), { demand: { tokens: 60, interval: 0 } });
    void yard.add(() => started.push('c'), { demand: { interval: 0 } });
    await settleMicrotasks();
    expect(started).toEqual(['a', 'c']);
    vi.advanceTimersByTime(60_000);
    await settleMicrotasks();
    expect(started).toEqual(['a', 'c', 'b']);
  });
});

describe('pools', () => {
  it('are taken together or not at all', async () => {
    const yard = new Yard({ concurrency: 8, pools: { gpu: 2 } });
    const gate = makeGate();
    const other = makeGate();
    for (let i = 0; i < 3; i++) void yard.add(gate.run, { demand: { gpu: 1 } });
    void yard.add(other.run);
    await settleMicrotasks();
    expect([gate.started, other.started]).toEqual([2, 1]);
    expect(yard.stats().pools).toMatchObject({ gpu: { capacity: 2, leased: 2 }, slots: { leased: 3 } });
    gate.open();
    other.open();
    await yard.onIdle();
    expect(yard.stats().pools).toMatchObject({ gpu: { leased: 0 }, slots: { leased: 0 } });
  });

  it('can be asked for more while the function runs, and get it all back', async () => {
    const yard = new Yard({ pools: { memory: 10 } });
    await yard.add(
      (ctx) => {
        expect(ctx.grow('memory', 4)).toBe(true);
        expect(ctx.grow('memory', 5)).toBe(false);
        expect(yard.stats().pools.memory).toMatchObject({ leased: 6 });
        expect(() => ctx.grow('memroy', 1)).toThrow(/Did you mean "memory"\?/);
        expect(() => ctx.grow('memory', Number.NaN)).toThrow(expect.objectContaining({ code: 'AY_INVALID_OPTION' }));
      },
      { demand: { memory: 2 } },
    );
    expect(yard.stats().pools.memory).toMatchObject({ leased: 0 });
  });

  it('keep slots for interactive work', async () => {
    const yard = new Yard({ concurrency: 3, keepInteractive: 1 });
    const gate = makeGate();
    const urgent = makeGate();
    for (let i = 0; i < 3; i++) void yard.add(gate.run);
    void yard.add(urgent.run, { class: 'interactive' });
    await settleMicrotasks();
    expect([gate.started, urgent.started]).toEqual([2, 1]);
    expect(yard.stats().grantsByRule.kept).toBe(1);
  });
});
