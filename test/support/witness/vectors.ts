/** Demand vectors, and which of them the product may keep in one queue: said again, in other words than the product's. */
import type { Vector } from './seen-task.js';

/** Sixteen steps between two powers of two. */
export function roundedUp(amount: number): number {
  const step = 2 ** (Math.ceil(Math.log2(amount)) - 4);
  return Math.ceil(amount / step) * step;
}

export class Vectors {
  readonly #kinds = new Map<string, number>();

  /** Kinds that were met. */
  get kinds(): number {
    return this.#kinds.size;
  }

  make(pools: readonly number[], amounts: readonly number[]): Vector {
    return { pools, amounts, rounded: amounts.map(roundedUp), kinds: new Int32Array(4 * 64) };
  }

  /** The entries of a vector in pools that `isKept` names. */
  part(vector: Vector, isKept: (pool: number) => boolean): Vector {
    const kept = vector.pools.flatMap((pool, at) => (isKept(pool) ? [at] : []));
    return this.make(
      kept.map((at) => vector.pools[at]!),
      kept.map((at) => vector.amounts[at]!),
    );
  }

  sum(vectors: readonly Vector[]): Vector {
    const pools = [...new Set(vectors.flatMap(({ pools }) => pools))].sort((a, b) => a - b);
    const amounts = pools.map((pool) => {
      let sum = 0;
      for (const vector of vectors) {
        const at = vector.pools.indexOf(pool);
        if (at >= 0) sum += vector.amounts[at]!;
      }
      return sum;
    });
    return this.make(pools, amounts);
  }

  /** Tasks of one kind ask for the same when rounded up, are of one class, and their bounds have the same power of two above them. */
  kindOf(vector: Vector, classIndex: number, boundMs: number): number {
    const bucket = boundMs === 0 ? 0 : 1 + Math.ceil(Math.log2(boundMs));
    const slot = classIndex * 64 + bucket;
    const known = vector.kinds[slot]!;
    if (known !== 0) return known;
    const key = `${classIndex} ${bucket} ${vector.pools} ${vector.rounded}`;
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      kind = this.#kinds.size + 1;
      this.#kinds.set(key, kind);
    }
    vector.kinds[slot] = kind;
    return kind;
  }
}
