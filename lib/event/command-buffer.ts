/**
 * What the scheduler asks its driver to do. The driver owns the buffer, empties it after each `decide`, and carries the
 * commands out in order.
 */

export const CommandKind = {
  /** a: task. The submission was accepted. */
  admitted: 1,
  /** a: reason, b: waiting now, c: limit, d: retry after ms. The submission was turned down; there is no task. */
  refused: 2,
  /** a: task, b: model (-1 for a function), c: slot (-1 for a function), d: rank (larger advances first). */
  start: 3,
  /** a: task, b: model. Stop it where it runs; an `ended` event follows. */
  stop: 4,
  /** a: task, b: model. Keep it in its slot without advancing. */
  hold: 5,
  /** a: task, b: model (-1 for a function). What was held goes on; what gave its lease back has it again. */
  proceed: 6,
  /** a: task, b: outcome, c: reason. Its caller gets the outcome now. */
  settled: 7,
  /** a: task. Nothing of it is left; the index may be given out again. */
  freed: 8,
  /** a: task, b: ms until it may start again. It failed and is tried again, or its engine died before it gave a token; it keeps its place. */
  requeued: 9,
  /** a: instant in ms. Replaces the instant asked for before; Infinity for none. */
  wakeAt: 10,
  /** a: model. Start its engine process. */
  launch: 11,
  /** a: model. Memory is leased: load. */
  load: 12,
  /** a: model, b: needed bytes, c: free bytes, d: reserved bytes. The load does not fit; end the engine process. */
  refuseLoad: 13,
  /** a: task, b: 1 when the lease grew as asked, 0 when nothing was taken. */
  grew: 14,
} as const;

export type CommandKind = (typeof CommandKind)[keyof typeof CommandKind];

export const COMMAND_NAMES: Readonly<Record<CommandKind, string>> = {
  1: 'admitted',
  2: 'refused',
  3: 'start',
  4: 'stop',
  5: 'hold',
  6: 'proceed',
  7: 'settled',
  8: 'freed',
  9: 'requeued',
  10: 'wakeAt',
  11: 'launch',
  12: 'load',
  13: 'refuseLoad',
  14: 'grew',
};

const STRIDE = 5;

/** A growing row buffer of five numbers a command. Reused for ever; never shrinks. */
export class CommandBuffer {
  length = 0;
  #rows = new Float64Array(16 * STRIDE);

  push(kind: CommandKind, a = 0, b = 0, c = 0, d = 0): void {
    let at = this.length * STRIDE;
    if (at === this.#rows.length) {
      const rows = new Float64Array(this.#rows.length * 2);
      rows.set(this.#rows);
      this.#rows = rows;
    }
    const rows = this.#rows;
    rows[at++] = kind;
    rows[at++] = a;
    rows[at++] = b;
    rows[at++] = c;
    rows[at] = d;
    this.length++;
  }

  kind(index: number): CommandKind {
    return this.#rows[index * STRIDE] as CommandKind;
  }
  a(index: number): number {
    return this.#rows[index * STRIDE + 1]!;
  }
  b(index: number): number {
    return this.#rows[index * STRIDE + 2]!;
  }
  c(index: number): number {
    return this.#rows[index * STRIDE + 3]!;
  }
  d(index: number): number {
    return this.#rows[index * STRIDE + 4]!;
  }

  clear(): void {
    this.length = 0;
  }
}
