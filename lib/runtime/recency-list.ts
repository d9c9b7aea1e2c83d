/**
 * Small integers from the least to the most recently pushed, linked through arrays.
 *
 * In place of a Set: taking its first element walks over the holes of all that were deleted before.
 * Invariant: a number is in the list at most once. Complexity: O(1) each. Memory: 16 bytes per number up to the largest.
 */
const END = -1;
const ABSENT = -2;

export class RecencyList {
  size = 0;
  #first = END;
  #last = END;
  readonly #previous: number[] = [];
  readonly #next: number[] = [];

  /** Adds `number`, an integer ≥ 0 that is not in the list. */
  push(number: number): void {
    while (this.#next.length <= number) {
      this.#next.push(ABSENT);
      this.#previous.push(ABSENT);
    }
    this.#previous[number] = this.#last;
    this.#next[number] = END;
    if (this.#last === END) this.#first = number;
    else this.#next[this.#last] = number;
    this.#last = number;
    this.size++;
  }

  /** Takes `number` out; false when it is not in the list. */
  remove(number: number): boolean {
    const next = this.#next[number] ?? ABSENT;
    if (next === ABSENT) return false;
    const previous = this.#previous[number]!;
    if (previous === END) this.#first = next;
    else this.#next[previous] = next;
    if (next === END) this.#last = previous;
    else this.#previous[next] = previous;
    this.#next[number] = ABSENT;
    this.size--;
    return true;
  }

  /** Takes the least recently pushed number out; undefined when there is none. */
  shift(): number | undefined {
    if (this.#first === END) return undefined;
    const number = this.#first;
    this.remove(number);
    return number;
  }
}
