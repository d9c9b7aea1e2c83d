/**
 * The async contexts (AsyncLocalStorage) of callers, one object for all tasks that were added in the same one.
 *
 * A function runs in the context of whoever added it, and keeping a context costs an AsyncResource: some 80 bytes and a quarter of a
 * microsecond a task. Tasks that are added in a row mostly share theirs. Node 20 and 22 keep the value of each AsyncLocalStorage under a
 * symbol on the current resource, so two contexts are the same when these values are; a probe at the start sees whether that is so, and
 * where it is not (Node 24), each task gets an object of its own.
 * Each call still gets a resource of its own, so that what a function does to its context (`enterWith`) stays with it.
 */
import { AsyncLocalStorage, AsyncResource, executionAsyncResource } from 'node:async_hooks';

/** What Node calls the symbols. */
const STORE = 'kResourceStore';

type Stores = Record<symbol, unknown>;

export class CallerContexts {
  #last: AsyncResource | undefined;
  /** The stores that the last context has. */
  #symbols: symbol[] = [];

  /** The context of whoever is running now; the same object as the last time when it is the same context. */
  current(): AsyncResource {
    if (STORES_ARE_SEEN && this.#last !== undefined && this.#isLast(executionAsyncResource() as Stores))
      return this.#last;
    this.#last = new AsyncResource('AgentyardCaller');
    this.#symbols = Object.getOwnPropertySymbols(this.#last).filter(isStore);
    return this.#last;
  }

  #isLast(current: Stores): boolean {
    const last = this.#last as unknown as Stores;
    for (let i = 0; i < this.#symbols.length; i++) {
      if (current[this.#symbols[i]!] !== last[this.#symbols[i]!]) return false;
    }
    const symbols = Object.getOwnPropertySymbols(current);
    for (let i = 0; i < symbols.length; i++) {
      if (isStore(symbols[i]!) && current[symbols[i]!] !== last[symbols[i]!]) return false;
    }
    return true;
  }
}

/** Calls `fn` in a context that is made from `caller`'s. */
export function callIn<A, R>(caller: AsyncResource, fn: (argument: A) => R, argument: A): R {
  return caller.runInAsyncScope(callInside<A, R>, undefined, fn, argument);
}

function callInside<A, R>(fn: (argument: A) => R, argument: A): R {
  return new AsyncResource('AgentyardTask').runInAsyncScope(fn, undefined, argument);
}

function isStore(symbol: symbol): boolean {
  return symbol.description === STORE;
}

const STORES_ARE_SEEN = areStoresSeen();

function areStoresSeen(): boolean {
  const storage = new AsyncLocalStorage<object>();
  const value = {};
  const isSeen = storage.run(value, () => {
    const resource = executionAsyncResource() as Stores;
    const isKept = new AsyncResource('AgentyardProbe') as unknown as Stores;
    const holds = (stores: Stores) =>
      Object.getOwnPropertySymbols(stores).some((symbol) => isStore(symbol) && stores[symbol] === value);
    return holds(resource) && holds(isKept);
  });
  storage.disable();
  return isSeen;
}
