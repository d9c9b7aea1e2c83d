/** Host memory that is never leased, so that an estimate that is a little low kills nobody. */

/**
 * Without a cgroup limit max(512 MiB, 3 % of all memory): other programs of the machine need room too. Inside a limited cgroup
 * max(64 MiB, 5 % of the limit): the limit is ours alone. Source: docs/memory.md, "Margins".
 * @param totalBytes - physical memory, or the cgroup's limit where that is less
 * @returns bytes
 */
export function hostMemoryMarginBytes(totalBytes: number, isLimited: boolean): number {
  const MIB = 2 ** 20;
  return Math.ceil(isLimited ? Math.max(64 * MIB, 0.05 * totalBytes) : Math.max(512 * MIB, 0.03 * totalBytes));
}
