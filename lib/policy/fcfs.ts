/**
 * First come, first served.
 *
 * Intent: the baseline that everybody understands. Key: 0 for all; ties go to the earlier submission.
 * Starvation bound: a task waits for the work that was there before it, no more. Cost: O(log n) per task.
 * Not for: mixes of short and long work, where the short wait behind the long. Source: docs/policies.md, "fcfs".
 */
import type { Order } from './policy.js';

export function fcfs(): Order {
  return { name: 'fcfs', parameters: {}, keyKind: 'static', key: () => 0 };
}
