/**
 * A witness of a scheduler: it sees each event and each command, keeps its own account of every task, and holds each decision against
 * the statements of the design. What it says is said in other words than the product's: sums instead of counters, looking at
 * everybody instead of queues, history instead of state.
 *
 * Use: `before` an event, `command` for each command as it is given, `after` the decision. A statement that does not hold throws
 * {@link BrokenInvariant} with its name. Cost: O(live tasks · pools) an event, O(live tasks · kinds) a grant.
 */
import { CommandKind, EventKind, type SchedulerEvent } from '../../../lib/event/index.js';
import type { SchedulerConfig, SchedulerState } from '../../../lib/scheduler/index.js';
import { NONE, Outcome, Reason, TaskState } from '../../../lib/task/index.js';
import { audit } from './audit.js';
import { broken } from './broken-invariant.js';
import { checkCause, isBeyondBudget, mayComeBack, mayRetry } from './causes.js';
import { Grants } from './grants.js';
import { isFirst, rekey, SeedLanes, setSeconds } from './keys.js';
import { Precedence } from './precedence.js';
import type { Door } from './refusals.js';
import { queueTenant } from './scene.js';
import { SeenModels } from './seen-models.js';
import { SeenPools } from './seen-pools.js';
import { SeenReservations } from './seen-reservations.js';
import { SeenShare } from './seen-share.js';
import { Lease, Phase, type SeenGang, type SeenTask, type Vector } from './seen-task.js';
import { Submissions } from './submissions.js';
import { Vectors } from './vectors.js';

/** What the witness is told beyond the configuration. */
export interface WitnessOptions {
  /** Most that the counters of two tenants that wait may differ, where one shape and no other rule than the share decides. */
  fairnessBound?: number;
}

export class Witness implements Door {
  /** The configuration to make the scheduler from: its share is watched. */
  readonly config: SchedulerConfig;
  readonly fairnessBound: number;
  state!: SchedulerState;
  readonly live: SeenTask[] = [];
  readonly tasks: (SeenTask | undefined)[] = [];
  readonly pools: SeenPools;
  readonly share: SeenShare;
  readonly models: SeenModels;
  readonly vectors = new Vectors();
  readonly demands: Vector[] = [];
  readonly gangs = new Map<number, SeenGang>();
  readonly precedence: Precedence;
  nowMs = 0;
  /** Events so far. */
  events = 0;
  /** The timer that is set. */
  wakeAtMs = Number.POSITIVE_INFINITY;
  isShut = false;
  tenants = 0;
  retryBudget: number;
  backfilled = 0;
  boundOverruns = 0;
  readonly outcomes = new Float64Array(5);
  /** Grants whose choice rounding alone decided, so that nothing could be said. */
  unsure = 0;
  grants = 0;
  /** Something came back or became grantable in this decision, so everything was looked at. */
  hasLooked = false;
  readonly reservations: SeenReservations;
  readonly #grants: Grants;
  readonly #submissions: Submissions;
  #event!: SchedulerEvent;
  #subject: SeenTask | undefined;
  /** It wants a lease that it holds. */
  #holder: SeenTask | undefined;
  #wasAnswered = false;
  #isFlushed = false;
  #requeued = false;
  #refusedModel = -1;
  #modelCommands = 0;
  readonly #lanes = new SeedLanes();

  constructor(config: SchedulerConfig, { fairnessBound = Number.POSITIVE_INFINITY }: WitnessOptions = {}) {
    this.share = new SeenShare(
      config.share,
      (tenant) => this.#isQueued(tenant),
      () => this.tenants,
    );
    this.config = { ...config, share: this.share.share };
    this.fairnessBound = fairnessBound;
    this.pools = new SeenPools(config);
    this.models = new SeenModels(config);
    this.retryBudget = config.retryBudgetMin;
    this.precedence = new Precedence(this);
    this.reservations = new SeenReservations(this);
    this.#grants = new Grants(this);
    this.#submissions = new Submissions(this);
    for (let model = 0; model < config.models.length; model++) this.demands.push(this.vectors.make([1 + model], [1]));
  }

  attach(state: SchedulerState): void {
    this.state = state;
  }

  before(event: SchedulerEvent, nowMs: number): void {
    this.events++;
    this.nowMs = nowMs;
    this.#event = event;
    this.#subject = undefined;
    this.#holder = undefined;
    this.#wasAnswered = false;
    this.#isFlushed = false;
    this.#requeued = false;
    this.#refusedModel = -1;
    this.#modelCommands = 0;
    this.hasLooked = this.pools.roll(this.live, nowMs);
    this.reservations.noteDue();
    this.#endBackOffs();
    switch (event.kind) {
      case EventKind.timer:
        this.wakeAtMs = Number.POSITIVE_INFINITY;
        break;
      case EventKind.submit:
        if (event.tenant >= this.tenants) this.tenants = event.tenant + 1;
        break;
      case EventKind.takeAgain: {
        const task = this.tasks[event.task];
        if (task?.phase === Phase.leased && task.model < 0 && !task.hasBegun) this.#holder = task;
        break;
      }
      case EventKind.ended:
      case EventKind.cancel:
        this.#subject = this.tasks[event.task];
        break;
      default:
    }
  }

  command(kind: CommandKind, a: number, b: number, c: number, d: number): void {
    switch (kind) {
      case CommandKind.admitted:
        this.#noteAnswer(EventKind.submit, 'a submission gets one answer');
        this.#submissions.admitted(this.#event, a);
        break;
      case CommandKind.refused:
        this.#noteAnswer(EventKind.submit, 'a submission gets one answer');
        this.#submissions.refused(this.#event, a as Reason, b, c, d);
        break;
      case CommandKind.start:
        this.#flush(a);
        this.#grants.start(a, b, c, d);
        break;
      case CommandKind.stop:
        if (this.tasks[a]?.phase !== Phase.over) broken('only what has its outcome is stopped', `task ${a}`);
        this.tasks[a]!.hasStop = true;
        break;
      case CommandKind.hold:
        this.#held(a);
        break;
      case CommandKind.proceed:
        this.#proceeds(a);
        break;
      case CommandKind.settled:
        this.#settled(a, b as Outcome, c as Reason);
        break;
      case CommandKind.freed:
        this.#freed(a);
        break;
      case CommandKind.requeued:
        this.#requeue(a, b);
        break;
      case CommandKind.wakeAt:
        this.wakeAtMs = a;
        break;
      case CommandKind.launch:
        this.#modelCommands++;
        this.models.lease(a, this.config.models[a]!.baseBytes, 'launching');
        break;
      case CommandKind.load:
        this.#modelCommands++;
        this.models.lease(a, this.#event.bytes, 'loading');
        break;
      case CommandKind.refuseLoad:
        this.#modelCommands++;
        this.#refusedModel = a;
        this.models.refused(a, b, c, d, this.nowMs);
        break;
      case CommandKind.grew:
        this.#grew(a, b === 1);
        break;
      default:
        kind satisfies never;
    }
  }

  after(): void {
    this.#flush(-1);
    this.#grants.finish();
    const event = this.#event;
    const subject = this.#subject;
    if (event.kind === EventKind.submit && !this.#wasAnswered) broken('a submission gets one answer', 'it got none');
    if (this.#holder?.phase === Phase.leased && !this.#wasAnswered)
      broken('who holds its lease is told so', `task ${this.#holder.index}`);
    if (event.kind === EventKind.cancel && subject !== undefined && subject.phase <= Phase.leased) {
      broken('who is cancelled ends', `task ${subject.index}`);
    }
    if (event.kind === EventKind.ended && subject !== undefined && subject.phase !== Phase.gone && !this.#requeued) {
      broken('a lease returns when its task has really ended', `task ${subject.index}`);
    }
    this.#checkModelAnswer();
    this.pools.sum(this.live);
    audit(this);
    this.reservations.look();
  }

  /** Nothing is left of anybody. */
  checkEmpty(): void {
    const { state } = this;
    const left = this.live.length + state.tasks.size + state.queue.size + state.running + state.instants.size;
    const records =
      state.families.size + state.groups.size + state.grown.size + state.pausedSinceMs.size + state.reservations.length;
    if (left + records > 0) broken('no task is lost', `${left} tasks and ${records} records are left`);
    for (const { name, unit, leased, isWindow } of state.ledger.pools.map((pool, index) => ({
      name: pool.name,
      unit: pool.unit,
      leased: pool.leased,
      isWindow: this.pools.all[index]!.isWindow,
    }))) {
      if (!isWindow && unit !== 'bytes' && leased !== 0) broken('every lease is returned', `${leased} of ${name}`);
    }
  }

  // --- what makes a task grantable ---

  /** Everything that its key needs is known, and it need not wait for time to pass. */
  becomeReady(task: SeenTask): void {
    task.isReady = true;
    task.backOffUntilMs = Number.NEGATIVE_INFINITY;
    task.isOfRun = task.isAside || (task.parent !== undefined && isFirst(task.parent.run, this.config.runBudget));
    task.lane = -1;
    setSeconds(task, task.model < 0 ? undefined : this.models.all[task.model]);
    rekey(this.config, task);
  }

  #endBackOffs(): void {
    const { live, nowMs } = this;
    for (let t = 0; t < live.length; t++) {
      const task = live[t]!;
      const { backOffUntilMs } = task;
      if (task.phase === Phase.waits && backOffUntilMs > Number.NEGATIVE_INFINITY && backOffUntilMs <= nowMs)
        this.becomeReady(task);
    }
  }

  /** Everything but the grants has happened: takes in what the event says, and finds out who may be granted. */
  #flush(starting: number): void {
    if (this.#isFlushed) return;
    this.#isFlushed = true;
    this.#takeIn(this.#event);
    this.#endBackOffs();
    if (this.reservations.noteDropped(starting)) this.hasLooked = true;
    const { live, config } = this;
    const isSeed = config.order.name === 'seed';
    for (let t = 0; t < live.length; t++) {
      const task = live[t]!;
      const was = task.isGrantable;
      task.isGrantable = task.phase === Phase.waits && task.isReady && this.#isLetInByGang(task);
      if (task.isGrantable && task.group > 0) task.isGrantable = this.#isLetInByGroup(task);
      if (task.isGrantable && !was) this.hasLooked = true;
      if (task.isReady && task.lane < 0 && task.phase === Phase.waits) this.#readLane(task, isSeed);
    }
  }

  #readLane(task: SeenTask, isSeed: boolean): void {
    const lane = this.state.tasks.lanes[task.index]!;
    task.lane = lane & 63;
    if (lane >= 64 !== task.isOfRun)
      broken('work of a started run goes first while it has budget', `task ${task.index} is in lane ${lane}`);
    if (isSeed && !task.isOfRun) this.#lanes.check(task.size, task.lane);
  }

  #isLetInByGang({ gang, index }: SeenTask): boolean {
    return gang === undefined || gang.hasStarted || (gang.demand !== undefined && gang.members[0]!.index === index);
  }

  /** Is it among the most urgent of its group, as many as may still run? */
  #isLetInByGroup(task: SeenTask): boolean {
    const { live } = this;
    let ahead = 0;
    for (let o = 0; o < live.length; o++) {
      const other = live[o]!;
      if (other.group !== task.group || other === task) continue;
      if (other.phase === Phase.leased || other.phase === Phase.over) ahead++;
      else if (other.phase === Phase.waits && other.isReady) {
        if (other.key > task.key || (other.key === task.key && other.sequence < task.sequence)) ahead++;
      }
    }
    return ahead < this.config.groupLimit;
  }

  #takeIn(event: SchedulerEvent): void {
    const task = this.tasks[event.task];
    switch (event.kind) {
      case EventKind.sized:
        if (task === undefined || task.phase !== Phase.waits || !task.needsSize) return;
        if (isBeyondBudget(task, event.promptTokens)) broken('a run stays within its budget', `task ${task.index}`);
        if (Number.isNaN(task.size) && task.parent !== undefined) task.charge(event.promptTokens);
        task.needsSize = false;
        task.promptTokens = event.promptTokens;
        this.becomeReady(task);
        return;
      case EventKind.progress:
        this.#progress(event);
        return;
      case EventKind.reprioritise:
        if (task === undefined) return;
        task.priority = event.priority;
        if (task.phase === Phase.waits && task.isReady) rekey(this.config, task);
        return;
      case EventKind.resize:
        this.#resize(event.pool, event.amount);
        return;
      case EventKind.giveBack:
        if (task !== undefined) this.#giveBack(task);
        return;
      case EventKind.takeAgain:
        if (task?.phase !== Phase.away) return;
        task.phase = Phase.waits;
        this.becomeReady(task);
        return;
      case EventKind.shut:
        this.isShut = true;
        return;
      case EventKind.open:
        this.isShut = false;
        this.hasLooked = true;
        return;
      case EventKind.declare:
        this.demands[event.demand] = this.vectors.make(
          Array.from(event.pools).slice(0, event.count),
          Array.from(event.amounts).slice(0, event.count),
        );
        for (let i = 0; i < event.count; i++) this.pools.all[event.pools[i]!]!.noteAmount(event.amounts[i]!);
        return;
      case EventKind.observed:
        if (event.pool === 0) this.models.observedBytes = event.bytes;
        return;
      case EventKind.ready: {
        const { model, sequences, bytes, secondsPerPromptToken, secondsPerStep } = event;
        if (this.models.ready(model, sequences, bytes, secondsPerPromptToken, secondsPerStep))
          this.#resize(1 + model, sequences);
        return;
      }
      case EventKind.down:
        if (this.models.down(event.model, event.fatal === 1, this.nowMs)) this.#resize(1 + event.model, 0);
        return;
      default:
    }
  }

  #resize(index: number, capacity: number): void {
    const pool = this.pools.all[index]!;
    pool.capacity = capacity;
    pool.noteAmount(capacity);
    this.hasLooked = true;
  }

  #progress(event: SchedulerEvent): void {
    const model = this.models.all[event.model]!;
    model.deaths = 0;
    for (let i = 0; i < event.count; i++) {
      const task = this.tasks[event.tasks[i]!];
      if (task === undefined || (task.phase !== Phase.leased && task.phase !== Phase.over)) continue;
      task.hasBegun = true;
      task.outputTokens += event.generated[i]!;
      this.share.expectUsed(queueTenant(this, task), event.generated[i]!);
    }
  }

  // --- ends ---

  #settled(index: number, outcome: Outcome, reason: Reason): void {
    const task = this.tasks[index];
    if (task === undefined || task.phase > Phase.leased) broken('a task settles once', `task ${index}`);
    const event = this.#event;
    const isSized = event.kind === EventKind.sized && event.task === index && this.nowMs < task.deadlineMs;
    // Its size, just known, may rule its deadline out.
    if (isSized && reason === Reason.deadlinePassed) this.#takeIn(event);
    checkCause(this, event, task, outcome, reason, this.#refusedModel);
    if (outcome === Outcome.completed && task.model >= 0) this.models.all[task.model]!.completed(task.outputTokens);
    if (task.isReady && task.lane < 0 && this.config.order.name === 'seed' && !task.isOfRun) {
      // It ended in the decision in which it was queued, or before it was queued again.
      if (task.attempts === 0) this.#lanes.check(task.size, this.state.tasks.lanes[index]! & 63);
      else this.#lanes.unseen++;
    }
    this.outcomes[outcome]!++;
    task.outcome = outcome;
    task.hasReported = reason === Reason.reported && event.kind === EventKind.ended;
    task.pausedSinceMs = Number.NEGATIVE_INFINITY;
    if (task.model >= 0 && task.parent !== undefined) {
      const took = task.attempts === 0 ? 0 : Math.max(0, task.promptTokens) + task.outputTokens;
      task.charge(took - task.charged);
    }
    if (task.phase === Phase.waits && !task.isAside) {
      task.phase = Phase.ending;
      task.isGrantable = false;
      if (task.gang !== undefined && !task.gang.hasStarted) task.gang.isBroken = true;
    } else {
      task.phase = Phase.over;
      task.isGrantable = false;
    }
  }

  #freed(index: number): void {
    const task = this.tasks[index];
    if (task === undefined || task.phase <= Phase.leased)
      broken('a task is freed once, after its outcome', `task ${index}`);
    if (task.phase === Phase.over) {
      const event = this.#event;
      const isEarly = this.config.leaseEndsAtTimeout && task.model < 0 && !task.hasReported;
      const hasEnded = !isEarly && event.kind === EventKind.ended && event.task === index;
      const isLost = event.kind === EventKind.down && event.model === task.model;
      if (!hasEnded && !isLost && !isEarly) broken('a lease returns when its task has really ended', `task ${index}`);
      if (hasEnded) this.#countOverrun(task);
      this.#release(task, hasEnded ? event.heldTokens : 0);
    }
    task.phase = Phase.gone;
    this.tasks[index] = undefined;
    const last = this.live.pop()!;
    if (last !== task) {
      this.live[task.at] = last;
      last.at = task.at;
    }
  }

  #requeue(index: number, delayMs: number): void {
    const event = this.#event;
    const task = this.tasks[index];
    if (task === undefined || !task.isStarted) broken('only what ran is tried again', `task ${index}`);
    this.#requeued = true;
    if (event.kind === EventKind.ended && event.task === index) {
      const isWanted = event.outcome === Outcome.failed && Object.is(delayMs, event.retryInMs);
      if (!isWanted || !mayRetry(this, task, delayMs))
        broken('retries are bounded', `task ${index}, attempt ${task.attempts}`);
      this.retryBudget--;
      this.#countOverrun(task);
      this.#comeBack(task);
      task.backOffUntilMs = this.nowMs + delayMs;
      return;
    }
    const isLost = event.kind === EventKind.down && event.model === task.model && mayComeBack(task, event.fatal === 1);
    if (!isLost || delayMs !== 0) broken('retries are bounded', `task ${index}, attempt ${task.attempts}`);
    this.#comeBack(task);
    this.becomeReady(task);
  }

  #comeBack(task: SeenTask): void {
    task.cameBackMs = this.nowMs;
    this.#release(task, 0);
    task.lease = Lease.whole;
    task.phase = Phase.waits;
    task.isGrantable = false;
    task.isReady = false;
    task.hasBegun = false;
  }

  #countOverrun(task: SeenTask): void {
    if (task.boundMs > 0 && this.nowMs > task.grantMs + task.boundMs) this.boundOverruns++;
  }

  #release(task: SeenTask, heldTokens: number): void {
    if (!task.isAside) {
      this.pools.release(task);
      this.hasLooked = true;
    }
    if (task.model < 0) return;
    const model = this.models.all[task.model]!;
    model.tasks[task.slot] = undefined;
    model.heldTokens[task.slot] = heldTokens;
    model.heldSessions[task.slot] = heldTokens > 0 ? task.session : 0;
    model.usedMs[task.slot] = this.nowMs;
    task.slot = -1;
  }

  // --- the rest ---

  #noteAnswer(kind: EventKind, invariant: string): void {
    if (this.#event.kind !== kind || this.#wasAnswered) broken(invariant, `an answer to event ${this.#event.kind}`);
    this.#wasAnswered = true;
  }

  #held(index: number): void {
    const task = this.tasks[index];
    if (this.#event.kind !== EventKind.pause || task?.phase !== Phase.leased || !task.hasBegun || task.isPaused) {
      broken('only what runs is held', `task ${index}`);
    }
    task.pausedSinceMs = this.nowMs;
  }

  #proceeds(index: number): void {
    const task = this.tasks[index];
    const event = this.#event;
    if (task?.isStarted === true && task.isAside) {
      this.#flush(index);
      if (task.phase !== Phase.waits) broken('only what wants its lease again proceeds', `task ${index}`);
      this.#grants.again(index);
      return;
    }
    const isAnswer = event.kind === EventKind.takeAgain && event.task === index && task?.phase === Phase.leased;
    if (isAnswer && task.model < 0) {
      this.#wasAnswered = true;
      return;
    }
    if (event.kind !== EventKind.resume || task?.isPaused !== true)
      broken('only what is paused or gave its lease back proceeds', `task ${index}`);
    task.pausedSinceMs = Number.NEGATIVE_INFINITY;
  }

  #giveBack(task: SeenTask): void {
    const keeps = task.phase !== Phase.leased || task.model >= 0 || task.hasBegun || task.group > 0;
    if (keeps || task.grownPools.length > 0 || task.poolsAlone.pools.length === 0) return;
    this.pools.release(task);
    task.lease = Lease.none;
    task.phase = Phase.away;
    this.hasLooked = true;
  }

  #grew(index: number, isGranted: boolean): void {
    const event = this.#event;
    this.#noteAnswer(EventKind.grow, 'a wish for more gets one answer');
    const task = this.tasks[index];
    const pool = this.pools.all[event.pool];
    const canGrow = task !== undefined && task.phase === Phase.leased && pool !== undefined && event.amount > 0;
    if (!canGrow) {
      if (isGranted) broken('a lease grows only while it fits', `task ${index}`);
      return;
    }
    const spare = pool.freeFor(task.classIndex) - event.amount;
    const isReserved = this.state.ledger.pools[event.pool]!.reservedFor >= 0;
    const isClose = !pool.isExact && Math.abs(spare) < 1e-9 * pool.capacity;
    if (!isClose && isGranted !== (spare >= 0 && !isReserved))
      broken('a lease grows only while it fits', `task ${index}, ${spare} to spare`);
    if (!isGranted) return;
    pool.noteAmount(event.amount);
    pool.take(task.classIndex, event.amount, this.nowMs);
    task.grownPools.push(event.pool);
    task.grownAmounts.push(event.amount);
  }

  #checkModelAnswer(): void {
    const { kind, model } = this.#event;
    if (this.#modelCommands > 0) return;
    const phase = this.models.all[model]?.phase;
    const isDue =
      (kind === EventKind.launch && (phase === 'idle' || phase === 'waiting')) ||
      (kind === EventKind.estimated && phase === 'launching') ||
      (kind === EventKind.timer &&
        this.models.all.some((other) => other.phase === 'waiting' && other.restartAtMs <= this.nowMs));
    if (isDue) broken('a model is started when its time has come', `model ${model}`);
  }

  #isQueued(tenant: number): boolean {
    const { live, state } = this;
    for (let t = 0; t < live.length; t++) {
      const task = live[t]!;
      // One that is leaving has left its heap before it changes its state.
      const isQueued = state.tasks.states[task.index] === TaskState.queued && state.tasks.orderAt[task.index] !== NONE;
      if (isQueued && queueTenant(this, task) === tenant) return true;
    }
    return false;
  }
}
