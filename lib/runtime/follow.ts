/**
 * The end of whatever a caller's function returned.
 *
 * A plain promise is asked by the `then` that the language gave it: no promise more, and one whose `then` somebody replaced cannot
 * settle twice. Whatever else there is (a thenable, a subclass with its own `then`, an object that only looks like a promise, a proxy)
 * is asked once by a promise of ours, whose resolver takes whatever comes, throws included.
 */
import { types } from 'node:util';

const { then: promiseThen } = Promise.prototype;

/** Calls one of the two, once, after this has returned. Throws only if `result` does while it is looked at; then it calls neither. */
export function follow(result: unknown, onReturn: (value: unknown) => void, onThrow: (error: unknown) => void): void {
  const promise = isPlainPromise(result) ? result : new Promise((resolve) => resolve(result));
  void promiseThen.call(promise, onReturn, onThrow);
}

function isPlainPromise(result: unknown): result is Promise<unknown> {
  // `isPromise` looks at what it is, not at its prototype.
  return types.isPromise(result) && result.constructor === Promise && result.then === promiseThen;
}
