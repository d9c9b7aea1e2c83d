/**
 * Tenants by name, as the small integers that the core counts with. Names beyond the limit share one tenant, so that an
 * endless stream of new names costs no memory and can claim no more than one tenant's share.
 */
export const OTHERS = 'others';

export class TenantNames {
  readonly #limit: number;
  readonly #indices = new Map<string, number>([[OTHERS, 0]]);

  /** @param limit - most distinct names that are remembered, ≥ 1 */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#indices.size - 1;
  }

  /** The tenant's index; that of {@link OTHERS} when the limit is reached. */
  indexOf(name: string): number {
    const known = this.#indices.get(name);
    if (known !== undefined) return known;
    if (this.size >= this.#limit) return 0;
    const index = this.#indices.size;
    this.#indices.set(name, index);
    return index;
  }
}
