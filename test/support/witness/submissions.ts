/** Submissions and their answers: who may enter, and what is known of whoever did. */
import type { SchedulerEvent } from '../../../lib/event/index.js';
import { Outcome, Reason } from '../../../lib/task/index.js';
import { broken } from './broken-invariant.js';
import { setSeconds } from './keys.js';
import { parentOf, reasonsToRefuse, workOf } from './refusals.js';
import { type SeenGang, SeenTask } from './seen-task.js';
import type { Witness } from './witness.js';

export class Submissions {
  readonly #witness: Witness;
  #sequence = 1;

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  /** The submission was accepted as task `index`. */
  admitted(event: SchedulerEvent, index: number): void {
    const witness = this.#witness;
    const { config } = witness;
    const who = `task ${index}`;
    if (witness.tasks[index] !== undefined) broken('an index in use is not given out', who);
    const reasons = reasonsToRefuse(witness, event);
    if (reasons.size > 0) broken('who must be refused is not admitted', `${who}, reasons ${[...reasons]}`);
    const parent = parentOf(witness, event);
    const task = new SeenTask(index);
    task.sequence = this.#sequence++;
    task.classIndex = event.classIndex;
    task.tenant = parent?.tenant ?? event.tenant;
    task.model = event.model;
    task.session = event.session;
    task.priority = event.priority;
    task.arrivalMs = witness.nowMs;
    task.deadlineMs = Math.min(event.deadlineMs, parent?.deadlineMs ?? Number.POSITIVE_INFINITY);
    task.declaredSeconds = event.serviceSeconds;
    task.size = event.size;
    task.promptTokens = event.promptTokens;
    task.outputLimit = event.outputLimit;
    task.boundMs = event.boundMs;
    task.timeoutMs = event.timeoutMs;
    task.maxAttempts = event.maxAttempts === 0 ? config.maxAttempts : event.maxAttempts;
    task.group = config.groupLimit < Number.POSITIVE_INFINITY && event.gang === 0 ? event.group : 0;
    task.demand = witness.demands[event.demand < 0 ? event.model : event.demand]!;
    task.poolsAlone = witness.vectors.part(task.demand, (pool) => !witness.pools.all[pool]!.isWindow);
    task.since = parent?.since ?? task.sequence;
    this.#adopt(task, parent, event);
    witness.retryBudget = Math.min(config.retryBudgetMin, witness.retryBudget + config.retryBudgetRatio);
    witness.vectors.kindOf(task.demand, task.classIndex, task.boundMs);
    task.at = witness.live.length;
    witness.live.push(task);
    witness.tasks[index] = task;
    if (event.gang !== 0) this.#joinGang(task, event);
    else if (event.promptTokens < 0) task.needsSize = true;
    else witness.becomeReady(task);
  }

  #adopt(task: SeenTask, parent: SeenTask | undefined, event: SchedulerEvent): void {
    const hasBudget = event.budget < Number.POSITIVE_INFINITY;
    if (parent === undefined) {
      if (hasBudget) task.run = { parent: undefined, budget: event.budget, spent: 0 };
      return;
    }
    task.parent = parent;
    task.depth = parent.depth + 1;
    parent.run ??= { parent: undefined, budget: Number.POSITIVE_INFINITY, spent: 0 };
    task.charge(workOf(event));
    task.run = hasBudget ? { parent: parent.run, budget: event.budget, spent: 0 } : parent.run;
  }

  /** It was turned down. */
  refused(event: SchedulerEvent, reason: Reason, b: number, c: number, d: number): void {
    const witness = this.#witness;
    witness.outcomes[Outcome.refused]!++;
    if (!reasonsToRefuse(witness, event).has(reason)) broken('nobody is refused without a reason', `reason ${reason}`);
    const settings = witness.config.classes[event.classIndex]!;
    const isLimit = reason === Reason.queueFull || reason === Reason.workFull;
    if (isLimit) {
      const limit = reason === Reason.queueFull ? settings.queueLimit : settings.workLimit;
      if (c !== limit || d < 1_000 || d > 60_000) broken('a refusal says the figures', `${b} of ${c}, after ${d} ms`);
    }
    if (reason === Reason.tooLarge && (c !== witness.pools.all[d]?.capacityFor(event.classIndex) || b <= c)) {
      broken('a refusal says the figures', `${b} of ${c} in pool ${d}`);
    }
    if (event.gang === 0) return;
    const gang = this.#gangOf(event);
    gang.arrived++;
    gang.isBroken = true;
    if (gang.arrived === gang.size) witness.gangs.delete(gang.number);
  }

  #gangOf(event: SchedulerEvent): SeenGang {
    let gang = this.#witness.gangs.get(event.gang);
    if (gang === undefined) {
      gang = {
        number: event.gang,
        size: event.gangSize,
        members: [],
        arrived: 0,
        isBroken: false,
        hasStarted: false,
        demand: undefined,
      };
      this.#witness.gangs.set(event.gang, gang);
    }
    return gang;
  }

  #joinGang(task: SeenTask, event: SchedulerEvent): void {
    const gang = this.#gangOf(event);
    gang.arrived++;
    gang.members.push(task);
    task.gang = gang;
    setSeconds(task, undefined);
    if (gang.arrived === gang.size) this.#witness.gangs.delete(gang.number);
    if (gang.members.length < gang.size) return;
    gang.demand = this.#witness.vectors.sum(gang.members.map(({ demand }) => demand));
    const leader = gang.members[0]!;
    this.#witness.vectors.kindOf(gang.demand, leader.classIndex, leader.wantsBoundMs);
    this.#witness.becomeReady(leader);
  }
}
