/**
 * A model as the scheduler sees it: its life, its slots, and what each slot holds.
 *
 * idle       not asked for yet
 * launching  its engine process starts; the base lease is taken
 * loading    memory is leased, the model loads
 * ready      takes work; only now its slot pool has a capacity
 * waiting    its engine died; `restartAtMs` is when it is started again; holds no memory
 * failed     given up; work for it is refused
 */
import { ServicePredictor } from '../predictor/index.js';
import type { MemoryLease } from '../resource/index.js';
import { NONE } from '../task/index.js';

/**
 * A slot that holds a named session is treated as if it had been used so much later, ms: its reader thinks, types and comes back, while one-off
 * work would gain little from another's prefix. Longer pauses than five minutes are ends more often than not.
 */
export const NAMED_SESSION_MS = 300_000;

export type ModelPhase = 'idle' | 'launching' | 'loading' | 'ready' | 'waiting' | 'failed';

export class ModelState {
  readonly index: number;
  readonly name: string;
  /** Its slot pool in the ledger. */
  readonly pool: number;
  readonly lease: MemoryLease;
  readonly predictor = new ServicePredictor();
  phase: ModelPhase = 'idle';
  wasReady = false;
  /** Deaths since the last good step. */
  deaths = 0;
  restartAtMs = Number.POSITIVE_INFINITY;

  /** By slot: the task in it, or NONE. */
  slotTask = new Int32Array(0);
  /** By slot: session of what it holds, 0 for none; positive ones have names, negative ones were recognised. */
  slotSession = new Float64Array(0);
  /** By slot: tokens it holds as a reusable prefix. */
  slotHeld = new Int32Array(0);
  /** By slot: when its last task ended. */
  slotUsedMs = new Float64Array(0);

  engineStarts = 0;
  engineDeaths = 0;
  promptTokens = 0;
  cachedTokens = 0;
  outputTokens = 0;

  constructor(index: number, name: string, pool: number, lease: MemoryLease) {
    this.index = index;
    this.name = name;
    this.pool = pool;
    this.lease = lease;
  }

  resetSlots(sequences: number): void {
    this.slotTask = new Int32Array(sequences).fill(NONE);
    this.slotSession = new Float64Array(sequences);
    this.slotHeld = new Int32Array(sequences);
    this.slotUsedMs = new Float64Array(sequences);
  }

  /**
   * The free slot in which a task of `session` starts with the least to compute and the least to lose: the one that holds the
   * session's earlier turns, else the first empty one, else the one unused for longest, those of named sessions five minutes later than
   * others. NONE when all are taken.
   */
  chooseSlot(session: number): number {
    let best = NONE;
    for (let slot = 0; slot < this.slotTask.length; slot++) {
      if (this.slotTask[slot] !== NONE) continue;
      const held = this.slotHeld[slot]!;
      if (session !== 0 && held > 0 && this.slotSession[slot] === session) return slot;
      if (best === NONE || this.#cheaperToOverwrite(slot, best)) best = slot;
    }
    return best;
  }

  #cheaperToOverwrite(slot: number, than: number): boolean {
    const empty = this.slotHeld[slot] === 0;
    const otherEmpty = this.slotHeld[than] === 0;
    if (empty || otherEmpty) return empty && !otherEmpty;
    return this.#keptUntilMs(slot) < this.#keptUntilMs(than);
  }

  #keptUntilMs(slot: number): number {
    return this.slotUsedMs[slot]! + (this.slotSession[slot]! > 0 ? NAMED_SESSION_MS : 0);
  }
}
