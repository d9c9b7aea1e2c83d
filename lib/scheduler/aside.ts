/**
 * A function that awaits its children holds what others could use, and its children may be among them. So it gives its lease back
 * while it waits, and takes it again, among the work of started runs, before it goes on.
 *
 * It stays started meanwhile: its time-out and deadline go on, it does not count as waiting, no queue limit or class time-out touches
 * it, it is not charged again, and when its outcome is out its index is used again only when its function has really ended.
 * What it took of rate windows is spent: it is neither given back nor taken twice. The bound that it declared says when it ends and not
 * how long it will hold what it takes again, so it passes no reservation by it.
 */
import { type CommandBuffer, CommandKind } from '../event/index.js';
import { Aside, NONE, TaskState } from '../task/index.js';
import { enterQueue, place } from './enqueue.js';
import type { SchedulerState } from './state.js';

/** No effect on a task that holds nothing that could go to others, has grown, or is of a group: it keeps what it has. */
export function giveBack(state: SchedulerState, task: number): void {
  const { tasks, ledger } = state;
  if (tasks.states[task] !== TaskState.granted || tasks.models[task] !== NONE) return;
  if (state.grown.has(task) || state.groups.of(task) !== undefined) return;
  if (state.poolsOf(tasks.demands[task]!).pools.length === 0) return;
  ledger.release(state.leaseOf(task), tasks.classes[task]!);
  state.leases.remove(task);
  tasks.leased[task] = 0;
  tasks.asides[task] = Aside.away;
  tasks.move(task, TaskState.awaiting);
  state.mayGrant = true;
}

export function takeAgain(state: SchedulerState, task: number, commands: CommandBuffer): void {
  const { tasks } = state;
  if (tasks.models[task] !== NONE) return;
  if (tasks.states[task] === TaskState.granted) {
    commands.push(CommandKind.proceed, task, NONE);
  } else if (tasks.states[task] === TaskState.awaiting) {
    place(state, task);
    state.queue.enlist(task);
    enterQueue(state, task);
  }
}
