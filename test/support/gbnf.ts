/**
 * A small reader of GBNF, written from llama.cpp's description of it and independent of lib/grammar: makes random texts of a grammar and
 * says whether a text is one of its own.
 */
import type { Random } from '../../lib/base/random.js';

type Ranges = readonly (readonly [number, number])[];
type Part =
  | { kind: 'set'; ranges: Ranges }
  | { kind: 'rule'; name: string }
  | { kind: 'group'; of: Part[][] }
  | { kind: 'repeat'; of: Part; min: number; max: number };

export class Gbnf {
  readonly #rules = new Map<string, Part[][]>();
  /** Characters of the shortest text of each rule. */
  readonly #shortest = new Map<string, number>();

  constructor(source: string) {
    for (const line of source.split('\n').filter((one) => one !== '')) {
      const [, name, body] = /^([a-zA-Z0-9-]+) ::= (.*)$/.exec(line) ?? [];
      if (name === undefined || this.#rules.has(name)) throw new Error(`no rule, or one of a known name: ${line}`);
      this.#rules.set(name, new LineReader(body!).alternatives());
    }
    for (let changed = true; changed; ) {
      changed = false;
      for (const [name, of] of this.#rules) {
        const length = this.#length(of);
        if (length < (this.#shortest.get(name) ?? Number.POSITIVE_INFINITY)) {
          this.#shortest.set(name, length);
          changed = true;
        }
      }
    }
    for (const [name, of] of this.#rules) {
      for (const used of referencesOf(of))
        if (!this.#rules.has(used)) throw new Error(`${name} uses ${used}, which is no rule`);
      if (!this.#shortest.has(name)) throw new Error(`${name} derives nothing`);
    }
  }

  get size(): number {
    return this.#rules.size;
  }

  /** A random text of the grammar; soon after `softCharacters` it takes the shortest way to its end. */
  derive(random: Random, softCharacters = 300): string {
    let text = '';
    const write = (parts: readonly Part[]): void => parts.forEach(part);
    const choose = (of: readonly Part[][]): readonly Part[] => {
      if (text.length <= softCharacters) return of[random.below(of.length)]!;
      return of.reduce((best, one) => (this.#length([one]) < this.#length([best]) ? one : best));
    };
    const part = (one: Part): void => {
      switch (one.kind) {
        case 'set':
          text += characterOf(one.ranges, random);
          break;
        case 'rule':
          write(choose(this.#rules.get(one.name)!));
          break;
        case 'group':
          write(choose(one.of));
          break;
        case 'repeat': {
          const isOver = text.length > softCharacters;
          const most = Math.min(one.max, one.min + (random.below(8) === 0 ? 40 : 4));
          // The end of the range as often as its beginning: bounds are where mistakes are.
          const more = isOver
            ? 0
            : random.below(4) === 0 && one.max < 200
              ? one.max - one.min
              : random.below(most - one.min + 1);
          for (let i = 0; i < one.min + more; i++) part(one.of);
          break;
        }
        default:
          one satisfies never;
      }
    };
    part({ kind: 'rule', name: 'root' });
    return text;
  }

  /** Is `text` one of the grammar's? */
  accepts(text: string): boolean {
    let threads = this.#closure([push({ kind: 'rule', name: 'root' }, undefined)]);
    for (const character of text) {
      const point = character.codePointAt(0)!;
      const next = threads.flatMap((thread) =>
        thread !== undefined && thread.part.kind === 'set' && has(thread.part.ranges, point) ? [thread.rest] : [],
      );
      threads = this.#closure(next);
    }
    return threads.includes(undefined);
  }

  /** Follows everything that reads no character. */
  #closure(todo: Thread[]): Thread[] {
    const seen = new Map<string, Thread>();
    const stack = [...todo];
    while (stack.length > 0) {
      const thread = stack.pop();
      const key = keyOf(thread);
      if (seen.has(key)) continue;
      seen.set(key, thread);
      if (thread === undefined) continue;
      const { part, rest } = thread;
      if (part.kind === 'rule') for (const one of this.#rules.get(part.name)!) stack.push(pushAll(one, rest));
      else if (part.kind === 'group') for (const one of part.of) stack.push(pushAll(one, rest));
      else if (part.kind === 'repeat') {
        const { of, min, max } = part;
        if (min === 0) stack.push(rest);
        if (max > 0)
          stack.push(
            push(of, max === 1 ? rest : push({ kind: 'repeat', of, min: Math.max(0, min - 1), max: max - 1 }, rest)),
          );
      }
    }
    return [...seen.values()].filter((one) => one === undefined || one.part.kind === 'set');
  }

  #length(of: readonly Part[][]): number {
    return Math.min(...of.map((parts) => parts.reduce((sum, one) => sum + this.#partLength(one), 0)));
  }

  #partLength(part: Part): number {
    switch (part.kind) {
      case 'set':
        return 1;
      case 'rule':
        return this.#shortest.get(part.name) ?? Number.POSITIVE_INFINITY;
      case 'group':
        return this.#length(part.of);
      case 'repeat':
        return part.min === 0 ? 0 : part.min * this.#partLength(part.of);
      default:
        return part satisfies never;
    }
  }
}

/** What is still to be read: a linked list, so that threads share their ends. */
type Thread = { part: Part; rest: Thread; id: number } | undefined;

const PART_IDS = new WeakMap<Part, number>();
let parts = 0;

function push(part: Part, rest: Thread): Thread {
  let id = PART_IDS.get(part);
  if (id === undefined) {
    id = ++parts;
    PART_IDS.set(part, id);
  }
  return { part, rest, id };
}

function pushAll(all: readonly Part[], rest: Thread): Thread {
  return all.reduceRight((behind, one) => push(one, behind), rest);
}

function keyOf(thread: Thread): string {
  let key = '';
  for (let one = thread; one !== undefined; one = one.rest) {
    key +=
      one.part.kind === 'repeat'
        ? `${keyOf(push(one.part.of, undefined))}{${one.part.min},${one.part.max}},`
        : `${one.id},`;
  }
  return key;
}

function referencesOf(of: readonly Part[][]): string[] {
  const ofPart = (one: Part): string[] => {
    if (one.kind === 'rule') return [one.name];
    return one.kind === 'group' ? referencesOf(one.of) : one.kind === 'repeat' ? ofPart(one.of) : [];
  };
  return of.flat().flatMap(ofPart);
}

function has(ranges: Ranges, point: number): boolean {
  return ranges.some(([from, to]) => from <= point && point <= to);
}

function characterOf(ranges: Ranges, random: Random): string {
  const [from, to] = ranges[random.below(ranges.length)]!;
  const edge = random.below(6);
  return String.fromCodePoint(edge === 0 ? from : edge === 1 ? to : from + random.below(Math.min(to - from + 1, 200)));
}

function complement(ranges: readonly (readonly [number, number])[]): [number, number][] {
  const gaps: [number, number][] = [];
  let from = 0;
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (first > from) gaps.push([from, first - 1]);
    from = Math.max(from, last + 1);
  }
  return [...gaps, [from, 0x10ffff]];
}

class LineReader {
  readonly #points: readonly string[];
  #at = 0;

  constructor(line: string) {
    this.#points = [...line];
  }

  alternatives(): Part[][] {
    const all = [this.#sequence()];
    while (this.#takes('|')) all.push(this.#sequence());
    return all;
  }

  #sequence(): Part[] {
    const parts: Part[] = [];
    for (;;) {
      this.#skipBlanks();
      const next = this.#points[this.#at];
      if (next === undefined || next === '|' || next === ')') return parts;
      const items = this.#items();
      const counts = this.#counts();
      if (counts === undefined) parts.push(...items);
      else
        parts.push({ kind: 'repeat', of: items.length === 1 ? items[0]! : { kind: 'group', of: [items] }, ...counts });
    }
  }

  #items(): Part[] {
    if (this.#takes('"')) {
      const characters: Part[] = [];
      while (!this.#takes('"')) {
        const point = this.#point();
        characters.push({ kind: 'set', ranges: [[point, point]] });
      }
      return characters;
    }
    if (this.#takes('[')) {
      const isComplement = this.#points[this.#at] === '^' && this.#at++ > 0;
      const ranges: [number, number][] = [];
      while (!this.#takes(']')) {
        const from = this.#point();
        ranges.push([from, this.#takes('-') ? this.#point() : from]);
      }
      return [{ kind: 'set', ranges: isComplement ? complement(ranges) : ranges }];
    }
    if (this.#takes('(')) {
      const of = this.alternatives();
      if (!this.#takes(')')) throw new Error('an open group');
      return [{ kind: 'group', of }];
    }
    const name = /^[a-zA-Z0-9-]+/.exec(this.#points.slice(this.#at, this.#at + 80).join(''))?.[0];
    if (name === undefined) throw new Error(`not understood: ${this.#points.slice(this.#at, this.#at + 20).join('')}`);
    this.#at += name.length;
    return [{ kind: 'rule', name }];
  }

  #counts(): { min: number; max: number } | undefined {
    if (this.#takes('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    const counted = /^\{(\d+)(?:(,)(\d+))?\}/.exec(this.#points.slice(this.#at, this.#at + 20).join(''));
    if (counted === null) return undefined;
    const [all, min, comma, max] = counted;
    this.#at += all.length;
    // llama.cpp refuses more than this of one item.
    const counts = { min: Number(min), max: Number(comma === undefined ? min : max) };
    if (counts.max >= 2_000) throw new Error('too many repetitions for llama.cpp');
    return counts;
  }

  #point(): number {
    const point = this.#points[this.#at++];
    if (point === undefined) throw new Error('an open text or set');
    if (point !== '\\') return point.codePointAt(0)!;
    const letter = this.#points[this.#at++]!;
    const digits = { x: 2, u: 4, U: 8 }[letter];
    if (digits === undefined) {
      const known = { n: 10, r: 13, t: 9, '"': 34, '\\': 92, '[': 91, ']': 93 }[letter];
      if (known === undefined) throw new Error(`an unknown escape \\${letter}`);
      return known;
    }
    const hex = this.#points.slice(this.#at, this.#at + digits).join('');
    if (!new RegExp(`^[0-9A-Fa-f]{${digits}}$`).test(hex)) throw new Error('an escape without its digits');
    this.#at += digits;
    return Number.parseInt(hex, 16);
  }

  #skipBlanks(): void {
    while (this.#points[this.#at] === ' ') this.#at++;
  }

  #takes(point: string): boolean {
    this.#skipBlanksBefore(point);
    if (this.#points[this.#at] !== point) return false;
    this.#at++;
    return true;
  }

  #skipBlanksBefore(point: string): void {
    if (point === '|' || point === ')') this.#skipBlanks();
  }
}
