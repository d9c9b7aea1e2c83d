/**
 * What must be true of the scheduler's own records between two decisions: lists, heaps, tables and counts agree with one another.
 * What it decided is the witness's affair (witness/). Throws {@link BrokenInvariant} with the statement that does not hold.
 */
import type { SchedulerState } from '../../lib/scheduler/index.js';
import { Aside, Hold, INDEX_STEP, NONE, TASK_STATE_NAMES, TaskState } from '../../lib/task/index.js';
import { broken } from './witness/broken-invariant.js';

export { BrokenInvariant } from './witness/broken-invariant.js';

/** Times that each task was seen in a list, by index. */
let seen = new Uint8Array(64);
let holders = new Int32Array(16);

export function checkInvariants(state: SchedulerState, nowMs: number): void {
  const { tasks } = state;
  if (seen.length < tasks.end) seen = new Uint8Array(tasks.end * 2);
  seen.fill(0, 0, tasks.end);
  if (holders.length < state.ledger.pools.length) holders = new Int32Array(state.ledger.pools.length * 2);
  holders.fill(0);
  checkLeases(state);
  checkQueues(state);
  let instants = 0;
  for (let task = 0; task < tasks.end; task += INDEX_STEP) {
    if (tasks.states[task] === TaskState.free) continue;
    checkTask(state, task, nowMs);
    if (tasks.instantAt[task] !== NONE) instants++;
  }
  if (state.instants.size !== instants)
    broken('the heap of instants holds who says so', `${state.instants.size} of ${instants}`);
  for (let index = 0; index < state.ledger.pools.length; index++) {
    const pool = state.ledger.pools[index]!;
    if (pool.holders !== holders[index])
      broken('holders are counted', `${pool.name}: ${pool.holders}, not ${holders[index]}`);
    if (!(pool.leased >= -1e-9 * Math.max(1, Math.min(pool.capacity, 2 ** 40))))
      broken('no lease is returned twice', pool.name);
  }
  for (const group of state.groups.all()) checkGroup(state, group);
  if (state.nextMs < state.wakeAtMs)
    broken('the timer is set for the next instant', `${state.wakeAtMs}, next is ${state.nextMs}`);
}

function checkTask(state: SchedulerState, task: number, nowMs: number): void {
  const { tasks } = state;
  const taskState = tasks.states[task]!;
  const waits = taskState === TaskState.queued || taskState === TaskState.submitted;
  const who = () => `task ${task} (${TASK_STATE_NAMES[taskState]})`;
  const isAway = tasks.asides[task] === Aside.away;
  if ((tasks.leased[task] === 1) !== (!waits && !isAway))
    broken('exactly tasks past the queue hold a lease, but for those that gave it back', who());
  if (seen[task] !== (isAway && !waits ? 0 : 1))
    broken('a task is in the arrival list while it waits, in the list of leases while it holds one', who());
  const isInHeap = taskState === TaskState.queued || (waits && tasks.holds[task] === Hold.group);
  if ((tasks.orderAt[task] !== NONE) !== isInHeap)
    broken('exactly who may be granted, or is held by its group, is in a heap', who());
  if ((taskState === TaskState.paused) !== state.pausedSinceMs.has(task))
    broken('paused tasks are the ones on the clock', who());
  if (tasks.instantAt[task] !== NONE) {
    if (taskState === TaskState.settled) broken('what is settled waits for nothing', who());
    if (state.instants.keyOf(task) <= nowMs) broken('no instant is passed', who());
  }
  const model = tasks.models[task]!;
  if (model === NONE) return;
  const slot = tasks.slots[task]!;
  if (waits ? slot !== NONE : state.models[model]!.slotTask[slot] !== task)
    broken('a slot names the task that it holds', who());
}

function checkLeases(state: SchedulerState): void {
  const { leases, tasks, grown } = state;
  let last: number = NONE;
  for (let task = leases.first; task !== NONE; task = tasks.next[task]!) {
    if (tasks.previous[task] !== last) broken('the list of leases is linked both ways', `task ${task}`);
    if (++seen[task]! > 1) broken('a task is in a list once', `task ${task}`);
    for (const pool of state.leaseOf(task).pools) holders[pool]!++;
    for (const pool of grown.get(task)?.pools ?? []) holders[pool]!++;
    last = task;
  }
  if (leases.last !== last) broken('the list of leases is linked both ways', `its last is ${leases.last}, not ${last}`);
}

function checkQueues(state: SchedulerState): void {
  const { tasks, queue, config } = state;
  for (let index = 0; index < queue.shapes.length; index++) {
    const shape = queue.shapes[index]!;
    let listed = 0;
    let queued = 0;
    let last: number = NONE;
    for (let task = shape.first; task !== NONE; task = tasks.next[task]!) {
      if (++seen[task]! > 1) broken('a task is in a list once', `task ${task}`);
      if (tasks.previous[task] !== last) broken('arrival lists are linked both ways', `task ${task}`);
      if (last !== NONE && tasks.sequences[last]! >= tasks.sequences[task]!)
        broken('arrival lists are in order', `task ${task}`);
      if (tasks.shapes[task] !== index) broken('a task waits in its shape', `task ${task}`);
      if (tasks.states[task] === TaskState.queued) {
        queued++;
        const tenant = state.queueTenant(tasks.tenants[task]!);
        const flow = queue.flowOf(tenant, index);
        if (flow === undefined) broken('a queued task is in the flow of its tenant', `task ${task}`);
        if (config.share.single !== true && flow.shareKey !== config.share.key(tenant)) {
          broken(
            "a flow stands where its tenant's share says",
            `tenant ${tenant}: ${flow.shareKey}, not ${config.share.key(tenant)}`,
          );
        }
        const first = shape.flows.peek()!;
        if (flow.shareKey < first.shareKey || (flow.shareKey === first.shareKey && tenant < first.tenant)) {
          broken('the tenant that was served least stands first', `tenant ${first.tenant} before ${tenant}`);
        }
      }
      last = task;
      listed++;
    }
    if (shape.last !== last)
      broken('arrival lists are linked both ways', `shape ${index} ends with ${shape.last}, not ${last}`);
    if (shape.listed !== listed || shape.queued !== queued) broken('shapes count their tasks', `shape ${index}`);
  }
}

function checkGroup(
  { tasks, groups, leases }: SchedulerState,
  group: { number: number; inside: number; queued: Set<number> },
): void {
  let inside = 0;
  for (const task of group.queued) {
    if (tasks.states[task] !== TaskState.queued || groups.of(task) !== group)
      broken('groups count who is inside', `task ${task}`);
    inside++;
  }
  for (let task = leases.first; task !== NONE; task = tasks.next[task]!) if (groups.of(task) === group) inside++;
  if (group.inside !== inside)
    broken('groups count who is inside', `group ${group.number}: ${group.inside}, not ${inside}`);
  if (inside > groups.limit) broken('no more of a group run than may', `group ${group.number}: ${inside}`);
}
