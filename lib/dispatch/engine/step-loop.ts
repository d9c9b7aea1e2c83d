/**
 * The engine's loop: plan, advance the chosen sequences together, report, repeat; sleeps when there is nothing to do.
 *
 * All chosen sequences are pulled in the same turn and in ascending slot order, so that llama.cpp gets one full batch. Starts,
 * cancels and holds are taken in between steps: whatever arrives waits for one chunk and one decode at most. Embeddings are
 * steps of their own. One report per step, not per token.
 */
import type { StepPlanner } from '../../scheduler/step-planner.js';
import type { EndedTask, FromEngine } from './protocol.js';
import type { Advance, Slot, SlotTask } from './slot.js';
import { toWire } from './wire-error.js';

/** A start that waits for the next step boundary. */
export interface PendingStart {
  slot: number;
  rank: number;
  task: number;
  /** Tokenises if that has not happened yet. Rejects with the error that the task ends with. */
  make: () => Promise<SlotTask>;
}

const NO_USAGE = { promptTokens: 0, cachedTokens: 0, outputTokens: 0 };

export type Report = (message: FromEngine) => void;

export class StepLoop {
  readonly #slots: readonly Slot[];
  readonly #planner: StepPlanner;
  readonly #report: Report;
  readonly #starts: PendingStart[] = [];
  readonly #cancelled = new Set<number>();
  /** Tasks between their start and their end, in a slot or not yet. */
  readonly #known = new Set<number>();
  readonly #slotOf = new Map<number, Slot>();
  #wake: (() => void) | undefined;

  constructor(slots: readonly Slot[], planner: StepPlanner, report: Report) {
    this.#slots = slots;
    this.#planner = planner;
    this.#report = report;
  }

  start(start: PendingStart): void {
    this.#known.add(start.task);
    this.#starts.push(start);
    this.#wake?.();
  }

  /** Ends a task at the next step boundary. Unknown tasks are ignored. */
  cancel(task: number): void {
    if (!this.#known.has(task)) return;
    this.#cancelled.add(task);
    this.#wake?.();
  }

  hold(task: number): void {
    const slot = this.#slotOf.get(task);
    if (slot !== undefined) this.#planner.hold(slot.index);
  }

  proceed(task: number): void {
    const slot = this.#slotOf.get(task);
    if (slot === undefined) return;
    this.#planner.proceed(slot.index);
    this.#wake?.();
  }

  /** Runs until the process ends. */
  async run(): Promise<never> {
    for (;;) {
      await this.#takeCancels();
      await this.#takeStarts();
      this.#planner.plan();
      if (this.#planner.count > 0) await this.#step();
      else if (this.#starts.length === 0 && this.#cancelled.size === 0) await this.#sleep();
    }
  }

  async #step(): Promise<void> {
    const { count, slots, readTokens } = this.#planner;
    const advances: Promise<Advance>[] = [];
    for (let i = 0; i < count; i++) advances.push(this.#slots[slots[i]!]!.advance(readTokens[i]!));
    const results = await Promise.allSettled(advances);

    const tasks: number[] = [];
    const prefilled: number[] = [];
    const generated: number[] = [];
    const texts: string[] = [];
    const ended: EndedTask[] = [];
    for (let i = 0; i < count; i++) {
      const slot = this.#slots[slots[i]!]!;
      const result = results[i]!;
      if (result.status === 'rejected') {
        await this.#fail(slot, result.reason);
        continue;
      }
      const { value } = result;
      if (value.prefilled > 0) this.#planner.read(slot.index, value.prefilled);
      const task = slot.task!;
      let { text } = value;
      if (value.reason !== undefined) {
        const { usage, heldTokens, text: rest } = await slot.end();
        text += rest;
        this.#leave(slot, task);
        ended.push({ task, reason: value.reason, usage, heldTokens });
      }
      tasks.push(task);
      prefilled.push(value.prefilled);
      generated.push(value.generated);
      texts.push(text);
    }
    this.#report({ type: 'step', tasks, prefilled, generated, texts, ended });
  }

  async #takeCancels(): Promise<void> {
    if (this.#cancelled.size === 0) return;
    const ended: EndedTask[] = [];
    for (const task of [...this.#cancelled]) {
      const slot = this.#slotOf.get(task);
      if (slot === undefined) continue;
      const { usage, heldTokens } = await slot.end();
      this.#leave(slot, task);
      ended.push({ task, reason: 'cancelled', usage, heldTokens });
    }
    if (ended.length > 0) this.#reportEnded(ended);
  }

  async #takeStarts(): Promise<void> {
    for (let start = this.#starts.shift(); start !== undefined; start = this.#starts.shift()) {
      const slot = this.#slots[start.slot]!;
      try {
        if (this.#cancelled.delete(start.task)) {
          this.#known.delete(start.task);
          this.#reportEnded([{ task: start.task, reason: 'cancelled', usage: NO_USAGE, heldTokens: 0 }]);
          continue;
        }
        const left = await slot.begin(await start.make());
        this.#slotOf.set(start.task, slot);
        this.#planner.begin(start.slot, left, start.rank);
      } catch (error) {
        this.#known.delete(start.task);
        this.#cancelled.delete(start.task);
        this.#report({ type: 'failed', task: start.task, error: toWire(error, 'The task could not be started') });
      }
    }
  }

  async #fail(slot: Slot, error: unknown): Promise<void> {
    const task = slot.task!;
    this.#leave(slot, task);
    this.#report({ type: 'failed', task, error: toWire(error, 'The engine failed') });
    await slot.clear();
  }

  #leave(slot: Slot, task: number): void {
    this.#planner.end(slot.index);
    this.#slotOf.delete(task);
    this.#known.delete(task);
    this.#cancelled.delete(task);
  }

  #reportEnded(ended: EndedTask[]): void {
    this.#report({ type: 'step', tasks: [], prefilled: [], generated: [], texts: [], ended });
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
