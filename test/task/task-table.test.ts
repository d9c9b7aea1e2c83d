import { expect, it } from 'vitest';
import { InvariantError } from '../../lib/base/errors.js';
import { BYTES_PER_TASK, TASK_EDGES, TaskState, TaskTable, transition } from '../../lib/task/index.js';

it('costs at most 160 bytes a task', () => {
  expect(BYTES_PER_TASK).toBe(132);
  const tasks = new TaskTable(1_024);
  let bytes = 0;
  for (const column of Object.values(tasks)) if (ArrayBuffer.isView(column)) bytes += column.byteLength;
  expect(bytes / 1_024).toBe(BYTES_PER_TASK);
});

it('keeps every value when it grows, and reuses freed indices', () => {
  const tasks = new TaskTable(2);
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
