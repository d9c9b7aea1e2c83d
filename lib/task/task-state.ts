/**
 * The life of a task. Every edge is listed here and nowhere else.
 *
 * submitted  accepted, but may not be granted yet (`holds` says why: its size is not known, it backs off, its gang is not
 *            complete, its group runs as many as it may); in its shape's arrival list, in no order heap
 * queued     may be granted; in one order heap; holds no lease
 * granted    holds a lease; handed to its backend or function; nothing has come back yet
 * running    its backend has made progress (a function reports none and stays granted until it ends)
 * paused     held in its slot because its reader is slow; keeps the lease
 * awaiting   its function awaits children and has given its lease back; the way on is to be queued for it again
 * settled    has its one outcome; may still hold its lease until the backend has really let go
 */
import { InvariantError } from '../base/errors.js';

export const TaskState = {
  free: 0,
  submitted: 1,
  queued: 2,
  granted: 3,
  running: 4,
  paused: 5,
  settled: 6,
  awaiting: 7,
} as const;

export type TaskState = (typeof TaskState)[keyof typeof TaskState];

export const TASK_STATE_NAMES = [
  'free',
  'submitted',
  'queued',
  'granted',
  'running',
  'paused',
  'settled',
  'awaiting',
] as const;

const { free, submitted, queued, granted, running, paused, settled, awaiting } = TaskState;

/** Every allowed edge: from, to, what causes it. */
export const TASK_EDGES: readonly (readonly [TaskState, TaskState, string])[] = [
  [free, submitted, 'submit, may not be granted yet'],
  [free, queued, 'submit'],
  [submitted, queued, 'sized; back-off is over; gang is complete; group has room'],
  [submitted, granted, 'its gang starts'],
  [submitted, settled, 'cancel, refusal, time-out'],
  [queued, submitted, 'a more urgent member of its group goes first; failed while it waited for its lease again'],
  [queued, granted, 'grant'],
  [queued, settled, 'cancel, time-out, its backend failed for good'],
  [granted, running, 'first progress'],
  [granted, submitted, 'failed; backs off before the next attempt'],
  [granted, queued, 'its backend died before it began'],
  [granted, settled, 'end, cancel, deadline, time-out'],
  [granted, awaiting, 'gives its lease back while it awaits children'],
  [awaiting, queued, 'wants its lease again'],
  [awaiting, submitted, 'failed; backs off before the next attempt'],
  [awaiting, settled, 'end, cancel, deadline, time-out'],
  [running, paused, 'reader is slow'],
  [running, queued, 'its backend died before the first token'],
  [running, settled, 'end, cancel, deadline, time-out, backend died'],
  [paused, running, 'reader caught up'],
  [paused, settled, 'end, cancel, left unread, backend died'],
  [settled, free, 'lease returned'],
];

const allowed = new Uint8Array(64);
for (const [from, to] of TASK_EDGES) allowed[from * 8 + to] = 1;

/**
 * Moves `task` along an allowed edge; any other is a bug and throws.
 * @returns the edge: from state × 8 + to state
 */
export function transition(states: Uint8Array, task: number, to: TaskState): number {
  const from = states[task]!;
  const edge = from * 8 + to;
  if (allowed[edge] !== 1) {
    throw new InvariantError(`task ${task} cannot go from ${TASK_STATE_NAMES[from]} to ${TASK_STATE_NAMES[to]}`);
  }
  states[task] = to;
  return edge;
}
