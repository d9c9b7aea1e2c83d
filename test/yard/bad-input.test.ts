import { describe, expect, it } from 'vitest';
import { DemandTooLargeError, InvalidOptionError } from '../../lib/base/errors.js';
import type { AddOptions } from '../../lib/dispatch/function/index.js';
import { Yard } from '../../lib/yard.js';
import type { YardOptions } from '../../lib/yard-options.js';
import { errorOf } from '../support/gate.js';

describe('options of a task', () => {
  it.each([
    [{ priority: Number.NaN }, 'priority'],
    [{ priority: Number.POSITIVE_INFINITY }, 'priority'],
    [{ priority: '5' }, 'priority'],
    [{ weight: 0 }, 'weight'],
    [{ weight: -1 }, 'weight'],
    [{ weight: Number.NaN }, 'weight'],
    [{ estimateMs: 0 }, 'estimateMs'],
    [{ bound: -5 }, 'bound'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ deadlineMs: Number.NaN }, 'deadlineMs'],
    [{ class: 'urgent' }, 'class'],
    [{ tenant: '' }, 'tenant'],
    [{ id: 7 }, 'id'],
    [{ group: 'x'.repeat(257) }, 'group'],
    [{ demand: { slots: -1 } }, 'demand.slots'],
    [{ demand: { slots: Number.NaN } }, 'demand.slots'],
    [{ demand: { slots: Number.POSITIVE_INFINITY } }, 'demand.slots'],
    [{ demand: 3 }, 'demand'],
    [{ budget: -1 }, 'budget'],
    [{ retry: 0 }, 'retry'],
    [{ retry: 256 }, 'retry'],
    [{ retry: {} }, 'retry.attempts'],
    [{ retry: { attempts: 2, factor: 0.5 } }, 'retry.factor'],
    [{ retry: { attempts: 2, when: true } }, 'retry.when'],
    [{ signal: {} }, 'signal'],
    [{ id: 'x', parent: 'x' }, 'parent'],
    [{ parent: 'nobody' }, 'parent'],
  ])('are refused by name: %j', async (options, option) => {
    const yard = new Yard();
    let calls = 0;
    const error = await errorOf(yard.add(() => calls++, options as AddOptions));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option, code: 'AY_INVALID_OPTION' });
    expect(calls).toBe(0);
    // Nothing of it is left behind.
    expect(await yard.add(() => 'fine')).toBe('fine');
  });

  it.each([
    [{ prioriy: 1 }, 'prioriy', 'priority'],
    [{ retry: { attempts: 1, minMS: 2 } }, 'retry.minMS', 'minMs'],
    [{ demand: { slot: 1 } }, 'demand.slot', 'slots'],
    [{ demand: { whatever: 1 } }, 'demand.whatever', undefined],
  ])('of unknown names get a suggestion: %j', async (options, option, suggestion) => {
    const error = await errorOf(new Yard().add(() => {}, options as AddOptions));
    expect(error).toMatchObject({ option, suggestion });
  });

  it('that are undefined are not given', async () => {
    const options = { priority: undefined, signal: undefined, demand: undefined, retry: undefined };
    expect(await new Yard().add(() => 1, options as unknown as AddOptions)).toBe(1);
  });

  it('cannot name a deadline in the past', async () => {
    for (const deadlineMs of [0, -1, Number.NEGATIVE_INFINITY]) {
      expect(await errorOf(new Yard().add(() => {}, { deadlineMs }))).toMatchObject({ code: 'AY_DEADLINE' });
    }
    expect(await new Yard().add(() => 1, { deadlineMs: Number.POSITIVE_INFINITY })).toBe(1);
  });

  it('cannot ask for more than the machine has', async () => {
    const error = await errorOf(new Yard({ pools: { gpu: 2 } }).add(() => {}, { demand: { gpu: 3 } }));
    expect(error).toBeInstanceOf(DemandTooLargeError);
    expect(error).toMatchObject({ pool: 'gpu', demand: 3, capacity: 2 });
  });

  it('cannot use the id of an unsettled task, but that of a settled one', async () => {
    const yard = new Yard();
    const first = yard.add(async () => 1, { id: 'x' });
    expect(await errorOf(yard.add(() => 2, { id: 'x' }))).toMatchObject({ option: 'id' });
    expect(await first).toBe(1);
    expect(await yard.add(() => 3, { id: 'x' })).toBe(3);
  });

  it('of several tasks cannot name one', async () => {
    const yard = new Yard();
    for (const options of [{ id: 'x' }, { idempotencyKey: 'x' }, { together: 'yes' }]) {
      expect(await errorOf(yard.addAll([() => 1], options as object))).toBeInstanceOf(InvalidOptionError);
    }
  });

  it('come with a function', async () => {
    for (const fn of [undefined, null, 'text', {}]) {
      expect(await errorOf(new Yard().add(fn as unknown as () => void))).toMatchObject({ option: 'fn' });
    }
  });
});

describe('options of a yard', () => {
  it.each([
    [{ concurrency: 0 }, 'concurrency', undefined],
    [{ concurrency: 1.5 }, 'concurrency', undefined],
    [{ concurency: 3 }, 'concurency', 'concurrency'],
    [{ pools: { gpu: -1 } }, 'pools.gpu', undefined],
    [{ pools: { slots: 3 } }, 'pools.slots', undefined],
    [{ pools: { a: 1 }, windows: { a: { limit: 1, windowMs: 1 } } }, 'pools.a', undefined],
    [{ windows: { rpm: { limit: 0, windowMs: 1 } } }, 'windows.rpm.limit', undefined],
    [{ windows: { rpm: { limit: 1, windowMS: 1 } } }, 'windows.rpm.windowMs', undefined],
    [{ interval: 1_000 }, 'intervalCap', undefined],
    [{ intervalMode: 'fixed' }, 'intervalMode', undefined],
    [{ concurrency: 2, keepInteractive: 2 }, 'keepInteractive', undefined],
    [{ timeoutMs: -1 }, 'timeoutMs', undefined],
    [{ retryBudget: { ration: 1 } }, 'retryBudget.ration', 'ratio'],
    [{ eventLog: { file: 'x' } }, 'eventLog.path', undefined],
  ])('are refused by name: %j', (options, option, suggestion) => {
    const make = () => new Yard(options as YardOptions);
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(expect.objectContaining({ option, ...(suggestion && { suggestion }) }));
  });

  it('cannot be made wrong later', () => {
    const yard = new Yard();
    for (const concurrency of [0, -1, 2.5, Number.NaN, '3']) {
      expect(() => {
        yard.concurrency = concurrency as number;
      }).toThrow(InvalidOptionError);
    }
    expect(() => yard.setPriority('x', Number.NaN)).toThrow(InvalidOptionError);
    expect(() => yard.on('idel' as 'idle', () => {})).toThrow(InvalidOptionError);
    expect(yard.concurrency).toBe(16);
  });
});
