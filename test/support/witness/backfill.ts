/** When a reserved task can start, and who may start before it without delaying it. */

import type { Scene } from './scene.js';
import { amountIn, heldIn, type SeenTask } from './seen-task.js';

export const Pass = { no: 0, yes: 1, byBound: 2, unsure: 3 } as const;
export type Pass = (typeof Pass)[keyof typeof Pass];

const endsMs: number[] = [];
const holders: SeenTask[] = [];

/** When a reserved task can start if every running task ends at its bound and nobody else starts; Infinity when that cannot be said. */
export function startOf(scene: Scene, head: SeenTask): number {
  const { pools, amounts } = head.wants;
  let startMs = scene.nowMs;
  for (let i = 0; i < pools.length; i++) {
    const pool = scene.pools.all[pools[i]!]!;
    const amount = amounts[i]!;
    if (pool.freeFor(head.classIndex) >= amount) continue;
    const fromMs = pool.isWindow
      ? pool.freeFromMs(amount, scene.pools.runningIn(scene.live, pools[i]!))
      : freedMs(scene, pools[i]!, amount, head.classIndex);
    if (fromMs > startMs) startMs = fromMs;
  }
  return startMs;
}

/** May `task`, which fits, start although `heads` have reserved? */
export function passes(scene: Scene, task: SeenTask, heads: readonly SeenTask[]): Pass {
  const { pools, amounts } = task.wants;
  let verdict: Pass = Pass.yes;
  for (let h = 0; h < heads.length; h++) {
    const head = heads[h]!;
    if (head === task) continue;
    for (let i = 0; i < pools.length; i++) {
      const needed = amountIn(head.wants, pools[i]!);
      if (needed === 0) continue;
      const pool = scene.pools.all[pools[i]!]!;
      const left = pool.freeFor(head.classIndex, task.classIndex, amounts[i]!);
      const isClose = !pool.isExact && Math.abs(left - needed) < 1e-9 * pool.capacity;
      const free = pool.freeFor(head.classIndex);
      // The head does not use what is kept for others, nor does it need what the next window brings anew.
      if (!isClose && (left >= needed || left >= free)) continue;
      if (pool.beginsAfresh && free < needed && !isClose) continue;
      const boundMs = task.wantsBoundMs;
      if (boundMs === 0 || pool.isWindow) {
        if (!isClose) return Pass.no;
        verdict = Pass.unsure;
        continue;
      }
      // Where amounts do not add up exactly, the last bit may decide when enough has come back.
      if (isClose || !areExact(scene, head)) {
        verdict = Pass.unsure;
        continue;
      }
      const startMs = startOf(scene, head);
      if (startMs === Number.POSITIVE_INFINITY || scene.nowMs + boundMs > startMs) return Pass.no;
      if (verdict === Pass.yes) verdict = Pass.byBound;
    }
  }
  return verdict;
}

function areExact(scene: Scene, task: SeenTask): boolean {
  const { pools } = task.wants;
  for (let i = 0; i < pools.length; i++) if (!scene.pools.all[pools[i]!]!.isExact) return false;
  return true;
}

function freedMs({ live, pools, nowMs }: Scene, index: number, amount: number, classIndex: number): number {
  endsMs.length = 0;
  holders.length = 0;
  for (let t = 0; t < live.length; t++) {
    const task = live[t]!;
    if (!task.holdsLease) continue;
    const endMs = task.grantMs + task.boundMs;
    // One past its bound may end at any time or never.
    if (task.boundMs === 0 || endMs <= nowMs || heldIn(task, index) === 0) continue;
    let at = endsMs.length;
    while (at > 0 && endsMs[at - 1]! > endMs) at--;
    endsMs.splice(at, 0, endMs);
    holders.splice(at, 0, task);
  }
  const pool = pools.all[index]!;
  const { leased } = pool;
  const byClass = pool.leasedByClass.slice();
  let fromMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < holders.length; i++) {
    const holder = holders[i]!;
    const held = heldIn(holder, index);
    pool.leased -= held;
    pool.leasedByClass[holder.classIndex]! -= held;
    if (pool.freeFor(classIndex) < amount) continue;
    fromMs = endsMs[i]!;
    break;
  }
  pool.leased = leased;
  pool.leasedByClass.set(byClass);
  return fromMs;
}
