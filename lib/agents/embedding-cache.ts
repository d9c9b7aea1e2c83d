/** Vectors by model and text, the most recently used up to a size. Vectors are copied on the way in and out. */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

export interface EmbeddingStats {
  /** Texts whose vector was known, or asked for in the same call. */
  hits: number;
  misses: number;
  entries: number;
  bytes: number;
}

/** Bounds the cache's own lists; 64 MiB of the smallest usual vectors (384 floats) are about 40,000. */
const ENTRIES_MAX = 50_000;
const ENTRY_OVERHEAD_BYTES = 200;
/** Longer texts are known by their digest. */
const KEY_LENGTH_MAX = 256;

export class EmbeddingCache {
  readonly #bytesMax: number;
  #hits = 0;
  #misses = 0;
  #kept: LRUCache<string, Float32Array> | undefined;

  /** @param bytesMax - 0 keeps nothing */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * The vectors of the texts, in their order.
   * @param compute - gets each text that is not known once, in order
   */
  async embed(
    model: string,
    texts: readonly string[],
    compute: (missing: readonly string[]) => Promise<readonly Float32Array[]>,
  ): Promise<Float32Array[]> {
    const vectors: (Float32Array | undefined)[] = texts.map((text) => this.#find(model, text));
    const missing = [...new Set(texts.filter((_, index) => vectors[index] === undefined))];
    const places = new Map(missing.map((text, place) => [text, place]));
    this.#misses += missing.length;
    this.#hits += texts.length - missing.length;
    const made = missing.length === 0 ? [] : await compute(missing);
    for (const [place, text] of missing.entries()) this.#keep(model, text, made[place]!);
    return texts.map((text, index) => vectors[index] ?? made[places.get(text)!]!.slice());
  }

  stats(): EmbeddingStats {
    return {
      hits: this.#hits,
      misses: this.#misses,
      entries: this.#kept?.size ?? 0,
      bytes: this.#kept?.calculatedSize ?? 0,
    };
  }

  #find(model: string, text: string): Float32Array | undefined {
    return this.#kept?.get(keyOf(model, text))?.slice();
  }

  #keep(model: string, text: string, vector: Float32Array): void {
    if (this.#bytesMax === 0) return;
    this.#kept ??= new LRUCache({ max: ENTRIES_MAX, maxSize: this.#bytesMax });
    const key = keyOf(model, text);
    this.#kept.set(key, vector.slice(), { size: vector.byteLength + 2 * key.length + ENTRY_OVERHEAD_BYTES });
  }
}

function keyOf(model: string, text: string): string {
  const name = text.length > KEY_LENGTH_MAX ? createHash('sha256').update(text).digest('base64url') : `=${text}`;
  return `${model}\n${name}`;
}
