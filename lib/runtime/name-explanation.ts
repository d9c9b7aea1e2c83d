/** Puts names to an explanation, and times from now. */
import type { Blocker, Explanation, SchedulerState } from '../scheduler/index.js';
import { FROM_NOW, type UntoldWhy, type Why, type WhyBlocker, type WhyTask } from './why.js';
import { textOf } from './why-text.js';

/** @param nameOf - a task that is in use by its index */
export function whyOf(
  explanation: Explanation,
  state: SchedulerState,
  nameOf: (task: number) => WhyTask,
  nowMs: number,
): Why {
  const why = named(explanation, state, nameOf, nowMs);
  return { ...why, text: textOf(why) };
}

function named(
  explanation: Explanation,
  state: SchedulerState,
  nameOf: (task: number) => WhyTask,
  nowMs: number,
): UntoldWhy {
  const { task, waitMs, attempts } = explanation;
  if ('holds' in explanation) {
    const holds: Record<string, number> = {};
    for (const { pool, amount } of explanation.holds) holds[state.ledger.pools[pool]!.name] = amount;
    return { ...nameOf(task), state: explanation.state, waitMs, runMs: explanation.runMs, attempts, holds };
  }
  const { leader, blockers, next, ahead, heldByAncestor, reservation, estimate } = explanation;
  const fromNow = (instantMs: number | undefined) => (instantMs === undefined ? undefined : instantMs - nowMs);
  const nameAny = (other: number | undefined) => (other === undefined ? undefined : nameOf(other));
  return {
    ...nameOf(task),
    state: explanation.state,
    waitMs,
    attempts,
    leader: nameAny(leader),
    blockers: blockers.map((blocker) => nameBlocker(blocker, state, nameOf, nowMs)),
    next: next && { ...nameOf(next.task), rule: next.rule, starts: next.starts },
    ahead,
    heldByAncestor: nameAny(heldByAncestor),
    reservation: reservation && { forMs: nowMs - reservation.sinceMs, startInMs: fromNow(reservation.startMs) },
    estimate: estimate && { startInMs: estimate.startMs - nowMs, basis: estimate.basis },
  };
}

function nameBlocker(
  blocker: Blocker,
  state: SchedulerState,
  nameOf: (task: number) => WhyTask,
  nowMs: number,
): WhyBlocker {
  const fields = Object.entries(blocker).map(([key, value]: [string, unknown]) => {
    switch (key) {
      case 'task':
      case 'next':
        return [key, nameOf(value as number)];
      case 'inside':
        return [key, (value as readonly number[]).map(nameOf)];
      case 'holders':
        return [
          key,
          (value as readonly { task: number; amount: number }[]).map(({ task, amount }) => ({
            ...nameOf(task),
            amount,
          })),
        ];
      case 'pool':
        return [key, state.ledger.pools[value as number]!.name];
      case 'model':
        return [key, state.models[value as number]!.name];
      default:
    }
    if (!Object.hasOwn(FROM_NOW, key)) return [key, value];
    const instantMs = value as number | undefined;
    const name = FROM_NOW[key as keyof typeof FROM_NOW];
    if (instantMs === undefined) return [name, undefined];
    return [name, key === 'sinceMs' ? nowMs - instantMs : instantMs - nowMs];
  });
  return Object.fromEntries(fields) as WhyBlocker;
}
