import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPriorityHeap, type PriorityHeap } from '../../lib/heap/index.js';
import { availableCores } from './cores.js';

/** Handles are compared by which push made them, so that a core may number its places as it likes. */
type Operation =
  | { kind: 'push'; priority: number }
  | { kind: 'pushMany'; priorities: number[] }
  | { kind: 'pop' | 'peek' }
  | { kind: 'popMany'; count: number }
  | { kind: 'cancel'; push: number }
  | { kind: 'update'; push: number; priority: number };

// Few distinct priorities, so that ties are common; and the values that are special.
const priority = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true }),
  fc.constantFrom(-0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('push' as const), priority }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('pushMany' as const), priorities: fc.array(priority, { maxLength: 20 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('pop' as const, 'peek' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('popMany' as const), count: fc.integer({ min: 0, max: 8 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('cancel' as const), push: fc.nat(200) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('update' as const), push: fc.nat(200), priority }) },
);

/** Runs the operations and returns everything a caller can see. */
function run(heap: PriorityHeap, operations: readonly Operation[]): unknown[] {
  const handles: number[] = [];
  const seen: unknown[] = [];
  let nextValue = 0;
  for (const op of operations) {
    switch (op.kind) {
      case 'push': {
        const handle = heap.push(op.priority, nextValue++);
        handles.push(handle);
        seen.push(handle > 0);
        break;
      }
      case 'pushMany': {
        const made = new Float64Array(op.priorities.length);
        const values = Float64Array.from(op.priorities, () => nextValue++);
        seen.push(heap.pushMany(Float64Array.from(op.priorities), values, made));
        handles.push(...made);
        break;
      }
      case 'pop':
      case 'peek':
        seen.push(op.kind === 'pop' ? heap.pop() : heap.peek(), heap.lastPriority);
        break;
      case 'popMany': {
        const priorities = new Float64Array(op.count);
        const values = new Float64Array(op.count);
        seen.push(heap.popMany(priorities, values), [...priorities], [...values]);
        break;
      }
      case 'cancel':
        seen.push(heap.cancel(handles[op.push % Math.max(1, handles.length)] ?? 0));
        break;
      case 'update':
        seen.push(heap.update(handles[op.push % Math.max(1, handles.length)] ?? 0, op.priority));
        break;
      default:
        op satisfies never;
    }
    seen.push(heap.size);
  }
  return seen;
}

/** The plainest heap that can be right: a list that is searched. */
class ListHeap implements PriorityHeap {
  readonly capacity: number;
  lastPriority = Number.NaN;
  #items: { priority: number; value: number; handle: number; sequence: number }[] = [];
  #next = 1;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size() {
    return this.#items.length;
  }

  #first() {
    const [item] = this.#items.sort((a, b) =>
      a.priority === b.priority ? a.sequence - b.sequence : b.priority - a.priority,
    );
    return item;
  }

  push(priority: number, value: number) {
    if (this.#items.length === this.capacity) return 0;
    const handle = this.#next++;
    this.#items.push({ priority: priority + 0, value, handle, sequence: handle });
    return handle;
  }

  peek() {
    const item = this.#first();
    if (item !== undefined) this.lastPriority = item.priority;
    return item?.value;
  }

  pop() {
    const value = this.peek();
    this.#items.shift();
    return value;
  }

  cancel(handle: number) {
    const index = this.#items.findIndex((item) => item.handle === handle);
    if (index >= 0) this.#items.splice(index, 1);
    return index >= 0;
  }

  update(handle: number, priority: number) {
    const item = this.#items.find((candidate) => candidate.handle === handle);
    if (item !== undefined) Object.assign(item, { priority: priority + 0, sequence: this.#next++ });
    return item !== undefined;
  }

  pushMany(priorities: Float64Array, values: Float64Array, handles?: Float64Array) {
    let pushed = 0;
    for (; pushed < priorities.length; pushed++) {
      const handle = this.push(priorities[pushed] as number, values[pushed] as number);
      if (handle === 0) break;
      if (handles !== undefined) handles[pushed] = handle;
    }
    return pushed;
  }

  popMany(priorities: Float64Array, values: Float64Array) {
    const before = this.lastPriority;
    const count = Math.min(values.length, this.#items.length);
    for (let i = 0; i < count; i++) {
      values[i] = this.pop() as number;
      priorities[i] = this.lastPriority;
    }
    this.lastPriority = before;
    return count;
  }
}

describe.each(availableCores('heap twins'))('priority heap, %s core', (core) => {
  it('does what a searched list does on any string of operations', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(operation, { minLength: 1, maxLength: 400, size: 'max' }),
        (capacity, operations) => {
          expect(run(createPriorityHeap({ capacity, core }), operations)).toEqual(
            run(new ListHeap(capacity), operations),
          );
        },
      ),
      { numRuns: 300, seed: 20_26 },
    );
  });
});
