/** A {@link Why} as one line for people. */
import type { RunningWhy, UntoldWhy, WaitingWhy, WhyBlocker } from './why.js';

export function textOf(why: UntoldWhy): string {
  return 'holds' in why ? textOfRunning(why) : textOfWaiting(why);
}

function textOfRunning({ state, runMs, holds }: Omit<RunningWhy, 'text'>): string {
  const held = Object.entries(holds).map(([pool, amount]) => `${amount} of ${pool}`);
  const what = held.length === 0 ? 'nothing' : list(held);
  if (state === 'settled') return `is settled, and still holds ${what} until it has ended`;
  if (state === 'awaiting') return `awaits its children; started ${seconds(runMs)} ago; holds nothing meanwhile`;
  return `${state === 'paused' ? 'is paused; started' : 'started'} ${seconds(runMs)} ago; holds ${what}`;
}

function textOfWaiting(why: Omit<WaitingWhy, 'text'>): string {
  const { blockers, ahead, next, id, heldByAncestor, estimate } = why;
  const parts = [blockers.length === 0 ? 'starts now' : blockers.map(textOfBlocker).join(', and ')];
  if (why.leader !== undefined) parts.push(`starts together with ${why.leader.id}`);
  if (heldByAncestor !== undefined) {
    parts.push(
      `its ancestor ${heldByAncestor.id} is among those in the way: if that one waits for it, neither goes on`,
    );
  }
  const before: string[] = [];
  if (ahead !== undefined && ahead.ofTenant > 0) before.push(`${ahead.ofTenant} of its tenant`);
  if (ahead !== undefined && ahead.tenants > 0) before.push(count(ahead.tenants, 'other tenant'));
  if (before.length > 0) {
    const isOwn = next === undefined || next.id === id;
    parts.push(`${list(before)} before it${isOwn ? '' : `, next ${next.id} (${next.rule})`}`);
  }
  if (why.reservation !== undefined) parts.push(`has it reserved for ${seconds(why.reservation.forMs)}`);
  if (estimate !== undefined) parts.push(`may start in about ${seconds(estimate.startInMs)}`);
  return parts.join('; ');
}

function textOfBlocker(blocker: WhyBlocker): string {
  switch (blocker.kind) {
    case 'shut':
      return 'the yard is paused';
    case 'size':
      return 'waits until its prompt is counted';
    case 'backOff':
      return `waits ${seconds(blocker.inMs)} before its next attempt`;
    case 'gang':
      return `waits for the others that start with it (${blocker.present} of ${blocker.size} are there)`;
    case 'group': {
      const first = blocker.ahead === 0 ? '' : `, ${blocker.ahead} of it before this`;
      return `waits for its group (${blocker.limit} at a time: ${names(blocker.inside, blocker.insideCount)}${first})`;
    }
    case 'pool': {
      const kept = blocker.isKept ? `, ${blocker.keptForOthers} kept for other classes` : '';
      const held = blocker.holderCount === 0 ? '' : `, held by ${names(blocker.holders, blocker.holderCount)}`;
      return `waits for ${blocker.pool} (needs ${blocker.needed}; ${blocker.free} of ${blocker.capacity} free${kept}${held})`;
    }
    case 'window': {
      const when = blocker.freeInMs === undefined ? '' : `, enough in ${seconds(blocker.freeInMs)}`;
      const held = blocker.holderCount === 0 ? '' : `, held by ${names(blocker.holders, blocker.holderCount)}`;
      return `waits for ${blocker.pool} (needs ${blocker.needed}; ${blocker.free} of ${blocker.capacity} left${when}${held})`;
    }
    case 'model': {
      const when = blocker.restartInMs === undefined ? '' : `, starts again in ${seconds(blocker.restartInMs)}`;
      return `waits for model ${blocker.model} (${blocker.phase}${when})`;
    }
    case 'reservation': {
      const when = blocker.startInMs === undefined ? '' : `, which can start in ${seconds(blocker.startInMs)}`;
      const pass = blocker.boundMsMax === undefined ? '' : ` (a bound of at most ${blocker.boundMsMax} ms would pass)`;
      return `${blocker.pool} is reserved for ${blocker.task.id}${when}${pass}`;
    }
    case 'head':
      return `waits behind ${blocker.task.id}, which goes first (${blocker.rule}) and cannot start`;
    case 'search':
      return `is not looked at yet (${blocker.ahead} with rare demands before it, ${blocker.depth} are looked at)`;
    default:
      return blocker satisfies never;
  }
}

/** The first few by name, the rest as a number. */
function names(tasks: readonly { readonly id: string }[], total: number): string {
  const NAMED = 3;
  const shown = tasks.slice(0, NAMED).map(({ id }) => id);
  return list(total > shown.length ? [...shown, `${total - shown.length} more`] : shown);
}

function list(items: readonly string[]): string {
  if (items.length < 2) return items.join();
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function seconds(ms: number): string {
  const rounded = Math.max(0, Math.round(ms));
  return rounded < 1_000 ? `${rounded} ms` : `${(rounded / 1_000).toFixed(1)} s`;
}
