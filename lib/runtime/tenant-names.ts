/**
 * Tenants by name, as the small integers that the core counts with.
 *
 * Up to the limit every tenant has a number of its own. When the limit is reached, the tenant that has had no task for longest is
 * forgotten and its number goes to the new one; only while every one of them has tasks do new names share {@link OTHERS}. So an endless
 * stream of names costs no memory and can claim no more than one tenant's share.
 * Invariant: a number has one name from its first task to the last one's end. Complexity: O(1).
 */
import { RecencyList } from './recency-list.js';

export const OTHERS = 'others';
export const DEFAULT_TENANT = 'default';

const OTHERS_INDEX = 0;
/** Index of {@link DEFAULT_TENANT}. It is never forgotten and does not count towards the limit. */
export const DEFAULT_TENANT_INDEX = 1;
const PINNED = 2;

export class TenantNames {
  readonly #limit: number;
  readonly #forget: (index: number) => void;
  readonly #indices = new Map<string, number>([
    [OTHERS, OTHERS_INDEX],
    [DEFAULT_TENANT, DEFAULT_TENANT_INDEX],
  ]);
  readonly #names: string[] = [OTHERS, DEFAULT_TENANT];
  /** Tasks by tenant. */
  readonly #tasks: number[] = [0, 0];
  readonly #idle = new RecencyList();

  /**
   * @param limit - most distinct names that are remembered, ≥ 1
   * @param forget - told before a number gets another name
   */
  constructor(limit: number, forget: (index: number) => void) {
    this.#limit = limit;
    this.#forget = forget;
  }

  /** Names that are remembered, apart from the two that always are. */
  get size(): number {
    return this.#names.length - PINNED;
  }

  /** The number for a new task of the tenant; {@link release} it when nothing of the task is left. */
  retain(name: string): number {
    let index = this.#indices.get(name);
    if (index === undefined) {
      index = this.#vacancy();
      if (index === OTHERS_INDEX) return OTHERS_INDEX;
      this.#names[index] = name;
      this.#indices.set(name, index);
      this.#tasks[index] = 0;
    }
    if (index < PINNED) return index;
    if (this.#tasks[index]!++ === 0) this.#idle.remove(index);
    return index;
  }

  release(index: number): void {
    if (index < PINNED) return;
    if (--this.#tasks[index]! === 0) this.#idle.push(index);
  }

  #vacancy(): number {
    if (this.size < this.#limit) return this.#names.length;
    const index = this.#idle.shift();
    if (index === undefined) return OTHERS_INDEX;
    this.#indices.delete(this.#names[index]!);
    this.#forget(index);
    return index;
  }
}
