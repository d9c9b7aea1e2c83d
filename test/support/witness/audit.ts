/** Between two decisions: does the core's state say what the witness saw, has everything that was due happened, does nobody wait in vain? */
import { Hold, TaskState } from '../../../lib/task/index.js';
import { startOf } from './backfill.js';
import { broken } from './broken-invariant.js';
import { isInCatchAll, queueTenant } from './scene.js';
import { Phase, type SeenTask } from './seen-task.js';
import type { Witness } from './witness.js';

const CLASSES = 4;
const NEVER = Number.POSITIVE_INFINITY;

const waiting = new Float64Array(CLASSES);
const waitingWork = new Float64Array(CLASSES);
/** By shape its kind and by kind its shape, in this audit; 0 where none was seen. */
let kindOfShape = new Int32Array(512);
let shapeOfKind = new Int32Array(512);
const seenShapes: number[] = [];
const queuedByTenant: number[] = [];

export function audit(witness: Witness): void {
  checkReservations(witness);
  checkTasks(witness);
  checkPools(witness);
  witness.models.check(witness.state);
  witness.share.check((tenant) => (queuedByTenant[tenant] ?? 0) > 0, witness.tenants);
  checkFairness(witness);
  if (witness.isShut) return;
  heads.length = 0;
  for (let r = 0; r < witness.state.reservations.length; r++)
    heads.push(witness.tasks[witness.state.reservations[r]!.task]!);
  witness.precedence.checkNobodyCanStart(heads, witness.hasLooked);
}

const heads: SeenTask[] = [];

function checkTasks(witness: Witness): void {
  const { live, state, config } = witness;
  waiting.fill(0);
  waitingWork.fill(0);
  forgetShapes();
  for (let tenant = 0; tenant < witness.tenants; tenant++) queuedByTenant[tenant] = 0;
  let waits = 0;
  let running = 0;
  let nextMs = NEVER;
  for (let t = 0; t < live.length; t++) {
    const task = live[t]!;
    if (task.isStarted) {
      running++;
      nextMs = Math.min(nextMs, checkRunning(witness, task));
    }
    if (task.phase === Phase.waits) {
      waits++;
      if (task.isGrantable) {
        const tenant = queueTenant(witness, task);
        queuedByTenant[tenant] = (queuedByTenant[tenant] ?? 0) + 1;
      }
      checkShape(witness, task);
    }
    if (task.phase === Phase.waits && !task.isAside) {
      waiting[task.classIndex]!++;
      waitingWork[task.classIndex]! += task.work;
      nextMs = Math.min(nextMs, checkWaiting(witness, task));
    } else if (!task.isStarted) {
      checkOver(witness, task);
    }
    checkColumns(witness, task);
  }
  if (state.tasks.size !== live.length)
    broken('no task is lost', `${state.tasks.size} in the table, ${live.length} seen`);
  if (state.queue.size !== waits) broken('no task is lost', `${state.queue.size} in the queue, ${waits} wait`);
  if (state.running !== running) broken('running tasks are counted', `${running} run, ${state.running} counted`);
  for (let index = 0; index < CLASSES; index++) {
    if (state.waitingByClass[index] !== waiting[index])
      broken(
        'waiting tasks are counted per class',
        `class ${index}: ${state.waitingByClass[index]}, not ${waiting[index]}`,
      );
    if (Math.abs(state.waitingWorkByClass[index]! - waitingWork[index]!) > 1e-6 * Math.max(1, waitingWork[index]!)) {
      broken(
        'waiting work is counted per class',
        `class ${index}: ${state.waitingWorkByClass[index]}, not ${waitingWork[index]}`,
      );
    }
  }
  for (let outcome = 0; outcome < state.outcomes.length; outcome++) {
    if (state.outcomes[outcome] !== witness.outcomes[outcome]) broken('outcomes are counted', `outcome ${outcome}`);
  }
  if (Math.abs(state.retryBudget - witness.retryBudget) > 1e-6)
    broken('retries are bounded', `${state.retryBudget} left, not ${witness.retryBudget}`);
  if (state.boundOverruns !== witness.boundOverruns) broken('overrun bounds are counted', `${state.boundOverruns}`);
  if (state.backfilled !== witness.backfilled)
    broken('backfills are counted', `${state.backfilled}, not ${witness.backfilled}`);
  const { all } = witness.pools;
  for (let p = 0; p < all.length; p++) if (all[p]!.isWindow) nextMs = Math.min(nextMs, all[p]!.nextRollMs);
  for (const model of witness.models.all) if (model.phase === 'waiting') nextMs = Math.min(nextMs, model.restartAtMs);
  for (let r = 0; r < state.reservations.length; r++) {
    const { task, sinceMs } = state.reservations[r]!;
    if (startOf(witness, witness.tasks[task]!) === NEVER) nextMs = Math.min(nextMs, sinceMs + config.drainMs);
  }
  if (state.nextMs > nextMs || state.wakeAtMs > nextMs || witness.wakeAtMs > nextMs) {
    broken(
      'no instant is slept through',
      `next is ${nextMs}, the core says ${state.nextMs} and the timer is set for ${witness.wakeAtMs}`,
    );
  }
}

/** @returns the next instant at which time alone changes something for it */
function checkWaiting(witness: Witness, task: SeenTask): number {
  const { nowMs, config } = witness;
  const who = `task ${task.index}`;
  const timeOutMs = task.waitsSinceMs + config.classes[task.classIndex]!.timeoutMs;
  if (timeOutMs <= nowMs) broken('nobody waits past the time-out', who);
  const startByMs = task.startByMs;
  if (startByMs <= nowMs) broken('no task outlives its deadline', who);
  const isBackingOff = task.backOffUntilMs > Number.NEGATIVE_INFINITY;
  if (isBackingOff && task.backOffUntilMs <= nowMs) broken('a back-off ends', who);
  if (task.gang?.isBroken === true) broken('a gang starts all or none', `${who} waits for a broken one`);
  checkParent(task);
  const nextMs = Math.min(timeOutMs, startByMs);
  return isBackingOff ? Math.min(nextMs, task.backOffUntilMs) : nextMs;
}

function checkRunning({ nowMs, config }: Witness, task: SeenTask): number {
  const who = `task ${task.index}`;
  if (task.deadlineMs <= nowMs) broken('no task outlives its deadline', who);
  let nextMs = task.deadlineMs;
  if (task.timeoutMs > 0) {
    if (task.grantMs + task.timeoutMs <= nowMs) broken('no function runs past its time-out', who);
    nextMs = Math.min(nextMs, task.grantMs + task.timeoutMs);
  }
  if (task.isPaused) {
    if (task.pausedSinceMs + config.unreadTimeoutMs <= nowMs) broken('a stream that nobody reads expires', who);
    nextMs = Math.min(nextMs, task.pausedSinceMs + config.unreadTimeoutMs);
  }
  checkParent(task);
  return nextMs;
}

function checkOver({ config }: Witness, task: SeenTask): void {
  const who = `task ${task.index}`;
  if (task.phase === Phase.ending) broken('what never ran is freed when it settles', who);
  if (config.leaseEndsAtTimeout && task.model < 0) broken('a lease ends with its time-out where it should', who);
  if (!task.hasStop) broken('what is settled while it runs is told to stop', who);
}

function checkParent(task: SeenTask): void {
  if (task.parent !== undefined && task.parent.outcome > 0) {
    broken('a child ends with its parent', `task ${task.index}, child of ${task.parent.index}`);
  }
}

/** Tasks of one kind wait together, and nobody else with them. */
function checkShape(witness: Witness, task: SeenTask): void {
  const shape = witness.state.tasks.shapes[task.index]!;
  const kind = witness.vectors.kindOf(task.wants, task.classIndex, task.wantsBoundMs);
  if (isInCatchAll(witness, task)) {
    if (witness.vectors.kinds <= witness.config.shapesMax)
      broken('only what is beyond the cap waits in the catch-all', `task ${task.index}`);
    return;
  }
  if (shape >= kindOfShape.length) kindOfShape = widened(kindOfShape, shape);
  if (kind >= shapeOfKind.length) shapeOfKind = widened(shapeOfKind, kind);
  // Shapes are counted from 1 here.
  const other = kindOfShape[shape]!;
  const otherShape = shapeOfKind[kind]! - 1;
  if ((other !== 0 && other !== kind) || (otherShape >= 0 && otherShape !== shape)) {
    broken('tasks of one kind wait together', `task ${task.index} in shape ${shape}`);
  }
  if (other !== 0) return;
  kindOfShape[shape] = kind;
  shapeOfKind[kind] = shape + 1;
  seenShapes.push(shape);
}

function forgetShapes(): void {
  for (let s = 0; s < seenShapes.length; s++) {
    const shape = seenShapes[s]!;
    shapeOfKind[kindOfShape[shape]!] = 0;
    kindOfShape[shape] = 0;
  }
  seenShapes.length = 0;
}

function widened(column: Int32Array<ArrayBuffer>, index: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(index * 2);
  wider.set(column);
  return wider;
}

function checkColumns({ state, config }: Witness, task: SeenTask): void {
  const { tasks } = state;
  const { index } = task;
  const expected = stateOf(task);
  if (tasks.states[index] !== expected) {
    const isGroup = task.group > 0 && task.phase === Phase.waits && task.isReady;
    broken(
      isGroup ? 'the most urgent of a group are let in' : 'a task is where its events put it',
      `task ${index} is in state ${tasks.states[index]}, not ${expected}`,
    );
  }
  if (expected === TaskState.submitted && tasks.holds[index] !== holdOf(task)) {
    broken('a waiting task says what holds it', `task ${index}: ${tasks.holds[index]}, not ${holdOf(task)}`);
  }
  if (tasks.asides[index] !== task.lease)
    broken(
      'a lease is given back and taken again as asked',
      `task ${index}: ${tasks.asides[index]}, not ${task.lease}`,
    );
  if (tasks.sequences[index] !== task.sequence || tasks.arrivalsMs[index] !== task.arrivalMs)
    broken('a task keeps its place', `task ${index}`);
  if (tasks.deadlinesMs[index] !== task.deadlineMs) {
    broken(
      task.parent === undefined ? 'a deadline is kept' : 'a child has no more time than its parent',
      `task ${index}`,
    );
  }
  if (tasks.attempts[index] !== task.attempts)
    broken('attempts are bounded', `task ${index}: ${tasks.attempts[index]}, not ${task.attempts}`);
  if (tasks.tenants[index] !== task.tenant) broken("a child belongs to its parent's tenant", `task ${index}`);
  if (task.phase !== Phase.waits || !task.isReady) return;
  if (!isKnown(config.order.name)) task.key = tasks.keys[index]!;
  if (tasks.keys[index] !== task.key || tasks.serviceSeconds[index] !== task.seconds) {
    broken('a key is what its order defines', `task ${index}: ${tasks.keys[index]}, not ${task.key}`);
  }
}

function isKnown(order: string): boolean {
  return order === 'fcfs' || order === 'aged' || order === 'priority' || order === 'seed';
}

function stateOf(task: SeenTask): TaskState {
  switch (task.phase) {
    case Phase.waits:
      return task.isGrantable ? TaskState.queued : TaskState.submitted;
    case Phase.away:
      return TaskState.awaiting;
    case Phase.leased:
      return task.isPaused ? TaskState.paused : task.hasBegun ? TaskState.running : TaskState.granted;
    default:
      return TaskState.settled;
  }
}

function holdOf(task: SeenTask): Hold {
  if (task.needsSize) return Hold.size;
  if (!task.isReady && task.backOffUntilMs > Number.NEGATIVE_INFINITY) return Hold.backOff;
  return task.gang !== undefined && !task.gang.hasStarted ? Hold.gang : Hold.group;
}

function checkPools({ pools, state }: Witness): void {
  for (let p = 0; p < pools.all.length; p++) {
    const seen = pools.all[p]!;
    const pool = state.ledger.pools[p]!;
    if (p > 0 || state.models.length === 0) {
      const error = 1e-9 * Math.max(1, seen.leased, seen.capacity === NEVER ? 1 : seen.capacity);
      if (Math.abs(pool.leased - seen.leased) > error)
        broken('a pool has leased what its tasks hold', `${seen.name}: ${pool.leased}, not ${seen.leased}`);
      if (!seen.isWindow) {
        for (let index = 0; index < CLASSES; index++) {
          if (Math.abs(pool.leasedByClass[index]! - seen.leasedByClass[index]!) > error)
            broken('a pool has leased what its tasks hold', `${seen.name}, class ${index}`);
        }
      }
    }
    if (pool.capacity !== seen.capacity) broken('a pool is as large as it was made', `${seen.name}: ${pool.capacity}`);
    if (pool.grantsSinceOverdue !== seen.grantsSinceOverdue)
      broken(
        'grants since an overdue one are counted',
        `${seen.name}: ${pool.grantsSinceOverdue}, not ${seen.grantsSinceOverdue}`,
      );
    if (pool.reservableFromMs !== seen.reservableFromMs)
      broken('a drain is followed by a pause as long', `${seen.name}: ${pool.reservableFromMs}`);
  }
}

function checkReservations(witness: Witness): void {
  const { state, tasks, config } = witness;
  const { known, mustLapse } = witness.reservations;
  let reserved = 0;
  for (let r = 0; r < state.reservations.length; r++) {
    const reservation = state.reservations[r]!;
    const head = tasks[reservation.task];
    const who = `task ${reservation.task}`;
    if (head === undefined || !head.isGrantable) broken('a reservation is for somebody who waits', who);
    for (const pool of head.wants.pools) {
      reserved++;
      if (state.ledger.pools[pool]!.reservedFor !== head.index) broken('a pool is reserved for one at most', who);
    }
    if (!witness.isShut && witness.pools.fits(head.wants, head.classIndex))
      broken('a reserved task starts as soon as it fits', who);
    if (mustLapse.includes(reservation)) broken('a drain ends', `${who} has reserved since ${reservation.sinceMs}`);
    if (known.includes(reservation)) continue;
    const isAllowed =
      reservation.sinceMs === witness.nowMs &&
      !config.headBlocks &&
      !witness.pools.isTooLarge(head.wants, head.classIndex);
    if (!isAllowed) broken('only a large task at the head reserves', who);
  }
  for (const pool of state.ledger.pools) if (pool.reservedFor >= 0) reserved--;
  if (reserved !== 0) broken('a pool is reserved for one at most', `${reserved} more or less than reservations say`);
}

function checkFairness({ fairnessBound, share, tenants }: Witness): void {
  if (fairnessBound === NEVER) return;
  let least = NEVER;
  let most = 0;
  for (let tenant = 0; tenant < tenants; tenant++) {
    if ((queuedByTenant[tenant] ?? 0) === 0) continue;
    least = Math.min(least, share.of(tenant));
    most = Math.max(most, share.of(tenant));
  }
  if (most - least > fairnessBound) broken('tenants that wait are served alike', `counters of ${least} and ${most}`);
}
