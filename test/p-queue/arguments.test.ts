import { describe, expect, it } from 'vitest';
import { contenders, type QueueOptions } from './contenders.js';

describe.each(contenders)('$name', ({ PQueue }) => {
  const refused: [keyof QueueOptions, unknown[]][] = [
    ['concurrency', [0, -1, 0.5, Number.NaN, Number.NEGATIVE_INFINITY, '1', null, undefined, 1n]],
    ['intervalCap', [0, -1, 0.5, Number.NaN, '1', null, undefined]],
    ['interval', [-1, Number.NaN, Number.POSITIVE_INFINITY, '1', null, undefined]],
    ['timeout', [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '1', null]],
    ['queueClass', [undefined]],
  ];
  const cases = refused.flatMap(([name, values]) => values.map((value) => ({ name, value })));

  it.each(cases)('refuses $name: $value with a TypeError', ({ name, value }) => {
    expect(() => new PQueue({ [name]: value } as QueueOptions)).toThrow(TypeError);
  });

  it.each(cases.filter(({ name }) => name !== 'queueClass'))(
    'names $name in the error for $value',
    ({ name, value }) => {
      expect(() => new PQueue({ [name]: value } as QueueOptions)).toThrow(`\`${name}\``);
    },
  );

  it.each<QueueOptions>([
    {},
    { concurrency: 1 },
    { concurrency: Number.POSITIVE_INFINITY },
    { intervalCap: 1, interval: 0 },
    { intervalCap: Number.POSITIVE_INFINITY, interval: 1 },
    { intervalCap: 1.5, interval: 0.5 },
    { timeout: 0.5 },
    { strict: true, interval: 1, intervalCap: 1 },
    { carryoverIntervalCount: true },
    { carryoverConcurrencyCount: true },
    { autoStart: true },
  ])('accepts %o', (options) => {
    expect(() => new PQueue(options)).not.toThrow();
  });

  it('accepts no options at all', () => {
    expect(new PQueue(null as never).concurrency).toBe(Number.POSITIVE_INFINITY);
    expect(new PQueue(undefined).isPaused).toBe(false);
    expect(new PQueue({ timeout: undefined } as never).timeout).toBeUndefined();
  });

  it('is paused by autoStart: false alone', () => {
    for (const autoStart of [undefined, null, 0, true]) {
      expect(new PQueue({ autoStart } as QueueOptions).isPaused).toBe(false);
    }
    expect(new PQueue({ autoStart: false }).isPaused).toBe(true);
  });

  it.each<QueueOptions>([
    { strict: true },
    { strict: true, interval: 10 },
    { strict: true, intervalCap: 1 },
    { strict: true, interval: 0, intervalCap: 1 },
  ])('refuses %o: a strict limit needs an interval and a cap', (options) => {
    expect(() => new PQueue(options)).toThrow(TypeError);
  });

  it.each([0, -1, 0.5, Number.NaN, '1', null, undefined])('refuses %s as a new concurrency', (value) => {
    const queue = new PQueue({ concurrency: 2 });
    expect(() => {
      queue.concurrency = value as number;
    }).toThrow(TypeError);
    expect(queue.concurrency).toBe(2);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '1', null])(
    'rejects a task with the time-out %s and never calls it',
    async (timeout) => {
      const queue = new PQueue();
      let isCalled = false;
      const added = queue.add(
        () => {
          isCalled = true;
        },
        { timeout: timeout as number },
      );
      await expect(added).rejects.toBeInstanceOf(TypeError);
      expect(isCalled).toBe(false);
      expect(queue.size + queue.pending).toBe(0);
    },
  );

  it('rejects a task when the default time-out became impossible', async () => {
    const queue = new PQueue();
    queue.timeout = 0;
    await expect(queue.add(() => 1)).rejects.toBeInstanceOf(TypeError);
    await expect(queue.add(() => 1, { timeout: 1_000 })).resolves.toBe(1);
  });

  it.each([undefined, null, 5, 'text', {}, Promise.resolve(1)])('rejects %s instead of a function', async (value) => {
    const queue = new PQueue();
    await expect(queue.add(value as never)).rejects.toBeInstanceOf(TypeError);
    expect(queue.size + queue.pending).toBe(0);
  });

  it('leaves the options of the caller as they were', async () => {
    const options = Object.freeze({ priority: 1 });
    await new PQueue().add(() => 1, options);
    expect(options).toEqual({ priority: 1 });
  });

  it('takes no signal for null and undefined', async () => {
    const queue = new PQueue();
    await expect(queue.add(() => 7, { signal: null as never })).resolves.toBe(7);
    await expect(queue.add(() => 7, { signal: undefined })).resolves.toBe(7);
  });

  it('rejects what is not a signal', async () => {
    await expect(new PQueue().add(() => 7, { signal: {} as never })).rejects.toBeInstanceOf(TypeError);
  });
});
