/**
 * Gangs: tasks that start together or not at all.
 *
 * Members wait as submitted until all are there. Then the first one is queued for the demand of all; when it is granted, so are the
 * others, in the same decision. A member that ends before that ends the others.
 */
import { invariant } from '../base/errors.js';
import type { Demand } from '../resource/index.js';

export interface Gang {
  /** Tasks, in the order of their submission; the first one leads. */
  readonly members: number[];
  readonly size: number;
  /** What all members ask for together, once all are there. */
  demand: Demand | undefined;
  readonly number: number;
}

export class Gangs {
  readonly #byNumber = new Map<number, Gang>();
  readonly #byTask = new Map<number, Gang>();
  /** Broken gangs whose members have not all been submitted yet, by number. */
  readonly #missing = new Map<number, number>();

  of(task: number): Gang | undefined {
    return this.#byTask.size === 0 ? undefined : this.#byTask.get(task);
  }

  byNumber(number: number): Gang | undefined {
    return this.#byNumber.get(number);
  }

  /** The demand that the leader of a complete gang waits for. */
  demandOf(task: number): Demand | undefined {
    const gang = this.of(task);
    return gang?.members[0] === task ? gang.demand : undefined;
  }

  join(task: number, number: number, size: number): Gang {
    let gang = this.#byNumber.get(number);
    if (gang === undefined) {
      gang = { members: [], size, demand: undefined, number };
      this.#byNumber.set(number, gang);
    }
    invariant(gang.size === size && gang.members.length < size, `gang ${number} has room for one more`);
    gang.members.push(task);
    this.#byTask.set(task, gang);
    return gang;
  }

  /** Did a member of this gang end before all were there? */
  isBroken(number: number): boolean {
    return number !== 0 && this.#missing.has(number);
  }

  /** So many members of a broken gang are still to come, each to be refused. */
  expectBroken(number: number, missing: number): void {
    if (missing > 0) this.#missing.set(number, missing);
  }

  /** One of them came. */
  missed(number: number): void {
    const missing = this.#missing.get(number)! - 1;
    if (missing === 0) this.#missing.delete(number);
    else this.#missing.set(number, missing);
  }

  /** It has started, or will never start: its members go their own ways. */
  dissolve(gang: Gang): void {
    this.#byNumber.delete(gang.number);
    for (const member of gang.members) this.#byTask.delete(member);
  }
}
