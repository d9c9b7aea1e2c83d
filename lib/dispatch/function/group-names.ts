/**
 * Groups by name, as the small integers that the core counts with. A group is forgotten with its last member, and its number is given
 * out again. Complexity: O(1). Memory: of the groups that have members.
 */
export class GroupNames {
  readonly #numbers = new Map<string, number>();
  /** By number; 0 is no group. */
  readonly #names: string[] = [''];
  readonly #members: number[] = [0];
  readonly #vacant: number[] = [];

  /** Groups that have members. */
  get size(): number {
    return this.#numbers.size;
  }

  /** The number for a new member; {@link release} it when nothing of the task is left. */
  retain(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#vacant.pop() ?? this.#names.length;
      this.#numbers.set(name, number);
      this.#names[number] = name;
      this.#members[number] = 0;
    }
    this.#members[number]!++;
    return number;
  }

  release(number: number): void {
    if (--this.#members[number]! > 0) return;
    this.#numbers.delete(this.#names[number]!);
    this.#names[number] = '';
    this.#vacant.push(number);
  }
}
