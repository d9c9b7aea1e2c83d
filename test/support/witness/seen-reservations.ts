/** Reservations as they come and go. Commands do not tell of them, so they are read from the core; what is checked is that each has its reason. */
import type { SchedulerState } from '../../../lib/scheduler/index.js';
import { startOf } from './backfill.js';
import { broken } from './broken-invariant.js';
import type { Scene } from './scene.js';
import { Phase, type SeenTask } from './seen-task.js';

type Reservation = SchedulerState['reservations'][number];

export class SeenReservations {
  /** As last seen, and whose they are. */
  readonly known: Reservation[] = [];
  readonly heads: SeenTask[] = [];
  /** Those whose drain was over when the decision began: none may be left. */
  readonly mustLapse: Reservation[] = [];
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** At the begin of a decision. */
  noteDue(): void {
    const scene = this.#scene;
    this.mustLapse.length = 0;
    for (let r = 0; r < this.known.length; r++) {
      const reservation = this.known[r]!;
      if (scene.nowMs < reservation.sinceMs + scene.config.drainMs) continue;
      if (startOf(scene, this.heads[r]!) === Number.POSITIVE_INFINITY) this.mustLapse.push(reservation);
    }
  }

  /** Takes a new look. */
  look(): void {
    const { state, tasks } = this.#scene;
    this.known.length = 0;
    this.heads.length = 0;
    for (let r = 0; r < state.reservations.length; r++) {
      const reservation = state.reservations[r]!;
      this.known.push(reservation);
      this.heads.push(tasks[reservation.task]!);
    }
  }

  /**
   * A reservation goes when its task starts or stops being grantable, when a drain is over, or when the machine became too small.
   * @param starting - index of the task that starts now
   * @returns did any go?
   */
  noteDropped(starting: number): boolean {
    const { state, nowMs, config, pools } = this.#scene;
    let hasAny = false;
    for (let r = 0; r < this.known.length; r++) {
      const reservation = this.known[r]!;
      if (state.reservations.includes(reservation)) continue;
      hasAny = true;
      const task = this.heads[r]!;
      const hasLapsed = nowMs >= reservation.sinceMs + config.drainMs;
      const hasLeft =
        task.index === starting ||
        task.phase !== Phase.waits ||
        (task.attempts > 0 && task.grantMs === nowMs) ||
        task.backMs === nowMs ||
        task.cameBackMs === nowMs;
      const mayHaveLeft = hasLeft || task.group > 0 || pools.isTooLarge(task.wants, task.classIndex);
      if (!mayHaveLeft && !hasLapsed) {
        broken('a reservation is kept until its task starts', `task ${task.index} had it since ${reservation.sinceMs}`);
      }
      for (const pool of task.wants.pools) {
        // One that ended in the same decision may have lapsed before or not.
        const isPaused = state.ledger.pools[pool]!.reservableFromMs === nowMs + config.drainMs;
        if (hasLapsed && (!mayHaveLeft || isPaused)) pools.all[pool]!.reservableFromMs = nowMs + config.drainMs;
      }
    }
    return hasAny;
  }
}
