import { expect, it } from 'vitest';
import { InvariantError } from '../../lib/base/errors.js';
import { bytesPerTask, rowOf, TASK_EDGES, TaskState, TaskTable, transition } from '../../lib/task/index.js';

it.each([
  { hasModels: false, bytes: 136 },
  { hasModels: true, bytes: 232 },
])('costs $bytes bytes a task (models: $hasModels)', ({ hasModels, bytes }) => {
  expect(bytesPerTask(hasModels)).toBe(bytes);
  const tasks = new TaskTable(hasModels, 1_024);
  const buffers = new Set<ArrayBufferLike>();
  for (const [name, column] of Object.entries(tasks)) {
    if (ArrayBuffer.isView(column) && name !== 'edgeCounts') buffers.add(column.buffer);
  }
  const all = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(all / 1_024).toBe(bytes);
});

it('grows by a quarter once it is large, so that little of it lies idle', () => {
  const tasks = new TaskTable(false);
  for (let task = 0; task < 100_000; task++) tasks.allocate();
  expect(tasks.capacity).toBeLessThanOrEqual(125_000);
});

it('keeps every value when it grows, and reuses freed indices', () => {
  const tasks = new TaskTable(true, 2);
  const all = Array.from({ length: 100 }, (_, index) => {
    const task = tasks.allocate();
    transition(tasks.states, task, TaskState.queued);
    tasks.sequences[task] = index;
    return task;
  });
  expect(all.map((task) => tasks.sequences[task])).toEqual(all.map((_, index) => index));
  const [victim] = all;
  for (const to of [TaskState.settled, TaskState.free]) transition(tasks.states, victim!, to);
  tasks.release(victim!);
  expect(tasks.allocate()).toBe(victim);
});

it('takes no number for a task but an index that is in use', () => {
  const tasks = new TaskTable(false);
  for (let n = 0; n < 3; n++) transition(tasks.states, tasks.allocate(), TaskState.queued);
  const numbers = Array.from({ length: 8 * 5 }, (_, n) => n - 8);
  expect([...numbers, Number.NaN, 0.5, 2 ** 40].filter((number) => tasks.isLive(number))).toEqual([0, 8, 16]);
  expect([0, 8, 16].map(rowOf)).toEqual([0, 1, 2]);
});

it('allows exactly the edges of the table', () => {
  for (let from = 0; from <= 6; from++) {
    for (let to = 0; to <= 6; to++) {
      const states = Uint8Array.of(from);
      const isEdge = TASK_EDGES.some(([a, b]) => a === from && b === to);
      const move = () => transition(states, 0, to as TaskState);
      if (isEdge) expect(move).not.toThrow();
      else expect(move).toThrow(InvariantError);
    }
  }
});
