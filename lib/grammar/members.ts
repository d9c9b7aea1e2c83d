/**
 * A list of members in a fixed order, of which some may be left out: the properties of an object, the items of a set.
 * One rule for each place in the order, not one for each subset: sixty optional members are sixty rules. Where the number of
 * members is bounded as well, there is a rule for each place and count.
 */
import { choice, EMPTY, NEVER, type Node, optional, repeat, rule, sequence, text } from './node.js';
import type { Parts } from './parts.js';
import { refusal } from './refusal.js';

export interface Member {
  readonly node: Node;
  readonly isRequired: boolean;
}

export interface MemberRules {
  readonly members: readonly Member[];
  /** What may follow them, and at most how often. */
  readonly free: { readonly node: Node; readonly max: number } | undefined;
  readonly min: number;
  readonly max: number;
  /** Their name and place in refusals: "properties", "items". */
  readonly what: string;
  readonly at: string;
}

/** Rules that a bounded number of members may take: places times counts. */
const COUNTED_MAX = 4_000;

/** Between members and after colons: none or one blank, so that no model goes on with blanks. */
export const BLANK = optional(text(' '));

export function separator(parts: Parts): Node {
  return parts.shared('comma', () => sequence(text(','), BLANK));
}

/** Without the brackets. */
export function membersNode(parts: Parts, rules: MemberRules): Node {
  return new MemberList(parts, rules).whole();
}

class MemberList {
  readonly #parts: Parts;
  readonly #rules: MemberRules;
  readonly #prefix: string;
  readonly #comma: Node;
  /** Index behind the last required member. */
  readonly #requiredEnd: number;
  readonly #isCounted: boolean;
  /** Counts above this one are all the same. */
  readonly #countMax: number;
  readonly #nodes = new Map<string, Node>();

  constructor(parts: Parts, rules: MemberRules) {
    const { members, free, min, max, what, at } = rules;
    this.#parts = parts;
    this.#rules = rules;
    this.#prefix = parts.name('members');
    this.#comma = separator(parts);
    this.#requiredEnd = members.findLastIndex(({ isRequired }) => isRequired) + 1;
    const required = members.filter(({ isRequired }) => isRequired).length;
    const most = members.length + (free?.max ?? 0);
    const isBounded = max < most;
    this.#isCounted = min > required || isBounded;
    this.#countMax = isBounded ? max : min;
    if (this.#isCounted && members.length * this.#countMax > COUNTED_MAX) throw refusal(`counts too many ${what}`, at);
  }

  whole(): Node {
    // From the end, so that each rule finds those behind it, and no long list is a deep recursion.
    for (let place = this.#rules.members.length; place >= 0; place--) {
      const counts = this.#isCounted ? Math.min(place, this.#countMax) : 0;
      for (let count = 0; count <= counts; count++) {
        this.#next(place, count);
        this.#after(place, count);
      }
    }
    return choice(this.#next(0, 0), this.#mayEnd(0, 0) ? EMPTY : NEVER);
  }

  /** Writes one of the members from `at` on, and what follows it. `count` members stand before. */
  #next(at: number, before: number): Node {
    const { members, max } = this.#rules;
    if (this.#isCounted && before >= max) return NEVER;
    const count = this.#isCounted ? Math.min(before, this.#countMax) : 0;
    if (at === members.length) return this.#freeMembers(count);
    return this.#named(`next-${at}`, count, () => {
      const { node, isRequired } = members[at]!;
      const written = sequence(node, this.#after(at + 1, count + 1));
      return isRequired ? written : choice(written, this.#next(at + 1, count));
    });
  }

  #after(at: number, before: number): Node {
    const count = this.#isCounted ? Math.min(before, this.#countMax) : 0;
    return this.#named(`after-${at}`, count, () =>
      choice(sequence(this.#comma, this.#next(at, count)), this.#mayEnd(at, count) ? EMPTY : NEVER),
    );
  }

  #mayEnd(at: number, count: number): boolean {
    return at >= this.#requiredEnd && (!this.#isCounted || count >= this.#rules.min);
  }

  #freeMembers(count: number): Node {
    const { free, min, max } = this.#rules;
    if (free === undefined) return NEVER;
    const least = this.#isCounted ? Math.max(1, min - count) : 1;
    const most = this.#isCounted ? Math.min(max - count, free.max) : free.max;
    // Two of them may have one name, and are one property then.
    if (least > 1 || most < least) return NEVER;
    return this.#named('free', most, () => sequence(free.node, repeat(sequence(this.#comma, free.node), 0, most - 1)));
  }

  #named(name: string, count: number, make: () => Node): Node {
    const key = this.#isCounted ? `${name}-${count}` : name;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const full = `${this.#prefix}-${key}`;
    this.#nodes.set(key, rule(full));
    this.#parts.define(full, make());
    return rule(full);
  }
}
