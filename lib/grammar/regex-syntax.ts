/** Reads the regular expressions of JSON Schema (ECMA-262 with the flag `u`), as far as they describe regular languages. */
import { ALPHABET, type CodePoints, difference, pointsOf, union } from './code-points.js';

export type Regex =
  | { readonly kind: 'set'; readonly set: CodePoints }
  | { readonly kind: 'sequence'; readonly parts: readonly Regex[] }
  | { readonly kind: 'either'; readonly of: readonly Regex[] }
  | { readonly kind: 'repeat'; readonly of: Regex; readonly min: number; readonly max: number }
  | { readonly kind: 'begin' | 'end' }
  | { readonly kind: 'ahead'; readonly of: Regex; readonly isNegated: boolean };

/** The expression is wrong, or beyond what an automaton can tell. The message ends the sentence "has a pattern that …". */
export class PatternError extends Error {}

const REPEATS_MAX = 10_000;
const NESTING_MAX = 100;
const DIGITS: CodePoints = [[0x30, 0x39]];
const WORD = union(DIGITS, [[0x41, 0x5a]], [[0x5f, 0x5f]], [[0x61, 0x7a]]);
const LINE_ENDS = union(pointsOf('\n\r'), [[0x2028, 0x2029]]);
const BLANKS = union(
  pointsOf('\t\n\v\f\r \u00a0\u1680\ufeff'),
  [[0x2000, 0x200a]],
  [[0x2028, 0x2029]],
  pointsOf('\u202f\u205f\u3000'),
);
const CLASSES: Readonly<Record<string, CodePoints>> = {
  d: DIGITS,
  D: difference(ALPHABET, DIGITS),
  w: WORD,
  W: difference(ALPHABET, WORD),
  s: BLANKS,
  S: difference(ALPHABET, BLANKS),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };
const DOT = difference(ALPHABET, LINE_ENDS);

/** @throws {@link PatternError} */
export function parseRegex(source: string): Regex {
  return new Parser(source).whole();
}

class Parser {
  readonly #points: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#points = [...source];
  }

  whole(): Regex {
    const regex = this.#either();
    if (this.#at < this.#points.length) throw new PatternError('closes a group that it did not open');
    return regex;
  }

  #either(): Regex {
    if (++this.#depth > NESTING_MAX) throw new PatternError('nests too deep');
    const of = [this.#sequence()];
    while (this.#takes('|')) of.push(this.#sequence());
    this.#depth--;
    return of.length === 1 ? of[0]! : { kind: 'either', of };
  }

  #sequence(): Regex {
    const parts: Regex[] = [];
    while (this.#at < this.#points.length && this.#peek() !== '|' && this.#peek() !== ')') {
      parts.push(this.#repeated(this.#atom()));
    }
    return { kind: 'sequence', parts };
  }

  #repeated(of: Regex): Regex {
    const counts = this.#counts();
    if (counts === undefined) return of;
    if (of.kind === 'begin' || of.kind === 'end' || of.kind === 'ahead') throw new PatternError('repeats an assertion');
    // Lazy or greedy: the same words.
    this.#takes('?');
    const [min, max] = counts;
    if (min > max) throw new PatternError('repeats at least more often than at most');
    if (min > REPEATS_MAX || (max > REPEATS_MAX && max !== Number.POSITIVE_INFINITY))
      throw new PatternError(`repeats more than ${REPEATS_MAX.toLocaleString('en-US')} times`);
    return { kind: 'repeat', of, min, max };
  }

  #counts(): [number, number] | undefined {
    if (this.#takes('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#takes('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#takes('?')) return [0, 1];
    if (this.#peek() !== '{') return undefined;
    const counted = /^\{(\d+)(,(\d*))?\}/.exec(this.#points.slice(this.#at, this.#at + 24).join(''));
    if (counted === null) throw new PatternError('has a lone "{"');
    const [all, min, more, max] = counted;
    this.#at += all.length;
    if (more === undefined) return [Number(min), Number(min)];
    return [Number(min), max === '' ? Number.POSITIVE_INFINITY : Number(max)];
  }

  #atom(): Regex {
    const point = this.#next();
    switch (point) {
      case '^':
        return { kind: 'begin' };
      case '$':
        return { kind: 'end' };
      case '.':
        return { kind: 'set', set: DOT };
      case '[':
        return { kind: 'set', set: this.#class() };
      case '(':
        return this.#group();
      case '\\':
        return { kind: 'set', set: this.#escape(false) };
      case '*':
      case '+':
      case '?':
      case '{':
        throw new PatternError(`has nothing before "${point}"`);
      default:
        return { kind: 'set', set: pointsOf(point) };
    }
  }

  #group(): Regex {
    let isNegated: boolean | undefined;
    if (this.#takes('?')) {
      const kind = this.#next();
      if (kind === '=' || kind === '!') isNegated = kind === '!';
      else if (kind === '<' && this.#peek() !== '=' && this.#peek() !== '!') while (this.#next() !== '>');
      else if (kind !== ':') throw new PatternError('looks behind, or has flags in a group');
    }
    const of = this.#either();
    if (!this.#takes(')')) throw new PatternError('leaves a group open');
    return isNegated === undefined ? of : { kind: 'ahead', of, isNegated };
  }

  #class(): CodePoints {
    const isNegated = this.#takes('^');
    const sets: CodePoints[] = [];
    while (!this.#takes(']')) {
      const from = this.#classPart();
      // A dash before the bracket, or beside a class, is a dash.
      if (this.#peek() === '-' && this.#points[this.#at + 1] !== ']' && isSingle(from)) {
        this.#at++;
        const to = this.#classPart();
        if (!isSingle(to) || to[0]![0] < from[0]![0]) throw new PatternError('has a range that is none');
        sets.push([[from[0]![0], to[0]![0]]]);
      } else sets.push(from);
    }
    const set = union(...sets);
    return isNegated ? difference(ALPHABET, set) : set;
  }

  #classPart(): CodePoints {
    const point = this.#next();
    return point === '\\' ? this.#escape(true) : pointsOf(point);
  }

  #escape(isInClass: boolean): CodePoints {
    const point = this.#next();
    const known = CLASSES[point];
    if (known !== undefined) return known;
    const control = CONTROLS[point];
    if (control !== undefined) return [[control, control]];
    if (point === 'x') return this.#hex(/^[\da-fA-F]{2}/);
    if (point === 'u') return this.#hex(this.#peek() === '{' ? /^\{[\da-fA-F]{1,6}\}/ : /^[\da-fA-F]{4}/);
    if (point === 'b' && isInClass) return [[8, 8]];
    if (/[a-zA-Z0-9]/.test(point)) throw new PatternError(`uses "\\${point}"`);
    return pointsOf(point);
  }

  #hex(form: RegExp): CodePoints {
    const digits = form.exec(this.#points.slice(this.#at, this.#at + 8).join(''))?.[0];
    if (digits === undefined) throw new PatternError('has an escape without its digits');
    this.#at += digits.length;
    const point = Number.parseInt(digits.replace(/[{}]/g, ''), 16);
    return [[point, point]];
  }

  #peek(): string | undefined {
    return this.#points[this.#at];
  }

  #next(): string {
    const point = this.#points[this.#at++];
    if (point === undefined) throw new PatternError('ends too early');
    return point;
  }

  #takes(point: string): boolean {
    if (this.#peek() !== point) return false;
    this.#at++;
    return true;
  }
}

function isSingle(set: CodePoints): boolean {
  return set.length === 1 && set[0]![0] === set[0]![1];
}
