import { describe, expect, it } from 'vitest';
import { follow } from '../../lib/runtime/follow.js';

function endOf(result: unknown): Promise<[string, unknown]> {
  return new Promise((resolve) => {
    follow(
      result,
      (value) => resolve(['returned', value]),
      (error) => resolve(['threw', error]),
    );
  });
}

class Lazy extends Promise<unknown> {
  // biome-ignore lint/suspicious/noThenProperty: what it is about
  override then<A = unknown, B = never>(
    onReturn?: ((value: unknown) => A | PromiseLike<A>) | null,
    onThrow?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return Promise.resolve<unknown>('asked').then(onReturn, onThrow);
  }
}

describe('the end of', () => {
  it('a promise is its own', async () => {
    expect(await endOf(Promise.resolve(1))).toEqual(['returned', 1]);
    expect(await endOf(Promise.reject('no'))).toEqual(['threw', 'no']);
  });

  it('a subclass is what its own `then` says', async () => {
    expect(await endOf(new Lazy(() => {}))).toEqual(['returned', 'asked']);
  });

  it('what only looks like a promise is itself, or the error of looking', async () => {
    const fake = { __proto__: Promise.prototype };
    expect((await endOf(fake))[0]).toBe('threw');
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect((await endOf(proxy))[0]).toBe('threw');
    expect(await endOf({ a: 1 })).toEqual(['returned', { a: 1 }]);
  });

  it('a promise whose `then` was replaced comes once', async () => {
    const promise = Promise.resolve('own');
    const ends: unknown[] = [];
    Object.assign(promise, {
      // biome-ignore lint/suspicious/noThenProperty: what it is about
      then(onReturn: (value: unknown) => void) {
        onReturn('first');
        onReturn('second');
      },
    });
    follow(
      promise,
      (value) => ends.push(value),
      (error) => ends.push(error),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(ends).toEqual(['first']);
  });
});
