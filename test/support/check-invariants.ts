/** What must be true of a scheduler after every event. Throws an error that names the broken invariant. */
import type { SchedulerState } from '../../lib/scheduler/index.js';
import { CLASS_COUNT, NONE, TASK_STATE_NAMES, TaskState } from '../../lib/task/index.js';

export class BrokenInvariant extends Error {
  readonly invariant: string;
  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}

function must(condition: boolean, invariant: string, detail: string): void {
  if (!condition) throw new BrokenInvariant(invariant, detail);
}

export function checkInvariants(state: SchedulerState, nowMs: number): void {
  const { tasks, queue, ledger } = state;
  const leasedByPool = ledger.pools.map(() => 0);
  const waitingByClass = new Array<number>(CLASS_COUNT).fill(0);
  let live = 0;
  let waiting = 0;
  let running = 0;

  tasks.forEachLive((task) => {
    live++;
    const taskState = tasks.states[task]!;
    const name = `task ${task} (${TASK_STATE_NAMES[taskState]})`;
    const isQueued = taskState === TaskState.queued;
    const isWaiting = isQueued || taskState === TaskState.submitted;
    const inSlot = tasks.leased[task] === 1;
    if (isWaiting) {
      waiting++;
      waitingByClass[tasks.classes[task]!]!++;
      must(!inSlot, 'waiting tasks hold no lease', name);
    } else {
      must(inSlot, 'tasks past the queue hold a lease until they are freed', name);
    }
    must((tasks.orderAt[task] !== NONE) === isQueued, 'exactly queued tasks are in an order heap', name);
    if (inSlot) {
      if (taskState !== TaskState.settled) running++;
      const shape = state.shapes.all[tasks.shapes[task]!]!;
      for (let i = 0; i < shape.pools.length; i++) leasedByPool[shape.pools[i]!]! += shape.amounts[i]!;
      const model = state.models[tasks.models[task]!]!;
      must(model.slotTask[tasks.slots[task]!] === task, 'a slot names the task that it holds', name);
      must(tasks.attempts[task]! <= state.config.maxAttempts, 'attempts are bounded', name);
    } else {
      must(tasks.slots[task] === NONE, 'a task without a lease has no slot', name);
    }
    must(
      (taskState === TaskState.paused) === state.pausedSinceMs.has(task),
      'paused tasks are the ones on the clock',
      name,
    );
    if (taskState !== TaskState.settled && tasks.deadlinesMs[task]! < Number.POSITIVE_INFINITY) {
      must(tasks.deadlineAt[task] !== NONE, 'every open deadline is watched', name);
      must(tasks.deadlineKeysMs[task]! > nowMs, 'no task outlives its deadline', name);
    }
  });

  must(live === tasks.size, 'the table counts its tasks', `${live} live, ${tasks.size} counted`);
  must(waiting === queue.size, 'the queue counts its tasks', `${waiting} wait, ${queue.size} counted`);
  must(running === state.running, 'running tasks are counted', `${running} run, ${state.running} counted`);
  for (let index = 0; index < CLASS_COUNT; index++) {
    must(
      waitingByClass[index] === state.waitingByClass[index],
      'waiting tasks are counted per class',
      `class ${index}`,
    );
  }
  for (const [index, pool] of ledger.pools.entries()) {
    if (pool.unit === 'slots') {
      must(pool.leased === leasedByPool[index], 'a pool has leased what its tasks hold', pool.name);
      must(pool.leased <= pool.capacity, 'no pool is over-committed', pool.name);
    }
    must(pool.leased >= 0, 'no lease is returned twice', pool.name);
  }
  const held = state.models.reduce((sum, model) => sum + model.lease.bytes, 0);
  must(held === state.memory.leased, 'memory leased is what the models hold', `${held} and ${state.memory.leased}`);

  for (const [index, shape] of queue.shapes.entries()) {
    let listed = 0;
    let last = NONE;
    for (let task = shape.first; task !== NONE; task = tasks.next[task]!) {
      must(
        last === NONE || tasks.sequences[last]! < tasks.sequences[task]!,
        'arrival lists are in order',
        `shape ${index}`,
      );
      const { timeoutMs } = state.config.classes[tasks.classes[task]!]!;
      const sinceMs = tasks.attempts[task]! > 0 ? tasks.grantsMs[task]! : tasks.arrivalsMs[task]!;
      must(sinceMs + timeoutMs > nowMs, 'nobody waits past the time-out', `task ${task}`);
      last = task;
      listed++;
    }
    must(listed >= shape.queued, 'what is queued is listed', `shape ${index}`);
    const flow = shape.flows.peek();
    if (flow !== undefined && state.config.share.single !== true) {
      must(
        flow.shareKey === state.config.share.key(flow.tenant),
        "a flow stands where its tenant's share says",
        `tenant ${flow.tenant}`,
      );
    }
    if (shape.queued > 0) {
      must(!ledger.fits(state.shapes.all[index]!), 'no task that fits waits (work conservation)', `shape ${index}`);
    }
  }
  for (const model of state.models) {
    if (model.phase === 'waiting') {
      must(state.wakeAtMs <= model.restartAtMs, 'a restart has a timer', model.name);
      must(model.lease.bytes === 0, 'a dead engine holds no memory', model.name);
    }
  }
  if (waiting > 0) must(state.wakeAtMs < Number.POSITIVE_INFINITY, 'whoever waits has a timer', `${waiting} wait`);
}
