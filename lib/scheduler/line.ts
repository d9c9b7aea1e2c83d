/** Who goes first: the scheduler's own choice, asked as if what a task lacks had become free, and how many stand before it. */
import { NONE, RUN_LANE } from '../task/index.js';
import { asIfFree, type Lack } from './as-if.js';
import { decidingRule, isBetter, nextGrant } from './grant.js';
import { Passage, passageAt } from './reservation.js';
import { RULE_NAMES, Rule, type RuleName } from './rule.js';
import type { SchedulerState } from './state.js';

/** The task whose turn it would be. */
export interface NextInLine {
  readonly task: number;
  /** The rule that puts it first, as `grantsByRule` counts it. */
  readonly rule: RuleName;
  /** False when it lacks more than that: then what became free is held for it. */
  readonly starts: boolean;
}

/** How many stand before a task among those that ask for one of the same pools. */
export interface Ahead {
  /** Tasks of its own tenant that go first by the order. */
  readonly ofTenant: number;
  /** Other tenants that have been served less, and have something waiting. */
  readonly tenants: number;
}

/** Who starts, or is waited for, once `lacks` have become free at `atMs`, which is what `task` lacks; undefined when nobody is. */
export function nextInLine(
  state: SchedulerState,
  task: number,
  lacks: readonly Lack[],
  atMs: number,
): NextInLine | undefined {
  return asIfFree(state, lacks, atMs, () => {
    const passedOver: { task: number; rule: Rule }[] = [];
    const choice = nextGrant(state, (head, rule) => passedOver.push({ task: head, rule }));
    if (choice !== undefined) {
      const rule = RULE_NAMES[decidingRule(state, choice.task, choice.rule)]!;
      return { task: choice.task, rule, starts: true };
    }
    const head = reservedBefore(state, task);
    if (head !== NONE) return { task: head, rule: RULE_NAMES[Rule.reserved], starts: false };
    const shape = state.tasks.shapes[task];
    const before = state.config.headBlocks
      ? passedOver[0]
      : passedOver.find((turn) => state.tasks.shapes[turn.task] === shape);
    return before === undefined ? undefined : { ...before, rule: RULE_NAMES[before.rule], starts: false };
  });
}

/**
 * @param task - queued
 * @param pools - those that count
 * Cost: O(tasks of the tenant that go first + tenants that go first).
 */
export function aheadOf(state: SchedulerState, task: number, pools: readonly number[]): Ahead {
  const { tasks, queue } = state;
  const tenant = state.queueTenant(tasks.tenants[task]!);
  const ownShape = tasks.shapes[task]!;
  const isRun = tasks.lanes[task]! >= RUN_LANE;
  const shareKey = state.config.share.key(tenant);
  const isSingle = state.config.share.single === true;
  const others = new Set<number>();
  const competes = (candidate: number) => intersect(state.demandOf(candidate).pools, pools);
  let ofTenant = 0;
  for (const [index, shape] of queue.shapes.entries()) {
    if (shape.queued === 0) continue;
    const { isCatchAll, pools: asked } = state.shapes.all[index]!;
    if (!isCatchAll && !intersect(asked, pools)) continue;
    if (!isSingle) shape.flows.forEachBefore(shareKey, tenant, (flow) => others.add(flow.tenant));
    if (isCatchAll && index === ownShape) {
      // Of these the oldest that fits goes first, whatever the order says.
      for (let older = shape.first; older !== task; older = tasks.next[older]!) {
        const isMate = tasks.orderAt[older] !== NONE && state.queueTenant(tasks.tenants[older]!) === tenant;
        if (isMate && competes(older)) ofTenant++;
      }
      continue;
    }
    const flow = queue.flowOf(tenant, index);
    if (flow === undefined) continue;
    const count = (candidate: number) => {
      // Work of started runs goes before all that is not.
      const isBefore = (tasks.lanes[candidate]! >= RUN_LANE && !isRun) || goesBefore(state, candidate, task);
      if (isBefore && (!isCatchAll || competes(candidate))) ofTenant++;
      return isBefore;
    };
    for (const lane of flow.runLanes) lane.countAhead(count);
    if (!isRun) for (const lane of flow.lanes) lane.countAhead(count);
  }
  return { ofTenant, tenants: others.size };
}

/** In one lane the key decides, between lanes the score. */
function goesBefore(state: SchedulerState, candidate: number, task: number): boolean {
  const { tasks } = state;
  if (candidate === task) return false;
  if (tasks.lanes[candidate] !== tasks.lanes[task]) return isBetter(state, candidate, task);
  const key = tasks.keys[candidate]!;
  const than = tasks.keys[task]!;
  return key > than || (key === than && tasks.sequences[candidate]! < tasks.sequences[task]!);
}

/** The head whose reservation `task` may not pass, or NONE. */
function reservedBefore(state: SchedulerState, task: number): number {
  const { pools, amounts } = state.demandOf(task);
  for (let i = 0; i < pools.length; i++) {
    if (passageAt(state, task, pools[i]!, amounts[i]!) === Passage.no)
      return state.ledger.pools[pools[i]!]!.reservedFor;
  }
  return NONE;
}

function intersect(a: readonly number[], b: readonly number[]): boolean {
  return a.some((pool) => b.includes(pool));
}
