import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Random } from '../../lib/base/random.js';
import { TaskHeap } from '../../lib/queue/index.js';
import { NONE, TaskTable } from '../../lib/task/index.js';

type Step = { kind: 'push' | 'pop' | 'remove' | 'update'; key: number; pick: number };

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('push', 'push', 'pop', 'remove', 'update'),
    key: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(Number.POSITIVE_INFINITY)),
    pick: fc.nat(),
  }),
  { maxLength: 400 },
);

it.each([true, false])('behaves like a sorted list, earliestFirst %s', (earliestFirst) => {
  fc.assert(
    fc.property(steps, (script) => {
      const tasks = new TaskTable(true, 1);
      const heap = new TaskHeap({ sequences: () => tasks.sequences, at: () => tasks.orderAt }, earliestFirst);
      const model: number[] = [];
      const compare = (a: number, b: number) => {
        const [x, y] = [tasks.keys[a]!, tasks.keys[b]!];
        if (x !== y) return earliestFirst === x < y ? -1 : 1;
        return tasks.sequences[a]! - tasks.sequences[b]!;
      };
      let sequence = 0;
      for (const { kind, key, pick } of script) {
        if (kind === 'push') {
          const task = tasks.allocate();
          tasks.keys[task] = key;
          tasks.sequences[task] = sequence++;
          heap.push(task, tasks.keys[task]!);
          model.push(task);
        } else if (model.length > 0) {
          model.sort(compare);
          const chosen = kind === 'pop' ? model[0]! : model[pick % model.length]!;
          if (kind === 'update') {
            tasks.keys[chosen] = key;
            heap.update(chosen, key);
          } else {
            if (kind === 'pop') expect(heap.peek()).toBe(chosen);
            expect(heap.keyOf(chosen)).toBe(tasks.keys[chosen]);
            heap.remove(chosen);
            expect(tasks.orderAt[chosen]).toBe(NONE);
            model.splice(model.indexOf(chosen), 1);
          }
        }
        expect(heap.size).toBe(model.length);
        expect(heap.peek()).toBe(model.toSorted(compare)[0] ?? NONE);
      }
    }),
  );
});

it('keeps a long sorted line in order through removals in its middle, and while it grows and shrinks', () => {
  const tasks = new TaskTable(false);
  const heap = new TaskHeap({
    sequences: () => tasks.sequences,
    at: () => tasks.orderAt,
  });
  const random = new Random(5);
  let expected: number[] = [];
  let sequence = 0;
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 200; i++) {
      const task = tasks.allocate();
      tasks.keys[task] = 0;
      tasks.sequences[task] = sequence++;
      heap.push(task, tasks.keys[task]!);
      expected.push(task);
    }
    expected = expected.filter((task) => {
      if (random.next() < 0.7) return true;
      heap.remove(task);
      return false;
    });
    for (const task of expected.splice(0, 120)) {
      expect(heap.peek()).toBe(task);
      heap.remove(task);
    }
    expect(heap.size).toBe(expected.length);
    expect(heap.countAhead((task) => task !== expected[17])).toBe(Math.min(17, expected.length));
  }
  for (const task of expected) {
    expect(heap.peek()).toBe(task);
    heap.remove(task);
  }
  expect(heap.peek()).toBe(NONE);
});
