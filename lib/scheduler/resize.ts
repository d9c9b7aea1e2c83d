/** A pool that becomes larger or smaller. */
import { dropReservation } from './reservation.js';
import type { SchedulerState } from './state.js';

/** @param capacity - ≥ 0; less than what is leased is fine: then nothing is granted there until enough came back */
export function resize(state: SchedulerState, pool: number, capacity: number): void {
  const { ledger } = state;
  const resized = ledger.pools[pool]!;
  resized.capacity = capacity;
  resized.version++;
  state.mayGrant = true;
  // A start time that was reserved may be none any more.
  if (state.reservations.length > 0) state.noteInstant(state.nowMs);
  // A head that has become too large for the machine must not hold it.
  for (const { task } of [...state.reservations]) {
    if (ledger.tooSmallFor(state.demandOf(task), state.tasks.classes[task]!) !== undefined)
      dropReservation(state, task);
  }
}
