/**
 * Strict priority: a more urgent task always goes first, first come first served among equals.
 *
 * Intent: what p-queue users know. Key: class step + priority, higher first.
 * Starvation bound: none. As long as more urgent work arrives, the rest waits until its time-out.
 * Cost: O(log n) per task. Not for: anything where everybody says "urgent". Source: docs/policies.md, "priority".
 */
import type { Order } from './policy.js';

export function priority(): Order {
  return {
    name: 'priority',
    parameters: {},
    keyKind: 'static',
    isStrict: true,
    key: (_tasks, _task, urgency) => urgency,
  };
}
