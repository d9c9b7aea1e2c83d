/**
 * The second decider: which sequences of an engine advance in the next step, and whose prompt is read by how much.
 *
 * It knows ranks and token counts, not tenants. Rule: every sequence that generates advances by one token; beside them at most
 * `chunkTokens` prompt tokens are read, most urgent prompt first, first come first served among equals, what is left of the
 * chunk going to the next one. So a step costs at most one chunk plus one decode, whatever arrives. Every eighth chunk goes to
 * the oldest prompt first. Of a long prompt the odd piece is read first and whole tiles of `tileTokens` after it: on CPUs a call
 * with less than a tile costs as much as one with a tile, or more, the further into a prompt the more.
 *
 * Invariants: 1. A plan names a slot at most once. 2. Slots are named in ascending order: llama.cpp cuts a batch whose sequence
 * ids do not ascend by one. 3. Held slots are never named. 4. While a prompt waits and no slot is held, some prompt advances.
 * Starvation: none. A prompt of n tokens is read within 8 · ceil(n / tileTokens) chunks from when it is the oldest, however many
 * more urgent ones keep coming.
 * Thread safety: one owner. Cost: O(slots) per plan, no allocation.
 */

export const SlotPhase = { idle: 0, reading: 1, generating: 2 } as const;
export type SlotPhase = (typeof SlotPhase)[keyof typeof SlotPhase];

/** One chunk in eight for the oldest prompt: it cannot starve, and an urgent one loses an eighth of its speed at most. */
export const OLDEST_FIRST_EVERY = 8;

export class StepPlanner {
  /** Prompt tokens read per step at most, ≥ 1. May be changed between plans. */
  chunkTokens: number;
  readonly #tileTokens: number;
  /** Slots in the plan. */
  count = 0;
  /** The plan: slots in ascending order, `count` of them. */
  readonly slots: Int32Array;
  /** The plan: prompt tokens to read in `slots[i]`; 0 when it generates. */
  readonly readTokens: Int32Array;

  readonly #phases: Uint8Array;
  readonly #held: Uint8Array;
  readonly #ranks: Float64Array;
  readonly #arrivals: Float64Array;
  /** Prompt tokens that are left to read. */
  readonly #left: Int32Array;
  /** Tokens that the plan gives a slot. */
  readonly #given: Int32Array;
  #arrival = 0;
  /** Plans that read a chunk. */
  #chunks = 0;

  /** @param tileTokens - of long prompts, multiples of this are read but for the first piece */
  constructor(slots: number, chunkTokens: number, tileTokens = 1) {
    this.chunkTokens = chunkTokens;
    this.#tileTokens = tileTokens;
    this.slots = new Int32Array(slots);
    this.readTokens = new Int32Array(slots);
    this.#phases = new Uint8Array(slots);
    this.#held = new Uint8Array(slots);
    this.#ranks = new Float64Array(slots);
    this.#arrivals = new Float64Array(slots);
    this.#left = new Int32Array(slots);
    this.#given = new Int32Array(slots);
  }

  /** A task begins in `slot` with so many prompt tokens to read, ≥ 1. Larger ranks are read first. */
  begin(slot: number, promptTokens: number, rank: number): void {
    this.#phases[slot] = SlotPhase.reading;
    this.#held[slot] = 0;
    this.#left[slot] = promptTokens;
    this.#ranks[slot] = rank;
    this.#arrivals[slot] = this.#arrival++;
  }

  /** `tokens` of the prompt were read; with the last of them the slot generates. */
  read(slot: number, tokens: number): void {
    this.#left[slot]! -= tokens;
    if (this.#left[slot]! <= 0) this.#phases[slot] = SlotPhase.generating;
  }

  /** The slot's task is over. */
  end(slot: number): void {
    this.#phases[slot] = SlotPhase.idle;
    this.#held[slot] = 0;
  }

  hold(slot: number): void {
    this.#held[slot] = 1;
  }

  proceed(slot: number): void {
    this.#held[slot] = 0;
  }

  /** Fills `slots`, `readTokens` and `count`. A count of 0: there is nothing to do. */
  plan(): void {
    const slots = this.#phases.length;
    this.#given.fill(0);
    const oldestFirst = (this.#chunks + 1) % OLDEST_FIRST_EVERY === 0;
    let next = this.#nextPrompt(oldestFirst);
    if (next >= 0) this.#chunks++;
    for (let budget = this.chunkTokens; budget > 0 && next >= 0; next = this.#nextPrompt(false)) {
      const tokens = this.#pieceOf(this.#left[next]!, budget);
      // A whole tile of the next prompt does not fit into what is left of the chunk: its turn comes.
      if (tokens === 0) break;
      this.#given[next] = tokens;
      budget -= tokens;
    }
    this.count = 0;
    for (let slot = 0; slot < slots; slot++) {
      const tokens = this.#given[slot]!;
      if (tokens === 0 && (this.#phases[slot] !== SlotPhase.generating || this.#held[slot] === 1)) continue;
      this.slots[this.count] = slot;
      this.readTokens[this.count++] = tokens;
    }
  }

  /** The most tokens within the budget after which whole tiles are left; everything when it fits, 0 when nothing does. */
  #pieceOf(left: number, budget: number): number {
    if (left <= budget) return left;
    // A chunk that became smaller than a tile is the tile: else nothing would fit.
    const tile = Math.min(this.#tileTokens, this.chunkTokens);
    return Math.max(0, left - Math.ceil((left - budget) / tile) * tile);
  }

  /** The slot whose prompt is read next and is not in the plan yet, or -1. */
  #nextPrompt(oldestFirst: boolean): number {
    let best = -1;
    for (let slot = 0; slot < this.#phases.length; slot++) {
      if (this.#phases[slot] !== SlotPhase.reading || this.#held[slot] === 1 || this.#given[slot]! > 0) continue;
      if (best < 0 || this.#goesBefore(slot, best, oldestFirst)) best = slot;
    }
    return best;
  }

  #goesBefore(a: number, b: number, oldestFirst: boolean): boolean {
    if (!oldestFirst && this.#ranks[a] !== this.#ranks[b]) return this.#ranks[a]! > this.#ranks[b]!;
    return this.#arrivals[a]! < this.#arrivals[b]!;
  }
}
