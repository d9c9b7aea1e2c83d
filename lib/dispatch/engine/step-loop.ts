/**
 * The engine's loop: plan, advance the chosen sequences together, report, repeat; sleeps when there is nothing to do.
 *
 * All sequences that generate are pulled in the same turn and in ascending slot order, so that llama.cpp gets one full batch; then
 * the prompts' chunk in a batch of its own. Together they would not be faster: llama.cpp splits a batch into parts in which every
 * sequence has as many tokens, and that would cut the chunk's first token off (see `tileTokens` of the planner). Starts, cancels
 * and holds are taken in between steps: whatever arrives waits for one chunk and one decode at most. One report per step, not
 * per token.
 *
 * Saving and loading sessions (see `saved-sessions.ts`) stalls every stream, so while any runs a step boundary takes only as much of it as
 * the stall bound allows: a start with more waits for the next boundary, a swap that is too long by itself is left out, and the step after one
 * reads as much less of the prompts.
 *
 * Life of a task here: pending (its prompt is being made, or the step boundary has not come) → in a slot → ended. Each task ends
 * with exactly one report. A pending task is known by its object, not by its number: numbers are used again.
 */
import type { StepPlanner } from '../../scheduler/step-planner.js';
import type { EndedTask, FromEngine } from './protocol.js';
import { NO_SWAP, type Swap } from './saved-sessions.js';
import type { Advance, Slot, SlotTask } from './slot.js';
import { toWire } from './wire-error.js';

/** A start that waits for its prompt and for the next step boundary. */
export interface PendingStart {
  slot: number;
  rank: number;
  task: number;
  /** Tokenises if that has not happened yet, without holding the loop up. Rejects with the error that the task ends with. */
  make: () => Promise<SlotTask>;
}

interface MadeStart {
  start: PendingStart;
  slotTask: SlotTask;
}

const NO_USAGE = { promptTokens: 0, cachedTokens: 0, outputTokens: 0 };

export type Report = (message: FromEngine) => void;

/** Told what each step took and did: sequences that generated, and prompt tokens read. */
export type StepObserver = (stepMs: number, decodes: number, promptTokens: number) => void;

/** How long the streams may be stalled between two steps. */
export interface StallBound {
  /** Most ms beside one decode step. */
  stallMsMax: number;
  /** Prompt tokens that the next step may still read after a stall of so many ms. */
  chunkTokensAfter(stallMs: number): number;
  /** A swap was left out for the streams' sake. */
  leftOut(): void;
}

export class StepLoop {
  readonly #slots: readonly Slot[];
  readonly #planner: StepPlanner;
  readonly #report: Report;
  readonly #observe: StepObserver;
  readonly #bound: StallBound | undefined;
  readonly #pending = new Map<number, PendingStart>();
  /** Pending starts whose prompts are made, in the order of that. */
  #made: MadeStart[] = [];
  readonly #slotOf = new Map<number, Slot>();
  /** Tasks in slots that are to end at the next step boundary. */
  readonly #cancelled = new Set<number>();
  /** Tasks that are paused, in a slot or before. */
  readonly #held = new Set<number>();
  #wake: (() => void) | undefined;

  /** @param bound - undefined: nothing is ever saved, so nothing stalls */
  constructor(
    slots: readonly Slot[],
    planner: StepPlanner,
    report: Report,
    observe: StepObserver = () => {},
    bound?: StallBound,
  ) {
    this.#slots = slots;
    this.#planner = planner;
    this.#report = report;
    this.#observe = observe;
    this.#bound = bound;
  }

  start(start: PendingStart): void {
    const { task } = start;
    this.#pending.set(task, start);
    start.make().then(
      (slotTask) => {
        if (this.#pending.get(task) !== start) return;
        this.#made.push({ start, slotTask });
        this.#wake?.();
      },
      (error: unknown) => {
        if (this.#pending.get(task) !== start) return;
        this.#forget(task);
        this.#report({ type: 'failed', task, error: toWire(error, 'The task could not be started') });
      },
    );
  }

  /** Ends a task: at once before it is in its slot, else at the next step boundary. Unknown tasks are ignored. */
  cancel(task: number): void {
    if (this.#pending.has(task)) {
      this.#forget(task);
      this.#reportEnded([{ task, reason: 'cancelled', usage: NO_USAGE, heldTokens: 0 }]);
    } else if (this.#slotOf.has(task)) {
      this.#cancelled.add(task);
      this.#wake?.();
    }
  }

  hold(task: number): void {
    if (!this.#pending.has(task) && !this.#slotOf.has(task)) return;
    this.#held.add(task);
    const slot = this.#slotOf.get(task);
    if (slot !== undefined) this.#planner.hold(slot.index);
  }

  proceed(task: number): void {
    if (!this.#held.delete(task)) return;
    const slot = this.#slotOf.get(task);
    if (slot !== undefined) this.#planner.proceed(slot.index);
    this.#wake?.();
  }

  /** Runs until the process ends. */
  async run(): Promise<never> {
    for (;;) {
      await this.#takeCancels();
      this.#plan(await this.#takeStarts());
      if (this.#planner.count > 0) await this.#step();
      else if (this.#made.length === 0 && this.#cancelled.size === 0) await this.#sleep();
    }
  }

  #plan(stallMs: number): void {
    if (stallMs === 0 || !this.#isStreaming()) {
      this.#planner.plan();
      return;
    }
    const { chunkTokens } = this.#planner;
    this.#planner.chunkTokens = Math.min(chunkTokens, this.#bound!.chunkTokensAfter(stallMs));
    this.#planner.plan();
    this.#planner.chunkTokens = chunkTokens;
  }

  async #step(): Promise<void> {
    const { count, slots, readTokens } = this.#planner;
    const beginMs = performance.now();
    const results = new Array<PromiseSettledResult<Advance>>(count);
    const decodes = await this.#pull(false, results);
    let promptTokens = 0;
    for (let i = 0; i < count; i++) promptTokens += readTokens[i]!;
    if (promptTokens > 0) await this.#pull(true, results);
    this.#observe(performance.now() - beginMs, decodes, promptTokens);

    const tasks: number[] = [];
    const prefilled: number[] = [];
    const generated: number[] = [];
    const texts: string[] = [];
    const ended: EndedTask[] = [];
    for (let i = 0; i < count; i++) {
      const slot = this.#slots[slots[i]!]!;
      const result = results[i]!;
      if (result.status === 'rejected') {
        await this.#fail(slot, slot.task!, result.reason);
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

  /** Advances the planned slots that read, or those that generate, in one call of the engine; `results` gets theirs. */
  async #pull(isReading: boolean, results: PromiseSettledResult<Advance>[]): Promise<number> {
    const { count, slots, readTokens } = this.#planner;
    const planned: number[] = [];
    const pulled: Promise<Advance>[] = [];
    for (let i = 0; i < count; i++) {
      if (readTokens[i]! > 0 !== isReading) continue;
      planned.push(i);
      pulled.push(this.#slots[slots[i]!]!.advance(readTokens[i]!));
    }
    const settled = await Promise.allSettled(pulled);
    for (let i = 0; i < planned.length; i++) results[planned[i]!] = settled[i]!;
    return planned.length;
  }

  async #takeCancels(): Promise<void> {
    if (this.#cancelled.size === 0) return;
    const ended: EndedTask[] = [];
    for (const task of [...this.#cancelled]) {
      const slot = this.#slotOf.get(task)!;
      const { usage, heldTokens } = await slot.end();
      this.#leave(slot, task);
      ended.push({ task, reason: 'cancelled', usage, heldTokens });
    }
    this.#reportEnded(ended);
  }

  /** @returns how long saving and loading stalled everybody, ms */
  async #takeStarts(): Promise<number> {
    if (this.#made.length === 0) return 0;
    const made = this.#made;
    this.#made = [];
    const isStreaming = this.#isStreaming();
    let stallMs = 0;
    let expectedMs = 0;
    for (const one of made) {
      const { start, slotTask } = one;
      const { task, rank } = start;
      if (this.#pending.get(task) !== start) continue;
      const slot = this.#slots[start.slot]!;
      let swap = slot.swapFor(slotTask);
      if (isStreaming && swap !== NO_SWAP) {
        const spentMs = Math.max(stallMs, expectedMs);
        if (spentMs > 0 && spentMs + swap.saveMs + swap.loadMs > this.#bound!.stallMsMax) {
          this.#made.push(one);
          continue;
        }
        swap = this.#withinBound(swap);
      }
      this.#pending.delete(task);
      this.#slotOf.set(task, slot);
      const beginMs = performance.now();
      try {
        const left = await slot.begin(slotTask, swap);
        this.#planner.begin(slot.index, left, rank);
        if (this.#held.has(task)) this.#planner.hold(slot.index);
      } catch (error) {
        await this.#fail(slot, task, error);
      }
      if (swap === NO_SWAP) continue;
      stallMs += performance.now() - beginMs;
      expectedMs += swap.saveMs + swap.loadMs;
    }
    return stallMs;
  }

  /** The swap, or what of it the streams can bear: loading alone, or nothing. */
  #withinBound(swap: Swap): Swap {
    const { stallMsMax } = this.#bound!;
    if (swap.saveMs + swap.loadMs <= stallMsMax) return swap;
    this.#bound!.leftOut();
    const canLoad = swap.loads && swap.loadMs <= stallMsMax;
    return canLoad ? { ...swap, saves: false, saveMs: 0 } : NO_SWAP;
  }

  /** Would anybody's stream feel a pause now? */
  #isStreaming(): boolean {
    return this.#slots.some(({ task, isGenerating }) => task !== undefined && isGenerating && !this.#held.has(task));
  }

  async #fail(slot: Slot, task: number, error: unknown): Promise<void> {
    await slot.clear();
    this.#leave(slot, task);
    this.#report({ type: 'failed', task, error: toWire(error, 'The engine failed') });
  }

  #leave(slot: Slot, task: number): void {
    this.#planner.end(slot.index);
    this.#forget(task);
  }

  #forget(task: number): void {
    this.#pending.delete(task);
    this.#slotOf.delete(task);
    this.#cancelled.delete(task);
    this.#held.delete(task);
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
