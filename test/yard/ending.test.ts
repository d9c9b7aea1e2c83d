import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CancelledError,
  DeadlineError,
  ParentEndedError,
  QueueFullError,
  QueueTimeoutError,
  TaskTimeoutError,
} from '../../lib/base/errors.js';
import { Yard } from '../../lib/yard.js';
import { errorOf, makeGate, settleMicrotasks } from '../support/gate.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a signal', () => {
  it('that is aborted already lets nothing start', async () => {
    const yard = new Yard();
    let calls = 0;
    const error = await errorOf(yard.add(() => calls++, { signal: AbortSignal.abort('before') }));
    expect(error).toBeInstanceOf(CancelledError);
    expect(error).toMatchObject({ cause: 'before' });
    expect(calls).toBe(0);
    expect(yard.stats().outcomes.cancelled).toBe(1);
  });

  it('takes a waiting task out at once', async () => {
    const yard = new Yard({ concurrency: 1 });
    const gate = makeGate();
    void yard.add(gate.run);
    const controller = new AbortController();
    const waiting = errorOf(yard.add(() => {}, { signal: controller.signal }));
    expect(yard.size).toBe(1);
    controller.abort('while waiting');
    expect(yard.size).toBe(0);
    expect(await waiting).toMatchObject({ code: 'AY_CANCELLED', cause: 'while waiting' });
  });

  it('settles a running task at once, and its slot is free when its function has ended', async () => {
    const yard = new Yard({ concurrency: 1 });
    const controller = new AbortController();
    const gate = makeGate();
    let told: unknown;
    const running = errorOf(
      yard.add(
        (ctx) => {
          ctx.signal.addEventListener('abort', () => {
            told = ctx.signal.reason;
          });
          return gate.run();
        },
        { signal: controller.signal },
      ),
    );
    const next = yard.add(() => 'next');
    controller.abort(new Error('while running'));
    const error = await running;
    expect(error).toBeInstanceOf(CancelledError);
    expect(told).toBe(error);
    expect(yard).toMatchObject({ pending: 0, size: 1 });
    gate.open();
    expect(await next).toBe('next');
  });

  it('changes nothing afterwards, and is let go', async () => {
    const yard = new Yard({ concurrency: 1 });
    const controller = new AbortController();
    const gate = makeGate();
    const work = [1, 2, 3].map((i) => yard.add(() => gate.run().then(() => i), { signal: controller.signal }));
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    gate.open();
    expect(await Promise.all(work)).toEqual([1, 2, 3]);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    controller.abort();
    await settleMicrotasks();
    expect(yard.stats().outcomes).toMatchObject({ completed: 3, cancelled: 0 });
  });

  it('ends fifty thousand tasks without a listener for each', async () => {
    const yard = new Yard({ autoStart: false });
    const controller = new AbortController();
    const promises = Array.from({ length: 50_000 }, () => errorOf(yard.add(() => {}, { signal: controller.signal })));
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort('all of them');
    const errors = await Promise.all(promises);
    expect(new Set(errors).size).toBe(1);
    expect(errors[0]).toMatchObject({ code: 'AY_CANCELLED', cause: 'all of them' });
    expect(yard.size).toBe(0);
  });

  it('that is read late is born aborted', async () => {
    const yard = new Yard();
    const gate = makeGate();
    let context: { signal: AbortSignal } | undefined;
    const running = errorOf(
      yard.add(
        (ctx) => {
          context = ctx;
          return gate.run();
        },
        { id: 'x' },
      ),
    );
    yard.cancel('x', 'enough');
    await running;
    expect(context!.signal.reason).toMatchObject({ code: 'AY_CANCELLED', cause: 'enough' });
    gate.open();
  });
});

describe('time', () => {
  it('ends a task that runs too long, and gives its slot back when the function has ended', async () => {
    const yard = new Yard({ concurrency: 1, timeoutMs: 500 });
    const gate = makeGate();
    let signal: AbortSignal | undefined;
    const slow = errorOf(
      yard.add((ctx) => {
        signal = ctx.signal;
        return gate.run();
      }),
    );
    const next = yard.add(() => 'next', { timeoutMs: 100 });
    vi.advanceTimersByTime(499);
    expect(signal!.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    const error = await slow;
    expect(error).toBeInstanceOf(TaskTimeoutError);
    expect(error).toMatchObject({ timeoutMs: 500 });
    expect(signal!.reason).toBe(error);
    vi.advanceTimersByTime(5_000);
    expect(yard.size).toBe(1);
    gate.open();
    expect(await next).toBe('next');
  });

  it('frees the slot at the time-out where the yard was told so; the late end changes nothing', async () => {
    const yard = new Yard({ concurrency: 1, leaseEndsAtTimeout: true });
    const [slow, running] = [makeGate(), makeGate()];
    const timedOut = errorOf(yard.add(slow.run, { timeoutMs: 100 }));
    const next = yard.add(running.run);
    vi.advanceTimersByTime(100);
    expect(await timedOut).toBeInstanceOf(TaskTimeoutError);
    await settleMicrotasks();
    expect(running.started).toBe(1);
    slow.open();
    await settleMicrotasks();
    expect(yard.pending).toBe(1);
    running.open();
    await next;
    expect(yard.stats().outcomes).toMatchObject({ completed: 1, failed: 1 });
  });

  it('ends a task whose deadline passes, wherever it is', async () => {
    const yard = new Yard({ concurrency: 1 });
    const gate = makeGate();
    let left: number | undefined;
    const running = errorOf(
      yard.add(
        (ctx) => {
          left = ctx.deadlineMs;
          return gate.run();
        },
        { deadlineMs: 300 },
      ),
    );
    const waiting = errorOf(yard.add(() => {}, { deadlineMs: 200 }));
    vi.advanceTimersByTime(200);
    expect(await waiting).toBeInstanceOf(DeadlineError);
    vi.advanceTimersByTime(100);
    expect(await running).toBeInstanceOf(DeadlineError);
    expect(left).toBe(300);
    expect(yard.stats().outcomes.expired).toBe(2);
    gate.open();
  });

  it('refuses a deadline that the estimate rules out', async () => {
    const error = await errorOf(new Yard().add(() => {}, { deadlineMs: 100, estimateMs: 5_000 }));
    expect(error).toBeInstanceOf(DeadlineError);
  });

  it('tells how long it waited when something ends in the turn of a submission', async () => {
    const yard = new Yard({ concurrency: 1 });
    const gate = makeGate();
    void yard.add(gate.run);
    const waits: [string, number][] = [];
    yard.onSettled(({ id, waitMs }) => waits.push([id, waitMs]));
    const late = errorOf(yard.add(() => {}, { id: 'late', deadlineMs: 1_000 }));
    // The clock goes on, and the timer has not fired yet when the next task comes.
    const now = performance.now();
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now + 4_000);
    void yard.add(() => {}, { id: 'new' });
    clock.mockRestore();
    expect(await late).toBeInstanceOf(DeadlineError);
    expect(waits).toEqual([['late', 4_000]]);
    gate.open();
  });

  it('expires what waits longer than its class may, and refuses what its class has no room for', async () => {
    const yard = new Yard({ concurrency: 1, classes: { batch: { timeoutMs: 1_000, queueLimit: 1 } } });
    const gate = makeGate();
    void yard.add(gate.run);
    const expired = errorOf(yard.add(() => {}, { class: 'batch' }));
    expect(await errorOf(yard.add(() => {}, { class: 'batch' }))).toBeInstanceOf(QueueFullError);
    vi.advanceTimersByTime(1_001);
    expect(await expired).toBeInstanceOf(QueueTimeoutError);
    gate.open();
  });

  it('limits the work that waits, not only its tasks', async () => {
    const yard = new Yard({ autoStart: false, classes: { standard: { workLimit: 10 } } });
    void yard.add(() => {}, { weight: 8 }).catch(() => {});
    expect(await errorOf(yard.add(() => {}, { weight: 3 }))).toMatchObject({
      code: 'AY_QUEUE_FULL',
      unit: 'work',
      queued: 8,
      limit: 10,
      retryable: true,
    });
    await yard.close();
  });
});

describe('a retry', () => {
  it('calls the function again after a pause that grows', async () => {
    const yard = new Yard();
    const attempts: number[] = [];
    const result = yard.add(
      ({ attempt }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new Error('not yet');
        return 'done';
      },
      { retry: { attempts: 3, minMs: 100, factor: 10 } },
    );
    expect(attempts).toEqual([1]);
    expect(yard).toMatchObject({ size: 1, pending: 0 });
    const callsAfter = async (ms: number) => {
      vi.advanceTimersByTime(ms);
      await settleMicrotasks();
      return attempts.length;
    };
    // 100 ms ± 25 %, then 1,000 ms ± 25 %.
    expect(await callsAfter(74)).toBe(1);
    expect(await callsAfter(52)).toBe(2);
    expect(await callsAfter(740)).toBe(2);
    expect(await callsAfter(520)).toBe(3);
    expect(await result).toBe('done');
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('gives up with the last error after its attempts, and when told that it is not worth it', async () => {
    const yard = new Yard();
    let calls = 0;
    const fail = () => {
      throw new Error(`attempt ${++calls}`);
    };
    const spent = errorOf(yard.add(fail, { retry: 2 }));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await spent).toMatchObject({ message: 'attempt 2' });
    const asked: [string, number][] = [];
    const when = (error: unknown, attempt: number) => {
      asked.push([(error as Error).message, attempt]);
      return false;
    };
    expect(await errorOf(yard.add(fail, { retry: { attempts: 5, when } }))).toMatchObject({ message: 'attempt 3' });
    expect(asked).toEqual([['attempt 3', 1]]);
    const broken = () => {
      throw new Error('when is broken');
    };
    expect(await errorOf(yard.add(fail, { retry: { attempts: 5, when: broken } }))).toMatchObject({
      message: 'when is broken',
    });
  });

  it('holds its caller’s budget: nothing is retried when it is spent', async () => {
    const yard = new Yard({ retryBudget: { ratio: 0, min: 1 } });
    const fail = () => {
      throw new Error('no');
    };
    const first = errorOf(yard.add(fail, { retry: { attempts: 9, minMs: 10 } }));
    const second = errorOf(yard.add(fail, { retry: { attempts: 9, minMs: 10 } }));
    expect(await second).toMatchObject({ message: 'no' });
    await vi.advanceTimersByTimeAsync(20);
    expect(await first).toMatchObject({ message: 'no' });
  });

  it('is cancelled in its pause', async () => {
    const yard = new Yard();
    const waiting = errorOf(
      yard.add(
        () => {
          throw new Error('no');
        },
        { id: 'x', retry: { attempts: 2, minMs: 1_000 } },
      ),
    );
    expect(yard.tasks()).toMatchObject([{ id: 'x', state: 'waiting', attempts: 1 }]);
    yard.cancel('x');
    expect(await waiting).toBeInstanceOf(CancelledError);
    expect(yard.size).toBe(0);
  });
});

describe('children', () => {
  it('have the tenant and the deadline of their parent, and another id', async () => {
    const yard = new Yard();
    await yard.add(
      async (ctx) => {
        const childId = await ctx.add((child) => {
          expect(child.deadlineMs).toBe(5_000);
          expect(yard.tasks().find(({ id }) => id === child.id)).toMatchObject({ tenant: 'acme', class: 'batch' });
          return child.id;
        });
        expect(childId).not.toBe(ctx.id);
      },
      { tenant: 'acme', class: 'batch', deadlineMs: 5_000 },
    );
  });

  it('are cancelled when their parent ends without success', async () => {
    const yard = new Yard();
    let child: Promise<unknown> | undefined;
    const parent = errorOf(
      yard.add(
        (ctx) => {
          child = errorOf(ctx.add(() => new Promise(() => {})));
          return new Promise(() => {});
        },
        { id: 'parent' },
      ),
    );
    yard.cancel('parent');
    expect(await parent).toBeInstanceOf(CancelledError);
    expect(await child).toBeInstanceOf(ParentEndedError);
  });

  it('cannot be added to a task that is over', async () => {
    const yard = new Yard();
    let late: (() => Promise<unknown>) | undefined;
    await yard.add((ctx) => {
      late = () => ctx.add(() => 'too late');
    });
    expect(await errorOf(late!())).toBeInstanceOf(ParentEndedError);
    expect(await errorOf(yard.add(() => {}, { parent: 'gone' }))).toMatchObject({ option: 'parent' });
  });

  it('can be named by the id of their parent; their run has a budget and a depth', async () => {
    const yard = new Yard({ maxDepth: 2 });
    const gate = makeGate();
    void yard.add(gate.run, { id: 'root', budget: 2 });
    void yard.add(gate.run, { id: 'child', parent: 'root' });
    void yard.add(gate.run, { id: 'grandchild', parent: 'child' });
    expect(await errorOf(yard.add(() => {}, { parent: 'child' }))).toMatchObject({ code: 'AY_OVER_BUDGET' });
    expect(await errorOf(yard.add(() => {}, { parent: 'grandchild' }))).toMatchObject({
      code: 'AY_TOO_DEEP',
      maxDepth: 2,
    });
    gate.open();
    await yard.onIdle();
  });
});

describe('groups', () => {
  it('run one task at a time, in order, and do not hold up others', async () => {
    const yard = new Yard({ concurrency: 10 });
    const gates = [makeGate(), makeGate(), makeGate()];
    for (const gate of gates) void yard.add(gate.run, { group: 'account 7' });
    const other = makeGate();
    void yard.add(other.run, { group: 'account 8' });
    await settleMicrotasks();
    expect(gates.map(({ started }) => started)).toEqual([1, 0, 0]);
    expect(other.started).toBe(1);
    gates[0]!.open();
    await settleMicrotasks();
    expect(gates.map(({ started }) => started)).toEqual([1, 1, 0]);
    for (const gate of [...gates, other]) gate.open();
    await yard.onIdle();
  });

  it('run as many as the yard says', async () => {
    const yard = new Yard({ concurrency: 10, groupConcurrency: 2 });
    const gate = makeGate();
    for (let i = 0; i < 5; i++) void yard.add(gate.run, { group: 'g' });
    await settleMicrotasks();
    expect(gate.started).toBe(2);
  });
});
