/**
 * Is `why` right? Over a thousand times a random scheduler is stopped and one of its waiting tasks explained. Then the same state is made
 * again, and what the explanation names as the blockers is removed: the task must start, or the explanation must name what blocks it next,
 * until it has started. Whom it names as next must be the one that starts when just what is lacking becomes free. And removing anything that
 * it does not name must not start the task.
 */
import { describe, expect, it } from 'vitest';
import { Random } from '../../lib/base/random.js';
import { EventKind } from '../../lib/event/index.js';
import { WindowPool } from '../../lib/resource/index.js';
import { type Blocker, explain, RULE_NAMES, type WaitingExplanation } from '../../lib/scheduler/index.js';
import { Outcome, TaskState } from '../../lib/task/index.js';
import { bringModelUp, gangMate, playRandomly } from '../support/random-yard.js';
import type { RecordedScheduler } from '../support/recorded-scheduler.js';

const SITUATIONS = 1_200;
/** Ledger index of the slots of the only model. */
const MODEL_SLOTS = 1;

/** What must have been covered, and how often at least. */
const REQUIRED: Readonly<Record<string, number>> = {
  shut: 20,
  size: 20,
  backOff: 20,
  gang: 20,
  group: 20,
  pool: 100,
  window: 50,
  model: 20,
  reservation: 20,
  head: 5,
  search: 20,
  'pool, kept for others': 5,
  'window, sliding': 10,
  'window, fixed': 10,
  'window, time does not help': 3,
  'head, of all': 10,
  'head, of its line': 1,
  'with a start time': 3,
  'with a bound that would pass': 3,
  'held by an ancestor': 20,
  'member of a complete gang': 10,
  'has a reservation': 10,
  'next: itself': 100,
  'next: another': 100,
  'next: another that would not start': 5,
  'by reserved': 5,
  'by kept': 5,
  'by overdue': 5,
  'by share': 20,
  'by run': 5,
  'by order': 20,
  'started at once': 100,
  'started after others': 100,
  'others removed in vain': 500,
};

/** Time alone had made a start possible, and no event has made the scheduler look again. Must be rare. */
const LOOK_AGAIN = 'nothing but to look again';

type Count = (kind: string) => void;

function waitingExplanation(yard: RecordedScheduler, task: number): WaitingExplanation {
  const explanation = explain(yard.state, task, yard.nowMs);
  if (explanation === undefined || !('blockers' in explanation)) throw new Error(`task ${task} does not wait`);
  return explanation;
}

function isStarted(yard: RecordedScheduler, task: number): boolean {
  return yard.state.tasks.leased[task] === 1;
}

/** Pools that a blocker is about. */
function poolsOf(blockers: readonly Blocker[]): number[] {
  return blockers.flatMap((blocker) =>
    'pool' in blocker ? [blocker.pool] : blocker.kind === 'model' ? [MODEL_SLOTS] : [],
  );
}

/** Tasks that a blocker names. */
function named(blockers: readonly Blocker[]): number[] {
  return blockers.flatMap((blocker) => {
    if (blocker.kind === 'reservation' || blocker.kind === 'head') return [blocker.task];
    return blocker.kind === 'group' ? blocker.inside : [];
  });
}

function features(yard: RecordedScheduler, task: number, why: WaitingExplanation): string[] {
  const found: string[] = why.blockers.map(({ kind }) => kind);
  for (const blocker of why.blockers) {
    if (blocker.kind === 'pool') {
      if (blocker.isKept) found.push('pool, kept for others');
      if (blocker.free >= blocker.needed) found.push('pool, short by rounding alone');
    } else if (blocker.kind === 'window') {
      const { mode } = yard.state.config.windows[blocker.pool - 4]!;
      found.push(`window, ${mode}`);
      if (blocker.freeFromMs === undefined) found.push('window, time does not help');
    } else if (blocker.kind === 'head') {
      found.push(yard.state.config.headBlocks ? 'head, of all' : 'head, of its line');
    } else if (blocker.kind === 'reservation') {
      if (blocker.startMs !== undefined) found.push('with a start time');
      if (blocker.boundMsMax !== undefined) found.push('with a bound that would pass');
    }
  }
  if (why.heldByAncestor !== undefined) found.push('held by an ancestor');
  if (why.leader !== undefined) found.push('member of a complete gang');
  if (why.reservation !== undefined) found.push('has a reservation');
  if (why.next !== undefined) {
    const subject = why.leader ?? task;
    if (why.next.task === subject) found.push('next: itself');
    else found.push(why.next.starts ? 'next: another' : 'next: another that would not start');
    found.push(`by ${why.next.rule}`);
  }
  return found;
}

/** Takes a blocker away by means that anybody has: events, and time. */
function remove(yard: RecordedScheduler, random: Random, task: number, subject: number, blocker: Blocker): void {
  const { state } = yard;
  switch (blocker.kind) {
    case 'shut':
      yard.send(EventKind.open);
      return;
    case 'size':
      yard.send(EventKind.sized, { task, promptTokens: 5 });
      return;
    case 'backOff':
      yard.passUntil(blocker.untilMs);
      return;
    case 'gang': {
      const mate = gangMate(yard, task);
      const { pools, amounts } = state.demandOf(task);
      // Or the last member would be refused, and the gang with it.
      for (const [i, pool] of pools.entries()) makeRoom(yard, pool, amounts[i]! * blocker.size, task);
      for (let present = blocker.present; present < blocker.size; present++) yard.send(EventKind.submit, mate);
      return;
    }
    case 'group': {
      const member = random.pick(blocker.inside);
      if (isStarted(yard, member)) yard.end(member);
      else cancelWaiting(yard, member);
      return;
    }
    case 'model':
      bringModelUp(yard);
      return;
    case 'reservation':
      if (random.next() < 0.5) cancelWaiting(yard, blocker.task);
      else startFirst(yard, random, blocker.task, task);
      return;
    case 'head':
      cancelWaiting(yard, blocker.task);
      return;
    case 'search': {
      let older = state.queue.shapes[state.tasks.shapes[subject]!]!.first;
      while (state.tasks.states[older] !== TaskState.queued) older = state.tasks.next[older]!;
      if (older !== subject) cancelWaiting(yard, older);
      return;
    }
    case 'window':
      if (blocker.freeFromMs !== undefined) {
        yard.passUntil(blocker.freeFromMs);
        return;
      }
      if (blocker.needed > blocker.capacity) makeRoom(yard, blocker.pool, blocker.needed, subject);
      endHolders(yard, task, blocker.pool, Number.POSITIVE_INFINITY);
      yard.passUntil(state.ledger.pools[blocker.pool]!.nextRollMs());
      return;
    case 'pool': {
      makeRoom(yard, blocker.pool, blocker.needed, subject);
      endHolders(yard, task, blocker.pool, blocker.needed);
      return;
    }
    default:
      blocker satisfies never;
  }
}

/** Removes what blocks `head`, until it or `task` has started. */
function startFirst(yard: RecordedScheduler, random: Random, head: number, task: number): void {
  for (let round = 0; round < 50; round++) {
    if (!yard.waiting().includes(head)) return;
    for (const blocker of waitingExplanation(yard, head).blockers) {
      remove(yard, random, head, head, blocker);
      if (isStarted(yard, head) || isStarted(yard, task)) return;
    }
  }
}

/** An earlier removal may have started it. */
function cancelWaiting(yard: RecordedScheduler, task: number): void {
  if (yard.waiting().includes(task)) yard.send(EventKind.cancel, { task });
}

/** A pool that is too small for the task becomes large enough. */
function makeRoom(yard: RecordedScheduler, index: number, amount: number, task: number): void {
  const { capacity, kept } = yard.state.ledger.pools[index]!;
  const classIndex = yard.state.tasks.classes[task]!;
  const wanted = kept.reduce((sum, keptForClass, other) => sum + (other === classIndex ? 0 : keptForClass), amount);
  if (wanted > capacity) yard.send(EventKind.resize, { pool: index, amount: wanted });
}

/** Ends holders of a pool until so much of it is free for the task, or the task has started. */
function endHolders(yard: RecordedScheduler, task: number, index: number, amount: number): void {
  const { tasks, ledger, demands, grown } = yard.state;
  const pool = ledger.pools[index]!;
  for (const holder of yard.holders()) {
    if (isStarted(yard, task) || pool.freeFor(tasks.classes[task]!) >= amount) return;
    const holds = demands[tasks.demands[holder]!]!.pools.includes(index) || grown.get(holder)?.pools.includes(index);
    if (holds === true && isStarted(yard, holder)) yard.end(holder);
  }
}

/** What of an explanation must change when its blockers are removed and the task still waits. */
function position(yard: RecordedScheduler, why: WaitingExplanation): string {
  const blockers = why.blockers.map((blocker) => [
    blocker.kind,
    'pool' in blocker ? blocker.pool : '',
    'task' in blocker ? blocker.task : '',
    blocker.kind === 'group' || blocker.kind === 'search' ? blocker.ahead : '',
    blocker.kind === 'group' ? blocker.inside : '',
  ]);
  return JSON.stringify([blockers, yard.waiting().length]);
}

/** Removes what blocks the task until it has started. */
function startByRemoving(yard: RecordedScheduler, random: Random, task: number, count: Count): void {
  const rounds = 10 + yard.waiting().length * 4;
  for (let round = 1; round <= rounds; round++) {
    const why = waitingExplanation(yard, task);
    if (why.blockers.length === 0) count(LOOK_AGAIN);
    const before = position(yard, why);
    // Nothing blocks it any more: it is enough to look again.
    const removals: readonly (Blocker | undefined)[] = why.blockers.length > 0 ? why.blockers : [undefined];
    for (const blocker of removals) {
      if (blocker === undefined) yard.send(EventKind.open);
      else remove(yard, random, task, why.leader ?? task, blocker);
      if (isStarted(yard, task)) {
        count(round === 1 ? 'started at once' : 'started after others');
        return;
      }
    }
    expect(yard.state.tasks.isLive(task), `task ${task} was lost`).toBe(true);
    expect(position(yard, waitingExplanation(yard, task)), 'no progress').not.toBe(before);
  }
  throw new Error(`task ${task} has not started after ${rounds} rounds`);
}

/** Gives back, in one instant, just what the task lacks, and sees who starts. */
function expectNext(yard: RecordedScheduler, task: number, why: WaitingExplanation): void {
  // An engine has as many slots as it has.
  if (why.ahead === undefined || poolsOf(why.blockers).includes(MODEL_SLOTS)) return;
  const classIndex = yard.state.tasks.classes[task]!;
  yard.send(EventKind.shut);
  for (const blocker of why.blockers) {
    if (blocker.kind !== 'pool' && blocker.kind !== 'window') continue;
    const pool = yard.state.ledger.pools[blocker.pool]!;
    pool.leased += pool.freeForAfter(classIndex, classIndex, 0) - blocker.needed;
    pool.version++;
  }
  const grantsByRule = [...yard.state.grantsByRule];
  yard.send(EventKind.open);
  if (why.next === undefined || !why.next.starts) {
    expect(yard.started, 'somebody starts though nobody should').toEqual([]);
    return;
  }
  const { task: next, rule } = why.next;
  expect(yard.started[0], 'another goes first than was said').toBe(next);
  const byRule = RULE_NAMES.indexOf(rule);
  expect(yard.state.grantsByRule[byRule], `not by ${rule}`).toBeGreaterThan(grantsByRule[byRule]!);
}

/** Cancels a waiting task that the explanation does not name. */
function cancelAnother(yard: RecordedScheduler, random: Random, task: number, why: WaitingExplanation): boolean {
  const { gangs, reservations } = yard.state;
  const kinds = new Set(why.blockers.map(({ kind }) => kind));
  const spared = new Set([task, why.leader ?? task, ...named(why.blockers)]);
  // The chain of a head that stands before it, and those before it in a search.
  if (kinds.has('head')) for (const reservation of reservations) spared.add(reservation.task);
  if (kinds.has('search')) return false;
  for (const one of [...spared]) for (const member of gangs.of(one)?.members ?? []) spared.add(member);
  const candidates = yard.waiting().filter((other) => !spared.has(other));
  if (candidates.length === 0) return false;
  yard.send(EventKind.cancel, { task: random.pick(candidates) });
  return true;
}

/** Ends a task that holds nothing of what the explanation names. */
function endAnother(yard: RecordedScheduler, random: Random, task: number, why: WaitingExplanation): boolean {
  const { state } = yard;
  const { tasks, demands, groups, grown } = state;
  const kinds = new Set(why.blockers.map(({ kind }) => kind));
  if (kinds.has('head') || kinds.has('search')) return false;
  const pools = new Set(poolsOf(why.blockers));
  const holdsAlone = ['shut', 'size', 'backOff', 'gang'].some((kind) => kinds.has(kind as Blocker['kind']));
  if (!holdsAlone && kinds.has('reservation')) {
    for (const one of [task, ...named(why.blockers)]) for (const pool of state.demandOf(one).pools) pools.add(pool);
  }
  const group = groups.of(task);
  const candidates = yard.holders().filter((holder) => {
    if (group !== undefined && groups.of(holder) === group) return false;
    const held = [...demands[tasks.demands[holder]!]!.pools, ...(grown.get(holder)?.pools ?? [])];
    return !held.some((pool) => pools.has(pool) && !(state.ledger.pools[pool] instanceof WindowPool));
  });
  if (candidates.length === 0) return false;
  // Without success its children would end with it.
  yard.end(random.pick(candidates), Outcome.completed);
  return true;
}

/** Lets time pass until just before the instant that the explanation names. */
function waitTooShort(yard: RecordedScheduler, why: WaitingExplanation): boolean {
  for (const blocker of why.blockers) {
    const instantMs =
      blocker.kind === 'backOff' ? blocker.untilMs : blocker.kind === 'window' ? blocker.freeFromMs : undefined;
    if (instantMs === undefined || instantMs - 0.5 <= yard.nowMs) continue;
    yard.passUntil(instantMs - 0.5);
    return true;
  }
  return false;
}

describe('why a task waits', () => {
  it('is what really blocks it, and nothing else', { timeout: 60_000 }, () => {
    const counts = new Map<string, number>(Object.keys(REQUIRED).map((kind) => [kind, 0]));
    const count: Count = (kind) => counts.set(kind, (counts.get(kind) ?? 0) + 1);
    let situations = 0;
    for (let seed = 1; situations < SITUATIONS; seed++) {
      const random = new Random(seed);
      const yard = playRandomly(random, 30 + random.below(60));
      const rarest = yard
        .waiting()
        .map((task) => {
          const why = waitingExplanation(yard, task);
          return { task, why, seen: Math.min(...features(yard, task, why).map((kind) => counts.get(kind) ?? 0)) };
        })
        .toSorted((a, b) => a.seen - b.seen)
        .slice(0, 2);
      for (const { task, why } of rarest) {
        try {
          for (const kind of features(yard, task, why)) count(kind);
          expectNext(yard.replay(), task, why);
          for (const change of [cancelAnother, endAnother]) {
            const copy = yard.replay();
            if (!change(copy, random, task, why)) continue;
            if (copy.state.tasks.isLive(task)) expect(isStarted(copy, task), `${change.name} started it`).toBe(false);
            count('others removed in vain');
          }
          const early = yard.replay();
          if (waitTooShort(early, why)) expect(isStarted(early, task), 'it started too early').toBe(false);
          startByRemoving(yard.replay(), random, task, count);
          situations++;
        } catch (error) {
          const text = JSON.stringify(
            why,
            (_key, value) => (value === Number.POSITIVE_INFINITY ? 'Infinity' : value),
            1,
          );
          throw new Error(`seed ${seed}, task ${task}: ${(error as Error).message}\n${text}`, { cause: error });
        }
      }
    }
    const covered = [...counts].map(([kind, times]) => `${kind}: ${times}`).join(' · ');
    console.log(`${situations} situations. ${covered}`);
    expect(counts.get(LOOK_AGAIN) ?? 0).toBeLessThan(SITUATIONS / 100);
    for (const [kind, least] of Object.entries(REQUIRED)) {
      expect(counts.get(kind), `"${kind}" is not covered`).toBeGreaterThanOrEqual(least);
    }
  });
});
