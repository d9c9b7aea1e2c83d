/** Many children at a time, but not all: a queue has its limit, and a caller who is gone should leave little behind. */

/**
 * `work` over all items, in their order, at most `limit` of them unfinished at a time.
 * @param limit - integer ≥ 1
 * @returns results in the order of the items; rejects with the first error, and then begins nothing new
 */
export async function mapParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let isBroken = false;
  const worker = async () => {
    while (next < items.length && !isBroken) {
      const index = next++;
      try {
        results[index] = await work(items[index] as T, index);
      } catch (error) {
        isBroken = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
