/** Numbers by their digits: bounds hold exactly, and no model can add decimals without end. */
import type { CodePoints } from './code-points.js';
import { chars, choice, EMPTY, NEVER, type Node, optional, repeat, sequence, text } from './node.js';
import { unsupported } from './refusal.js';

/** Fifteen digits are exact in a double, and far more than anybody asks for. */
const DIGITS_MAX = 15;
const LARGEST = 10 ** DIGITS_MAX - 1;
const FRACTION_DIGITS = 10;

const DIGIT = chars([[0x30, 0x39]]);
const POSITIVE_DIGIT = chars([[0x31, 0x39]]);

/** One end of a range: the number, and whether it belongs to it. */
interface Bound {
  readonly value: number;
  readonly isExclusive: boolean;
}

export interface NumberRules {
  readonly minimum: number | undefined;
  readonly exclusiveMinimum: number | undefined;
  readonly maximum: number | undefined;
  readonly exclusiveMaximum: number | undefined;
}

/** Any number: up to 15 digits, ten decimals, an exponent of two digits. */
const ANY_NUMBER = sequence(
  optional(text('-')),
  choice(text('0'), sequence(POSITIVE_DIGIT, repeat(DIGIT, 0, DIGITS_MAX - 1))),
  optional(sequence(text('.'), repeat(DIGIT, 1, FRACTION_DIGITS))),
  optional(
    sequence(
      chars([
        [0x45, 0x45],
        [0x65, 0x65],
      ]),
      optional(
        chars([
          [0x2b, 0x2b],
          [0x2d, 0x2d],
        ]),
      ),
      repeat(DIGIT, 1, 2),
    ),
  ),
);

export function integerNode(rules: NumberRules): Node {
  const { value: low, isExclusive: isOverLow } = lower(rules) ?? { value: -LARGEST, isExclusive: false };
  const { value: high, isExclusive: isBelowHigh } = upper(rules) ?? { value: LARGEST, isExclusive: false };
  const from = Math.max(isOverLow ? Math.floor(low) + 1 : Math.ceil(low), -Number.MAX_SAFE_INTEGER);
  const to = Math.min(isBelowHigh ? Math.ceil(high) - 1 : Math.floor(high), Number.MAX_SAFE_INTEGER);
  // What generators write for "any integer that JavaScript holds" is as good with a digit less, and shorter to say.
  return signedIntegers(
    from < -LARGEST && to > -LARGEST ? -LARGEST : from,
    to > LARGEST && from < LARGEST ? LARGEST : to,
  );
}

/** @throws for bounds that have too many digits to be held exactly */
export function numberNode(rules: NumberRules, at: string): Node {
  const low = lower(rules);
  const high = upper(rules);
  if (low === undefined && high === undefined) return ANY_NUMBER;
  const room = decimalsFor(rules, at);
  const above = { value: 0, isExclusive: false };
  const mirrored = (bound: Bound | undefined) => bound && { value: -bound.value || 0, isExclusive: bound.isExclusive };
  const positive =
    high !== undefined && high.value < 0
      ? NEVER
      : decimals(low !== undefined && low.value > 0 ? low : atZero(low, above), high, room);
  const negative =
    low !== undefined && low.value >= 0
      ? NEVER
      : sequence(
          text('-'),
          decimals(high !== undefined && high.value < 0 ? mirrored(high)! : atZero(high, above), mirrored(low), room),
        );
  return choice(positive, negative);
}

/** Zero is left out on the side of a bound that leaves it out. */
function atZero(bound: Bound | undefined, above: Bound): Bound {
  return bound?.value === 0 ? { value: 0, isExclusive: bound.isExclusive } : above;
}

function lower({ minimum, exclusiveMinimum }: NumberRules): Bound | undefined {
  if (exclusiveMinimum !== undefined && (minimum === undefined || exclusiveMinimum >= minimum))
    return { value: exclusiveMinimum, isExclusive: true };
  return minimum === undefined ? undefined : { value: minimum, isExclusive: false };
}

function upper({ maximum, exclusiveMaximum }: NumberRules): Bound | undefined {
  if (exclusiveMaximum !== undefined && (maximum === undefined || exclusiveMaximum <= maximum))
    return { value: exclusiveMaximum, isExclusive: true };
  return maximum === undefined ? undefined : { value: maximum, isExclusive: false };
}

/**
 * Decimals that keep all numbers near a bound within 15 digits: two such numbers are never the same double, so a number beyond a bound
 * as text is beyond it as a value.
 */
function decimalsFor(rules: NumberRules, at: string): number {
  let room = FRACTION_DIGITS;
  let needed = 0;
  for (const [keyword, value] of Object.entries(rules) as [string, number | undefined][]) {
    if (value === undefined) continue;
    const written = decimalText(Math.abs(value));
    if (written === undefined) throw unsupported(keyword, at);
    room = Math.min(room, DIGITS_MAX - written.whole.length);
    needed = Math.max(needed, written.fraction.length);
    if (needed > room) throw unsupported(keyword, at);
  }
  return room;
}

function decimalText(value: number): { whole: string; fraction: string } | undefined {
  if (!(value <= LARGEST)) return undefined;
  const written = String(value).includes('e') ? value.toFixed(FRACTION_DIGITS) : String(value);
  if (Number(written) !== value) return undefined;
  const [whole = '', fraction = ''] = written.split('.');
  return { whole, fraction: fraction.replace(/0+$/, '') };
}

/** Numbers ≥ 0 from `low` to `high`. */
function decimals(low: Bound, high: Bound | undefined, room: number): Node {
  const from = decimalText(low.value)!;
  const to = high === undefined ? { whole: String(LARGEST), fraction: '' } : decimalText(high.value)!;
  const [a, b] = [Number(from.whole), Number(to.whole)];
  const least = { digits: from.fraction, isExclusive: low.isExclusive };
  const most = { digits: to.fraction, isExclusive: high?.isExclusive ?? false };
  if (a > b) return NEVER;
  if (a === b) return sequence(text(from.whole), fraction(least, most, room));
  return choice(
    sequence(text(from.whole), fraction(least, undefined, room)),
    sequence(wholeNumbers(a + 1, b - 1), fraction(undefined, undefined, room)),
    sequence(text(to.whole), fraction(undefined, most, room)),
  );
}

interface FractionBound {
  /** Without trailing zeros. */
  readonly digits: string;
  readonly isExclusive: boolean;
}

/** A point with digits behind it, or nothing, between two fractions. */
function fraction(low: FractionBound | undefined, high: FractionBound | undefined, room: number): Node {
  const behind = sequence(text('.'), fractionDigits(low, high, room, false));
  return mayEnd(low, high) ? optional(behind) : behind;
}

/** "0." with these digits is between the bounds; `mayBeEmpty`: also with none. */
function fractionDigits(
  low: FractionBound | undefined,
  high: FractionBound | undefined,
  room: number,
  mayBeEmpty: boolean,
): Node {
  if (low === undefined && high === undefined) return repeat(DIGIT, mayBeEmpty ? 0 : 1, room);
  const alternatives: Node[] = [];
  if (room > 0) {
    const a = low === undefined ? 0 : digitOf(low);
    const b = high === undefined ? 9 : digitOf(high);
    if (low !== undefined && high !== undefined && a === b) {
      alternatives.push(sequence(text(String(a)), fractionDigits(behind(low), behind(high), room - 1, true)));
    } else if (a <= b) {
      if (low !== undefined)
        alternatives.push(sequence(text(String(a)), fractionDigits(behind(low), undefined, room - 1, true)));
      const middle = digits(low === undefined ? a : a + 1, high === undefined ? b : b - 1);
      alternatives.push(sequence(middle, repeat(DIGIT, 0, room - 1)));
      if (high !== undefined)
        alternatives.push(sequence(text(String(b)), fractionDigits(undefined, behind(high), room - 1, true)));
    }
  }
  if (mayBeEmpty && mayEnd(low, high)) alternatives.push(EMPTY);
  return choice(...alternatives);
}

/** Is the fraction of no more digits between the bounds? */
function mayEnd(low: FractionBound | undefined, high: FractionBound | undefined): boolean {
  const isOverLow = low === undefined || (low.digits === '' && !low.isExclusive);
  return isOverLow && (high === undefined || high.digits !== '' || !high.isExclusive);
}

function digitOf({ digits }: FractionBound): number {
  return Number(digits[0] ?? 0);
}

function behind({ digits, isExclusive }: FractionBound): FractionBound {
  return { digits: digits.slice(1), isExclusive };
}

function signedIntegers(from: number, to: number): Node {
  const positive = to < 0 ? NEVER : wholeNumbers(Math.max(from, 0), to);
  const negative = from >= 0 ? NEVER : sequence(text('-'), wholeNumbers(Math.max(-to, 1), -from));
  return choice(positive, negative);
}

/** Integers ≥ 0 from `from` to `to`, without leading zeros. */
function wholeNumbers(from: number, to: number): Node {
  if (from > to) return NEVER;
  const alternatives: Node[] = [];
  const [shortest, longest] = [String(from).length, String(to).length];
  for (let length = shortest; length <= longest; length++) {
    const least = length === shortest ? String(from) : `1${'0'.repeat(length - 1)}`;
    const most = length === longest ? String(to) : '9'.repeat(length);
    // Lengths that are there in full are said together.
    let last = length;
    const isFull = (one: number) =>
      one > 1 && (one > shortest || Number(least) === 10 ** (one - 1)) && (one < longest || to === 10 ** one - 1);
    while (isFull(length) && last < longest && isFull(last + 1)) last++;
    if (last > length) {
      alternatives.push(sequence(POSITIVE_DIGIT, repeat(DIGIT, length - 1, last - 1)));
      length = last;
    } else alternatives.push(sameLength(least, most));
  }
  return choice(...alternatives);
}

function sameLength(from: string, to: string): Node {
  if (from === '') return EMPTY;
  const rest = from.length - 1;
  const [a, b] = [Number(from[0]), Number(to[0])];
  if (a === b) return sequence(text(from[0]!), sameLength(from.slice(1), to.slice(1)));
  const isFromFull = /^0*$/.test(from.slice(1));
  const isToFull = /^9*$/.test(to.slice(1));
  return choice(
    ...(isFromFull ? [] : [sequence(text(from[0]!), sameLength(from.slice(1), '9'.repeat(rest)))]),
    sequence(digits(isFromFull ? a : a + 1, isToFull ? b : b - 1), repeat(DIGIT, rest, rest)),
    ...(isToFull ? [] : [sequence(text(to[0]!), sameLength('0'.repeat(rest), to.slice(1)))]),
  );
}

function digits(from: number, to: number): Node {
  if (from > to) return NEVER;
  const set: CodePoints = [[0x30 + from, 0x30 + to]];
  return from === to ? text(String(from)) : chars(set);
}
