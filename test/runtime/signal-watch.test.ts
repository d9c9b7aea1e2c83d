import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import type { CancelledError } from '../../lib/base/errors.js';
import { SignalWatch } from '../../lib/runtime/signal-watch.js';

it('has one listener on a signal, exactly while somebody waits for it', () => {
  const watch = new SignalWatch(() => {});
  const { signal } = new AbortController();
  const listeners = () => getEventListeners(signal, 'abort').length;
  const [a, b] = [{}, {}];
  const tasks = watch.watch(signal, a);
  watch.watch(signal, b);
  expect(listeners()).toBe(1);
  watch.forget(tasks, a);
  expect(listeners()).toBe(1);
  watch.forget(tasks, b);
  expect(listeners()).toBe(0);
  watch.watch(signal, a);
  expect(listeners()).toBe(1);
});

it('cancels everybody with one error, without the stack of whoever aborted', () => {
  const cancelled: [object, CancelledError][] = [];
  const watch = new SignalWatch((target, error) => {
    cancelled.push([target, error]);
    watch.forget(tasks, target);
  });
  const controller = new AbortController();
  const [a, b] = [{}, {}];
  const tasks = watch.watch(controller.signal, a);
  watch.watch(controller.signal, b);
  controller.abort('reason');
  expect(cancelled.map(([target]) => target)).toEqual([a, b]);
  expect(cancelled[0]![1]).toBe(cancelled[1]![1]);
  expect(cancelled[0]![1]).toMatchObject({ code: 'AY_CANCELLED', cause: 'reason' });
  expect(cancelled[0]![1].stack).not.toMatch(/\n\s+at /);
});

it('gives signals that are aborted in a row for one reason one error, and any others their own', async () => {
  const errors: CancelledError[] = [];
  const watch = new SignalWatch((_target, error) => errors.push(error));
  const abort = (reason: unknown) => {
    const controller = new AbortController();
    watch.watch(controller.signal, {});
    controller.abort(reason);
  };
  const [one, other] = [new Error('one'), new Error('other')];
  for (const reason of [one, one, other, one]) abort(reason);
  await Promise.resolve();
  abort(one);
  expect(errors.map(({ cause }) => cause)).toEqual([one, one, other, one, one]);
  expect(errors[1]).toBe(errors[0]);
  expect(new Set(errors).size).toBe(4);
});

it('cancels whoever waits for a signal after thousands of others were aborted, each once', () => {
  const cancelled = new Map<object, number>();
  const watch = new SignalWatch((target) => cancelled.set(target, (cancelled.get(target) ?? 0) + 1));
  const controllers = Array.from({ length: 3_000 }, () => new AbortController());
  for (const { signal } of controllers) watch.watch(signal, signal);
  for (const controller of controllers.slice(0, 2_000)) controller.abort();
  for (const { signal } of controllers.slice(2_000)) watch.watch(signal, signal);
  for (const { signal } of controllers.slice(2_000)) expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  for (const controller of controllers.slice(2_000)) controller.abort();
  expect([...cancelled.values()]).toEqual(new Array(3_000).fill(1));
});

it('leaves out whoever ended while others of the signal were cancelled', () => {
  const cancelled: object[] = [];
  const [a, b] = [{}, {}];
  const watch = new SignalWatch((target) => {
    cancelled.push(target);
    watch.forget(tasks, b);
  });
  const controller = new AbortController();
  const tasks = watch.watch(controller.signal, a);
  watch.watch(controller.signal, b);
  controller.abort();
  expect(cancelled).toEqual([a]);
});

it('watches nothing after a signal that cannot be listened to', () => {
  const watch = new SignalWatch(() => {});
  const signal = {
    aborted: false,
    addEventListener() {
      throw new Error('no');
    },
  } as unknown as AbortSignal;
  expect(() => watch.watch(signal, {})).toThrow('no');
  expect(() => watch.watch(signal, {})).toThrow('no');
});
