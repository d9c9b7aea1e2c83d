/**
 * The numbers of a text by their value, however they are written: "1,234.50" in English is "1.234,5" in German and "1 234,5" in French.
 *
 * A number is digits of any script with separators between them. What it is worth may depend on who wrote it: "1,234" is one thousand or one
 * and a bit. With the language known there is one value, without it there may be two. A chain that is no number as a whole ("3.5.2024", "1,2,3") is
 * one number per stretch of digits. Leading zeros count ("007"), zeros at the end of a fraction do not, and a minus sign does.
 */

/** One number of a text; `values` holds what it may be worth, in digits with a point ("-1234.5"). */
export interface TextNumber {
  start: number;
  end: number;
  text: string;
  values: readonly string[];
}

interface Separators {
  decimal: string;
  group: string | undefined;
}

const CHAIN = /\p{Nd}+(?:[.,'’٬٫·\u00a0\u202f\u2009]\p{Nd}+)*/gu;
/** A sign belongs to a number unless something stands before it that it could join ("A-5", "3-5"). */
const SIGN = /(?:^|[\s([{:;=,"'“„«/|])[-−]$/u;
const SPACES = /[\u00a0\u202f\u2009]/gu;

const known = new Map<string, Separators>();

/** What a language writes between the digits of a number. Of a language that is not known, what is written in most. */
function separatorsOf(language: string): Separators {
  const kept = known.get(language);
  if (kept !== undefined) return kept;
  const parts = new Intl.NumberFormat(language).formatToParts(1_234_567.5);
  const part = (type: string) => parts.find((one) => one.type === type)?.value;
  const group = part('group');
  const separators = { decimal: plain(part('decimal') ?? '.'), group: group === undefined ? undefined : plain(group) };
  known.set(language, separators);
  return separators;
}

function plain(separator: string): string {
  return separator.replace(SPACES, ' ').replace('’', "'");
}

/** Five sets of ten without a gap between them; every other script has ten digits in a row and something else before them. */
const MATHEMATICAL_ZERO = 0x1d7ce;

/** Digits of any script as 0 to 9. */
function asciiDigits(text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0)!;
    if (code < 0x80) return digit;
    if (code >= MATHEMATICAL_ZERO && code < MATHEMATICAL_ZERO + 50) return String((code - MATHEMATICAL_ZERO) % 10);
    let zero = code;
    while (code - zero < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero--;
    return String(code - zero);
  });
}

/**
 * @param language - BCP 47 tag of the text; undefined when it is not known
 * @returns in the order of the text
 */
export function numbersOf(text: string, language?: string): TextNumber[] {
  const found: TextNumber[] = [];
  for (const { 0: chain, index } of text.matchAll(CHAIN)) {
    const isSigned = SIGN.test(text.slice(Math.max(0, index - 2), index));
    const start = isSigned ? index - 1 : index;
    const sign = isSigned ? '-' : '';
    const values = readingsOf(chain, language);
    if (values.length > 0) {
      found.push({
        start,
        end: index + chain.length,
        text: text.slice(start, index + chain.length),
        values: values.map((value) => sign + value),
      });
      continue;
    }
    for (const { 0: digits, index: at } of chain.matchAll(/\p{Nd}+/gu)) {
      const from = at === 0 ? start : index + at;
      const to = index + at + digits.length;
      found.push({
        start: from,
        end: to,
        text: text.slice(from, to),
        values: [(at === 0 ? sign : '') + asciiDigits(digits)],
      });
    }
  }
  return found;
}

interface Reading {
  whole: string;
  fraction: string;
  /** Lengths of the groups of the whole part, left to right; one when it is not grouped. */
  groups: readonly number[];
}

/** Values of a chain as one number; none when it is several. */
function readingsOf(chain: string, language: string | undefined): string[] {
  return [...new Set(parse(chain, language).map(worthOf))];
}

function worthOf({ whole, fraction }: Reading): string {
  const digits = fraction.replace(/0+$/, '');
  if (fraction === '') return whole;
  const rest = whole.replace(/^0+(?=\d)/, '');
  return digits === '' ? rest : `${rest}.${digits}`;
}

function parse(chain: string, language: string | undefined): Reading[] {
  const runs = chain.split(/[^\p{Nd}]/u).map(asciiDigits);
  const marks = plain(chain.replace(/\p{Nd}/gu, '')).split('');
  const last = marks.at(-1);
  if (last === undefined) return [{ whole: runs[0]!, fraction: '', groups: [runs[0]!.length] }];
  const grouped = (parts: readonly string[], fraction: string): Reading => ({
    whole: parts.join(''),
    fraction,
    groups: parts.map(({ length }) => length),
  });
  if (marks.length > 1) {
    const rest = marks.slice(0, -1);
    if (rest.some((mark) => mark !== rest[0])) return [];
    if (last === rest[0]) return isGrouping(runs, last) ? [grouped(runs, '')] : [];
    return isGrouping(runs.slice(0, -1), rest[0]!) && isDecimal(last) ? [grouped(runs.slice(0, -1), runs.at(-1)!)] : [];
  }
  const asGroups = isGrouping(runs, last);
  const asFraction = isDecimal(last);
  const { decimal, group } = language === undefined ? { decimal: undefined, group: undefined } : separatorsOf(language);
  const readings: Reading[] = [];
  if (asGroups && !(asFraction && last === decimal)) readings.push(grouped(runs, ''));
  if (asFraction && !(asGroups && last === group)) readings.push(grouped([runs[0]!], runs[1]!));
  return readings;
}

function isDecimal(mark: string): boolean {
  return mark === '.' || mark === ',' || mark === '٫' || mark === '·';
}

/** Thousands (1,234,567) or lakhs (12,34,567). */
function isGrouping(runs: readonly string[], mark: string): boolean {
  if (mark === '٫' || mark === '·' || runs.length < 2) return false;
  const [first = '', ...rest] = runs.map(({ length }) => length).map(String);
  if (Number(first) > 3 || runs[0]!.startsWith('0')) return false;
  const isThousands = rest.every((length) => length === '3');
  const isLakhs = rest.at(-1) === '3' && rest.slice(0, -1).every((length) => length === '2') && Number(first) <= 2;
  return isThousands || isLakhs;
}

/**
 * A number as the other language writes it: the same digits, its separators. Without the language that it comes from, when nothing is
 * between its digits, or when it reads in several ways, it stays as it is.
 */
export function localiseNumber(text: string, from: string | undefined, to: string): string {
  if (from === undefined) return text;
  const found = numbersOf(text, from);
  const only = found[0];
  if (found.length !== 1 || only === undefined || only.text !== text) return text;
  const sign = /^[-−]/u.test(text) ? text[0]! : '';
  const readings = parse(text.slice(sign.length), from);
  const reading = readings[0];
  if (readings.length !== 1 || reading === undefined) return text;
  if (reading.groups.length === 1 && reading.fraction === '') return text;
  const { decimal, group = '' } = separatorsOf(to);
  const written = group === ' ' ? '\u00a0' : group;
  let at = 0;
  const groups = reading.groups.map((length) => {
    at += length;
    return reading.whole.slice(at - length, at);
  });
  return `${sign}${groups.join(written)}${reading.fraction === '' ? '' : decimal + reading.fraction}`;
}

/** Numbers of either side that the other does not have, each counted as often as it stands there. */
export function compareNumbers(
  source: readonly TextNumber[],
  target: readonly TextNumber[],
): { lost: TextNumber[]; added: TextNumber[] } {
  const partner = matchAll(source, target);
  const taken = new Set(partner);
  return {
    lost: source.filter((_, at) => partner[at] === undefined),
    added: target.filter((_, at) => !taken.has(at)),
  };
}

/**
 * The largest pairing of numbers that may be worth the same (Kuhn's augmenting paths; a number has at most two values, so the graph is
 * thin). For each source number the index of its partner.
 */
function matchAll(source: readonly TextNumber[], target: readonly TextNumber[]): (number | undefined)[] {
  const byValue = new Map<string, number[]>();
  for (const [at, { values }] of target.entries()) {
    for (const value of values) {
      const list = byValue.get(value);
      if (list === undefined) byValue.set(value, [at]);
      else list.push(at);
    }
  }
  const owner = new Map<number, number>();
  const place = (at: number, seen: Set<number>): boolean => {
    const candidates = source[at]!.values.flatMap((value) => byValue.get(value) ?? []);
    const free = candidates.find((candidate) => !owner.has(candidate));
    if (free !== undefined) {
      owner.set(free, at);
      return true;
    }
    for (const candidate of candidates) {
      if (seen.has(candidate)) continue;
      seen.add(candidate);
      if (!place(owner.get(candidate)!, seen)) continue;
      owner.set(candidate, at);
      return true;
    }
    return false;
  };
  for (const at of source.keys()) place(at, new Set());
  const partner: (number | undefined)[] = source.map(() => undefined);
  for (const [candidate, at] of owner) partner[at] = candidate;
  return partner;
}
