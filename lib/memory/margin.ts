/** Host memory that is never leased, so that an estimate that is a little low kills nobody. */
import type { HostMemory } from './host.js';

const MIB = 2 ** 20;

/** Memory that this process and its engines may use at most, bytes: physical memory, or a control group's limit where that is less. */
export function hostMemoryCapacityBytes(memory: HostMemory): number {
  return Math.min(memory.totalBytes, memory.limitBytes ?? Number.POSITIVE_INFINITY);
}

/**
 * Without a limit max(512 MiB, 3 % of all memory): other programs of the machine need room too. Inside a limited control group
 * max(64 MiB, 5 % of the limit): the limit is ours alone. Source: docs/memory.md, "Margins".
 * @returns bytes
 */
export function hostMemoryMarginBytes(memory: HostMemory): number {
  const capacityBytes = hostMemoryCapacityBytes(memory);
  const isLimited = capacityBytes < memory.totalBytes;
  return Math.ceil(isLimited ? Math.max(64 * MIB, 0.05 * capacityBytes) : Math.max(512 * MIB, 0.03 * capacityBytes));
}
