/**
 * Demands as the small integers that the core counts with: equal demands share a number.
 *
 * A number stands for its demand while a task uses it. Afterwards it is remembered for a while, and given to another demand only when
 * more than {@link IDLE_MAX} are remembered, so 100,000 different demands one after the other cost what some thousand cost.
 * Invariant: a number is declared before the first task that uses it, and not again while one does. Complexity: O(pools).
 */
import { InvalidOptionError } from '../../base/errors.js';
import { EventKind } from '../../event/index.js';
import { RecencyList, type Runtime } from '../../runtime/index.js';
import { checkAmount, unknownName } from './add-options.js';

export const IDLE_MAX = 4_096;

/** A pool or window that functions may ask for. */
export interface DemandPool {
  readonly name: string;
  /** Index in the ledger. */
  readonly index: number;
  /** What a task takes of it that does not say. */
  readonly amount: number;
}

export class Demands {
  /** The number of a task that says nothing. It is never given to another demand. */
  readonly standard: number;
  readonly #runtime: Runtime;
  readonly #pools: readonly DemandPool[];
  readonly #positions: ReadonlyMap<string, number>;
  readonly #first: number;
  readonly #numbers = new Map<string, number>();
  /** By number, from the first one of ours on. */
  readonly #keys: string[] = [];
  readonly #uses: number[] = [];
  readonly #idle = new RecencyList();
  readonly #amounts: Float64Array;

  /**
   * @param pools - ascending by index
   * @param first - the first number that is ours
   */
  constructor(runtime: Runtime, pools: readonly DemandPool[], first: number) {
    this.#runtime = runtime;
    this.#pools = pools;
    this.#positions = new Map(pools.map(({ name }, position) => [name, position]));
    this.#first = first;
    this.#amounts = new Float64Array(pools.length);
    this.standard = this.retain({});
  }

  /** Numbers that were ever used. */
  get size(): number {
    return this.#keys.length;
  }

  /**
   * The number of what a task asks for, for one task; {@link release} it when nothing of the task is left.
   * @throws {@link InvalidOptionError} for an unknown pool, with a suggestion, or a wrong amount
   */
  retain(demand: Readonly<Record<string, number>>): number {
    const amounts = this.#amounts;
    for (let i = 0; i < amounts.length; i++) amounts[i] = this.#pools[i]!.amount;
    for (const name in demand) {
      const amount: unknown = demand[name];
      if (amount === undefined) continue;
      const position = this.#positions.get(name);
      if (position === undefined) {
        throw unknownName(`demand.${name}`, 'pool or window', name, [...this.#positions.keys()]);
      }
      checkAmount(name, amount);
      amounts[position] = amount;
    }
    const key = amounts.join();
    let own = this.#numbers.get(key);
    if (own === undefined) {
      own = this.#vacancy();
      this.#numbers.set(key, own);
      this.#keys[own] = key;
      this.#uses[own] = 0;
      this.#declare(this.#first + own);
    } else if (this.#uses[own] === 0) {
      this.#idle.remove(own);
    }
    this.#uses[own]!++;
    return this.#first + own;
  }

  release(number: number): void {
    const own = number - this.#first;
    if (--this.#uses[own]! === 0) this.#idle.push(own);
  }

  /**
   * Ledger index of a pool by name.
   * @throws {@link InvalidOptionError}
   */
  poolIndex(name: string): number {
    const position = this.#positions.get(name);
    if (position === undefined) throw unknownName('pool', 'pool or window', name, [...this.#positions.keys()]);
    return this.#pools[position]!.index;
  }

  #vacancy(): number {
    if (this.#idle.size < IDLE_MAX) return this.#keys.length;
    const own = this.#idle.shift()!;
    this.#numbers.delete(this.#keys[own]!);
    return own;
  }

  #declare(number: number): void {
    const pools: number[] = [];
    const amounts: number[] = [];
    for (const [position, pool] of this.#pools.entries()) {
      if (this.#amounts[position] === 0) continue;
      pools.push(pool.index);
      amounts.push(this.#amounts[position]!);
    }
    const event = this.#runtime.begin(EventKind.declare);
    event.demand = number;
    event.count = pools.length;
    event.pools = pools;
    event.amounts = amounts;
    this.#runtime.dispatch(event);
  }
}

/** @throws {@link InvalidOptionError} unless `amount` is a finite number above 0 */
export function checkGrowth(amount: number): void {
  if (!Number.isFinite(amount) || amount <= 0) {
    throw new InvalidOptionError('amount', `A task grows by a finite amount above 0; got ${String(amount)}.`);
  }
}
