/** Each grant, looked at in the state in which it was given: whose turn was it, by which rule, and who was passed. */
import { RULE_NAMES, Rule } from '../../../lib/scheduler/index.js';
import { Pass, passes } from './backfill.js';
import { broken } from './broken-invariant.js';
import { mayOvertake, rekey } from './keys.js';
import { isInCatchAll, queueTenant } from './scene.js';
import { Lease, Phase, type SeenGang, type SeenTask } from './seen-task.js';
import type { Witness } from './witness.js';

export class Grants {
  readonly #witness: Witness;
  readonly #grantsByRule = new Float64Array(RULE_NAMES.length);
  readonly #before: SeenTask[] = [];
  readonly #after: SeenTask[] = [];
  #startingGang: SeenGang | undefined;
  #gangRule: Rule = Rule.order;
  #gangStarted = 0;

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  /** A `start` command was given. */
  start(index: number, model: number, slot: number, rank: number): void {
    const { isShut, share, tasks } = this.#witness;
    const task = tasks[index];
    if (task === undefined || task.phase !== Phase.waits) broken('only what waits starts', `task ${index}`);
    this.#witness.grants++;
    const counted = this.#countedRule();
    const gang = this.#startingGang;
    if (gang?.members.includes(task) === true) {
      rekey(this.#witness.config, task);
      task.isReady = true;
      this.#gangStarted++;
      this.#take(task, this.#gangRule, counted);
    } else {
      this.finish();
      if (isShut) broken('nothing starts while the yard is shut', `task ${index}`);
      if (!task.isGrantable) broken('only what may be granted starts', `task ${index}`);
      const rule = this.#judge(task, counted);
      if (task.gang !== undefined && !task.gang.hasStarted) {
        this.#startingGang = task.gang;
        this.#gangStarted = 1;
        this.#gangRule = rule;
        task.gang.hasStarted = true;
      }
      this.#take(task, rule, counted);
    }
    share.noteStarted();
    this.#checkStart(task, model, slot, rank);
  }

  /** A `proceed` command told a function that gave its lease back that it has it again. */
  again(index: number): void {
    const { isShut, share, tasks } = this.#witness;
    const task = tasks[index]!;
    this.#witness.grants++;
    const counted = this.#countedRule();
    this.finish();
    if (isShut) broken('nothing starts while the yard is shut', `task ${index}`);
    if (!task.isGrantable) broken('only what may be granted starts', `task ${index}`);
    this.#take(task, this.#judge(task, counted), counted);
    share.noteStarted();
  }

  #countedRule(): Rule {
    const { grantsByRule } = this.#witness.state;
    let counted = -1;
    for (let rule = 0; rule < grantsByRule.length; rule++) {
      const more = grantsByRule[rule]! - this.#grantsByRule[rule]!;
      if (more === 1 && counted === -1) counted = rule;
      else if (more !== 0) counted = -2;
    }
    this.#grantsByRule.set(grantsByRule);
    if (counted < 0) broken('a grant is counted under its rule', 'none or several were counted');
    return counted as Rule;
  }

  /** Is it this task's turn? @returns the rule that says so */
  #judge(task: SeenTask, counted: Rule): Rule {
    const witness = this.#witness;
    const { state, pools, precedence, reservations } = witness;
    const before = this.#before;
    const after = this.#after;
    before.length = 0;
    after.length = 0;
    for (let r = 0; r < state.reservations.length; r++) {
      const reservation = state.reservations[r]!;
      const head = witness.tasks[reservation.task];
      if (head === undefined) broken('a reservation is for somebody who waits', `task ${reservation.task}`);
      after.push(head);
      if (reservations.known.includes(reservation)) before.push(head);
    }
    const wasReserved = reservations.heads.includes(task);
    reservations.look();
    if (counted === Rule.reserved) {
      if (!wasReserved) broken('a grant is counted under its rule', `task ${task.index} had no reservation`);
      return Rule.reserved;
    }
    for (let h = 0; h < before.length; h++) {
      if (pools.fits(before[h]!.wants, before[h]!.classIndex)) {
        broken('a reserved task starts as soon as it fits', `task ${before[h]!.index}, but ${task.index} started`);
      }
    }
    if (passes(witness, task, after) === Pass.no)
      broken('nothing that starts delays a reserved start', `task ${task.index}`);
    precedence.choose(before, after);
    if (precedence.isUnsure) {
      witness.unsure++;
      for (let t = 0; t < witness.live.length; t++) witness.live[t]!.passedOverdue = 0;
      return -1 as Rule;
    }
    if (precedence.task !== task) this.#wrongTurn(task);
    if (precedence.unreserved !== undefined) {
      broken(
        'a large task at the head gets a reservation',
        `task ${precedence.unreserved.index} is passed by ${task.index}`,
      );
    }
    if (precedence.pass === Pass.byBound) witness.backfilled++;
    // What is kept for a class may serve an overdue task, too: that was a turn.
    if (counted !== Rule.kept || precedence.rule === Rule.overdue) this.#checkOverdue(task, after);
    if (precedence.rule >= Rule.share) this.#checkOvertaking(task);
    // Other tenants' tasks that do not fit may count as contenders: they might have reserved.
    const isShare = precedence.rule > Rule.share && precedence.isContended === undefined && counted === Rule.share;
    return isShare ? Rule.share : precedence.rule;
  }

  #wrongTurn(task: SeenTask): never {
    const { task: first, rule } = this.#witness.precedence;
    const detail = `task ${task.index} started, it was the turn of ${first?.index ?? 'nobody'} (${RULE_NAMES[rule]})`;
    if (first === undefined) broken('nobody starts out of turn', detail);
    if (rule === Rule.overdue) broken('every fourth grant goes to the oldest overdue task', detail);
    if (queueTenant(this.#witness, first) !== queueTenant(this.#witness, task))
      broken('the tenant that was served least goes first', detail);
    if (first.isOfRun !== task.isOfRun) broken('work of a started run goes first while it has budget', detail);
    broken('inside a tenant the order decides', detail);
  }

  /** Inside a tenant and a kind, only who came soon enough after may go before. */
  #checkOvertaking(task: SeenTask): void {
    const witness = this.#witness;
    const { live, config } = witness;
    const shapes = witness.state.tasks.shapes;
    for (let o = 0; o < live.length; o++) {
      const other = live[o]!;
      if (!other.isGrantable || other.sequence >= task.sequence || other.isOfRun !== task.isOfRun) continue;
      if (shapes[other.index] !== shapes[task.index] || queueTenant(witness, other) !== queueTenant(witness, task))
        continue;
      if (isInCatchAll(witness, task) || mayOvertake(config, task, other)) continue;
      broken('the order bounds how late one may come and go first', `task ${task.index} passed ${other.index}`);
    }
  }

  /** An overdue task with m older ones on its pool starts within n · (m + 1) grants there, while it can start at all. */
  #checkOverdue(task: SeenTask, heads: readonly SeenTask[]): void {
    const witness = this.#witness;
    const { live, precedence, config } = witness;
    if (config.headBlocks) return;
    const shapes = witness.state.tasks.shapes;
    for (let o = 0; o < live.length; o++) {
      const waiting = live[o]!;
      if (waiting === task || !precedence.isOverdue(waiting)) continue;
      const { pools } = waiting.wants;
      if (pools.length !== 1 || !task.wants.pools.includes(pools[0]!)) continue;
      let canStart = waiting.isGrantable && !isInCatchAll(witness, waiting) && precedence.canStart(waiting, heads);
      for (let p = 0; p < live.length && canStart; p++) {
        const other = live[p]!;
        if (!other.isGrantable || other.sequence >= waiting.sequence || shapes[other.index] !== shapes[waiting.index])
          continue;
        canStart = precedence.canStart(other, heads);
      }
      if (!canStart) {
        waiting.passedOverdue = 0;
        waiting.olderServed = 0;
        continue;
      }
      if (precedence.rule === Rule.overdue && task.sequence < waiting.sequence) waiting.olderServed++;
      if (++waiting.passedOverdue >= config.overdueEvery * (waiting.olderServed + 1)) {
        broken('an overdue task gets its turn', `task ${waiting.index} was passed ${waiting.passedOverdue} times`);
      }
    }
  }

  /** @param rule - what decided; -1 where rounding did */
  #take(task: SeenTask, rule: Rule, counted: Rule): void {
    const witness = this.#witness;
    const { pools, share, nowMs } = witness;
    const { classIndex } = task;
    const demand = task.holding;
    const who = `task ${task.index}`;
    const needsKept = rule === Rule.reserved ? false : pools.needsKept(demand, classIndex);
    if ((rule as number) >= 0 && needsKept !== undefined) {
      const expected = needsKept ? Rule.kept : rule;
      if (counted !== expected)
        broken('a grant is counted under its rule', `${who}: ${RULE_NAMES[counted]}, not ${RULE_NAMES[expected]}`);
    }
    pools.take(demand, classIndex, nowMs, who);
    for (let i = 0; i < demand.pools.length; i++) {
      const pool = pools.all[demand.pools[i]!]!;
      if ((rule as number) < 0)
        pool.grantsSinceOverdue = witness.state.ledger.pools[demand.pools[i]!]!.grantsSinceOverdue;
      else pool.grantsSinceOverdue = rule === Rule.overdue ? 0 : pool.grantsSinceOverdue + 1;
    }
    if ((rule as number) < 0) witness.backfilled = witness.state.backfilled;
    task.phase = Phase.leased;
    task.isGrantable = false;
    task.passedOverdue = 0;
    task.olderServed = 0;
    if (task.isAside) {
      task.lease = Lease.pools;
      task.backMs = nowMs;
      return;
    }
    task.attempts++;
    task.grantMs = nowMs;
    if (task.attempts === 1) {
      share.expectGranted(queueTenant(witness, task), task.model < 0 ? task.size : Math.max(0, task.promptTokens));
    }
  }

  #checkStart(task: SeenTask, model: number, slot: number, rank: number): void {
    const { nowMs, live, config, models } = this.#witness;
    const who = `task ${task.index}`;
    if (task.attempts > task.maxAttempts) broken('attempts are bounded', who);
    if (task.startByMs <= nowMs) broken('nobody starts too late', who);
    if (rank !== task.urgency) broken('a start says the rank', `${who}: ${rank}, not ${task.urgency}`);
    if (model !== task.model) broken('a start says where', who);
    if (task.group > 0) {
      let inside = 0;
      for (let o = 0; o < live.length; o++) {
        const other = live[o]!;
        if (other.group === task.group && (other.phase === Phase.leased || other.phase === Phase.over)) inside++;
      }
      if (inside > config.groupLimit) broken('no more of a group run than may', `group ${task.group}: ${inside}`);
    }
    if (model < 0) return;
    const { tasks } = models.all[model]!;
    if (slot < 0 || slot >= tasks.length || tasks[slot] !== undefined) broken('a slot holds one task', `slot ${slot}`);
    if (!models.all[model]!.isBestSlot(slot, task.session))
      broken('a slot is chosen for what it holds', `slot ${slot}`);
    tasks[slot] = task;
    task.slot = slot;
  }

  /** The decision is over, or another task starts: a gang that began to start must have started. */
  finish(): void {
    const gang = this.#startingGang;
    this.#startingGang = undefined;
    if (gang !== undefined && this.#gangStarted !== gang.size) {
      broken('a gang starts all or none', `${this.#gangStarted} of ${gang.size} started`);
    }
  }
}
