/**
 * Who goes first, by looking at everybody: the precedence of the product, without its queues.
 *
 * Tasks that may be granted are gone through in the order of the rules. The first that fits and may pass the reservations starts.
 * Tasks of one kind (see Vectors) stand behind one another: where the first of them cannot start, neither may the others now. Of a
 * catch-all only one task counts: the oldest that can start, among the oldest `searchDepth`.
 */
import { Rule } from '../../../lib/scheduler/index.js';
import { Pass, passes } from './backfill.js';
import { broken } from './broken-invariant.js';
import { isInCatchAll, queueTenant, type Scene } from './scene.js';
import type { SeenTask, Vector } from './seen-task.js';

export class Precedence {
  /** Whose turn it is; undefined when nobody may start. */
  task: SeenTask | undefined;
  rule: Rule = Rule.order;
  pass: Pass = Pass.yes;
  /** Had the share to choose between tenants whose tasks fit? Undefined: there were others, but theirs do not fit. */
  isContended: boolean | undefined = false;
  /** Rounding alone decides: nothing can be said. */
  isUnsure = false;
  /** A task that was passed, could have reserved and did not. */
  unreserved: SeenTask | undefined;
  readonly #scene: Scene;
  /** By shape: the choice in which it was passed over. */
  #passedOverIn = new Int32Array(64);
  #choices = 0;
  readonly #starters: boolean[] = [];
  readonly #standsIn: (SeenTask | undefined)[] = [];
  readonly #heads: SeenTask[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /**
   * Finds the task whose turn it is.
   * @param before - tasks with a reservation when the choice began
   * @param after - tasks with a reservation when it was made: those that were gone past and could reserve must be among them
   */
  choose(before: readonly SeenTask[], after: readonly SeenTask[]): void {
    const scene = this.#scene;
    this.task = undefined;
    this.isUnsure = false;
    this.unreserved = undefined;
    this.#choices++;
    const shapes = scene.state.shapes.all.length;
    if (shapes > this.#passedOverIn.length) this.#passedOverIn = new Int32Array(shapes * 2);
    this.#heads.length = 0;
    for (let i = 0; i < before.length; i++) this.#heads.push(before[i]!);
    for (;;) {
      const first = this.#nextInLine();
      if (first === undefined) return;
      const fits = this.#fits(first);
      const pass = fits ? passes(scene, first, this.#heads) : Pass.no;
      if (pass === Pass.unsure) {
        this.isUnsure = true;
        return;
      }
      if (pass !== Pass.no) {
        this.task = first;
        this.pass = pass;
        return;
      }
      if (scene.config.headBlocks) return;
      if (!fits) this.#passOver(first, after);
      this.#passedOverIn[this.#shape(first)] = this.#choices;
    }
  }

  /** Nobody may start: brute force over all that wait. @param hasLooked - a choice was made in this decision, so bounds were looked at */
  checkNobodyCanStart(heads: readonly SeenTask[], hasLooked: boolean): void {
    const { live, config } = this.#scene;
    if (config.headBlocks) {
      if (!hasLooked) return;
      this.choose(heads, heads);
      if (this.task !== undefined && !this.isUnsure)
        broken('no task that fits waits', `${this.task.index} is the first and fits`);
      return;
    }
    for (let t = 0; t < live.length; t++) {
      const task = live[t]!;
      if (!task.isGrantable || !this.#canStart(task, heads, hasLooked)) continue;
      if (isInCatchAll(this.#scene, task)) {
        if (this.#olderInShape(task) < config.searchDepth)
          broken('no task that fits waits', `${task.index} in the catch-all`);
        continue;
      }
      // One of its kind that stands before it may ask for a little more.
      let canAll = true;
      for (let o = 0; o < live.length && canAll; o++) {
        const other = live[o]!;
        if (other !== task && other.isGrantable && this.#shape(other) === this.#shape(task)) {
          canAll = this.#canStart(other, heads, hasLooked);
        }
      }
      if (canAll) broken('no task that fits waits', `task ${task.index}`);
    }
  }

  /** Could it start now, whoever else waits? */
  canStart(task: SeenTask, heads: readonly SeenTask[]): boolean {
    return this.#canStart(task, heads, true);
  }

  /** Grantable tasks of its shape that were submitted before it. */
  #olderInShape(task: SeenTask): number {
    const { live } = this.#scene;
    let older = 0;
    for (let o = 0; o < live.length; o++) {
      const other = live[o]!;
      if (other.isGrantable && other.sequence < task.sequence && this.#shape(other) === this.#shape(task)) older++;
    }
    return older;
  }

  #canStart(task: SeenTask, heads: readonly SeenTask[], withBounds: boolean): boolean {
    if (!this.#fits(task)) return false;
    const pass = passes(this.#scene, task, heads);
    return pass === Pass.yes || (withBounds && pass === Pass.byBound);
  }

  #fits(task: SeenTask): boolean {
    const { pools } = this.#scene;
    return pools.fits(task.wants, task.classIndex);
  }

  #shape(task: SeenTask): number {
    return this.#scene.state.tasks.shapes[task.index]!;
  }

  /** Everybody in the catch-all is represented by one. */
  #chooseStandIns(): void {
    const { live, config } = this.#scene;
    const standsIn = this.#standsIn;
    standsIn.length = 0;
    if (!this.#hasCatchAll()) return;
    for (let pass = 0; pass < 2; pass++) {
      for (let t = 0; t < live.length; t++) {
        const task = live[t]!;
        if (!task.isGrantable || !isInCatchAll(this.#scene, task)) continue;
        const shape = this.#shape(task);
        if (this.#passedOverIn[shape] === this.#choices) continue;
        // Second round: the oldest of those in which nobody can start.
        const isCandidate =
          pass === 0
            ? this.#olderInShape(task) < config.searchDepth && this.#canStart(task, this.#heads, true)
            : !this.#hasStarter(shape);
        if (!isCandidate) continue;
        const other = standsIn[shape];
        if (other === undefined || task.sequence < other.sequence) standsIn[shape] = task;
      }
      if (pass === 0)
        for (let shape = 0; shape < standsIn.length; shape++) this.#starters[shape] = standsIn[shape] !== undefined;
    }
    this.#starters.length = 0;
  }

  #hasCatchAll(): boolean {
    const { live } = this.#scene;
    for (let t = 0; t < live.length; t++) if (live[t]!.isGrantable && isInCatchAll(this.#scene, live[t]!)) return true;
    return false;
  }

  #hasStarter(shape: number): boolean {
    return this.#starters[shape] === true;
  }

  #isOpen(task: SeenTask): boolean {
    return task.isGrantable && this.#passedOverIn[this.#shape(task)] !== this.#choices;
  }

  #isCandidate(task: SeenTask): boolean {
    if (!this.#isOpen(task)) return false;
    return !isInCatchAll(this.#scene, task) || this.#standsIn[this.#shape(task)] === task;
  }

  #nextInLine(): SeenTask | undefined {
    const scene = this.#scene;
    const { live, share } = scene;
    this.#chooseStandIns();
    let oldest: SeenTask | undefined;
    let tenant = -1;
    let someTenant = -1;
    let fittingTenant = -1;
    this.isContended = false;
    for (let t = 0; t < live.length; t++) {
      const task = live[t]!;
      if (!this.#isOpen(task)) continue;
      const own = queueTenant(scene, task);
      if (someTenant === -1) someTenant = own;
      else if (someTenant !== own && this.isContended === false) this.isContended = undefined;
      if (this.isContended !== true && !isInCatchAll(scene, task) && this.#fits(task)) {
        if (fittingTenant === -1) fittingTenant = own;
        else if (fittingTenant !== own) this.isContended = true;
      }
      if (!this.#isCandidate(task)) continue;
      if (this.isOverdue(task) && this.#isTurn(task.wants) && (oldest === undefined || task.sequence < oldest.sequence))
        oldest = task;
      if (tenant === -1) tenant = own;
      else if (own !== tenant && isServedFirst(share.beforeGrant(own), own, share.beforeGrant(tenant), tenant))
        tenant = own;
    }
    if (oldest !== undefined) {
      this.rule = Rule.overdue;
      return oldest;
    }
    let best: SeenTask | undefined;
    for (let t = 0; t < live.length; t++) {
      const task = live[t]!;
      if (!this.#isCandidate(task) || queueTenant(scene, task) !== tenant || !this.#isFirstOfLane(task)) continue;
      if (best === undefined || this.#goesBefore(task, best)) best = task;
    }
    if (best !== undefined)
      this.rule = this.isContended === true ? Rule.share : this.#isOfRun(best) ? Rule.run : Rule.order;
    return best;
  }

  isOverdue(task: SeenTask): boolean {
    return this.#scene.nowMs - task.arrivalMs >= this.#scene.config.classes[task.classIndex]!.boundMs;
  }

  #isTurn({ pools }: Vector): boolean {
    const { config } = this.#scene;
    for (let i = 0; i < pools.length; i++) {
      if (this.#scene.pools.all[pools[i]!]!.grantsSinceOverdue + 1 < config.overdueEvery) return false;
    }
    return true;
  }

  #isOfRun(task: SeenTask): boolean {
    return task.isOfRun;
  }

  #goesBefore(task: SeenTask, other: SeenTask): boolean {
    const isOfRun = this.#isOfRun(task);
    if (isOfRun !== this.#isOfRun(other)) return isOfRun;
    const a = this.#score(task);
    const b = this.#score(other);
    return a > b || (a === b && task.sequence < other.sequence);
  }

  /** Only tasks of one lane keep their order, so the order inside a lane is that of its key. */
  #isFirstOfLane(task: SeenTask): boolean {
    const { live, config } = this.#scene;
    if (config.order.name !== 'seed' || task.isOfRun || isInCatchAll(this.#scene, task)) return true;
    for (let o = 0; o < live.length; o++) {
      const other = live[o]!;
      if (other === task || !other.isGrantable || other.lane !== task.lane || other.isOfRun !== task.isOfRun) continue;
      if (
        this.#shape(other) !== this.#shape(task) ||
        queueTenant(this.#scene, other) !== queueTenant(this.#scene, task)
      )
        continue;
      if (other.key > task.key || (other.key === task.key && other.sequence < task.sequence)) return false;
    }
    return true;
  }

  #score(task: SeenTask): number {
    const { config, nowMs } = this.#scene;
    if (config.order.name !== 'seed' || task.isOfRun) return task.key;
    return task.size / (task.seconds + (nowMs - task.arrivalMs) / 1_000);
  }

  /** Somebody behind it may start now. It reserves, if it can. */
  #passOver(head: SeenTask, after: readonly SeenTask[]): void {
    if (after.includes(head)) {
      if (!this.#heads.includes(head)) this.#heads.push(head);
      return;
    }
    if (this.canReserve(head, this.#heads) === true) this.unreserved = head;
  }

  /** Is something that it lacks free in part, nothing it needs reserved for another or cooling off, and is the machine large enough? Undefined: rounding decides. */
  canReserve(head: SeenTask, heads: readonly SeenTask[]): boolean | undefined {
    const { pools, nowMs } = this.#scene;
    const { wants, classIndex } = head;
    let lacksSome = false;
    let isClose = false;
    for (let i = 0; i < wants.pools.length; i++) {
      const pool = pools.all[wants.pools[i]!]!;
      const amount = wants.amounts[i]!;
      if (pool.reservableFromMs > nowMs || pool.capacityFor(classIndex) < amount) return false;
      for (let h = 0; h < heads.length; h++)
        if (heads[h] !== head && heads[h]!.wants.pools.includes(wants.pools[i]!)) return false;
      const free = pool.freeFor(classIndex);
      const isEdge =
        !pool.isExact && (Math.abs(free) < 1e-9 * pool.capacity || Math.abs(free - amount) < 1e-9 * pool.capacity);
      if (isEdge) isClose = true;
      else if (free > 0 && free < amount) lacksSome = true;
    }
    return lacksSome ? true : isClose ? undefined : false;
  }
}

function isServedFirst(counter: number, tenant: number, than: number, other: number): boolean {
  return counter < than || (counter === than && tenant < other);
}
