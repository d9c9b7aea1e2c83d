import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Yard } from '../../lib/yard.js';
import { errorOf, makeGate, settleMicrotasks } from '../support/gate.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('an idempotency key', () => {
  it('makes calls one task while it is unsettled and for ten minutes after', async () => {
    const yard = new Yard();
    let calls = 0;
    const call = () => yard.add(async () => ++calls, { idempotencyKey: 'order 7' });
    const first = call();
    expect(call()).toBe(first);
    expect(await first).toBe(1);
    vi.advanceTimersByTime(599_000);
    expect(await call()).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(await call()).toBe(2);
  });

  it('keeps a failure of the function, and forgets what never ran', async () => {
    const yard = new Yard({ concurrency: 1 });
    const failing = () =>
      yard.add(
        () => {
          throw new Error('once');
        },
        { idempotencyKey: 'fails' },
      );
    const failure = await errorOf(failing());
    expect(await errorOf(failing())).toBe(failure);
    const gate = makeGate();
    void yard.add(gate.run);
    const cancelled = yard.add(() => 'never', { idempotencyKey: 'k', id: 'x' });
    yard.cancel('x');
    await errorOf(cancelled);
    const again = yard.add(() => 'ran', { idempotencyKey: 'k' });
    gate.open();
    expect(await again).toBe('ran');
    expect(await errorOf(yard.add(() => 1, { idempotencyKey: 'large', demand: { slots: 99 } }))).toBeDefined();
    expect(await yard.add(() => 1, { idempotencyKey: 'large' })).toBe(1);
  });
});

describe('tenants', () => {
  it('share the slots evenly however many tasks they add', async () => {
    const yard = new Yard({ concurrency: 1 });
    const gate = makeGate();
    void yard.add(gate.run);
    const order: string[] = [];
    const add = (tenant: string) => yard.add(() => order.push(tenant), { tenant });
    const work = [1, 2, 3, 4].map(() => add('greedy'));
    work.push(add('modest'), add('modest'));
    gate.open();
    await Promise.all(work);
    expect(order.slice(0, 4).sort()).toEqual(['greedy', 'greedy', 'modest', 'modest']);
  });

  it('come and go in any number', async () => {
    const yard = new Yard({ maxTenants: 8 });
    for (let i = 0; i < 2_000; i++) await yard.add(() => {}, { tenant: `tenant ${i}`, demand: { slots: 1 + (i % 7) } });
    await settleMicrotasks();
    const forgotten = yard.eventLog().filter((line) => line.includes('"forget"'));
    expect(forgotten.length).toBeGreaterThan(100);
    expect(yard.stats()).toMatchObject({ queued: 0, running: 0, outcomes: { completed: 2_000 } });
  });
});
