/** Strings: free ones by characters, bounded ones by an automaton that holds pattern, format and length at once. */
import { ALPHABET, type CodePoints, difference, intersection, pointsOf } from './code-points.js';
import { FORMATS, STANDARD_FORMATS } from './formats.js';
import { type Automaton, type Language, Languages, TooManyStates } from './language.js';
import { chars, choice, EMPTY, type Node, repeat, rule, sequence, text } from './node.js';
import type { Parts } from './parts.js';
import { patternLanguage } from './pattern.js';
import { refusal } from './refusal.js';
import { PatternError } from './regex-syntax.js';

/** An automaton of this size is a grammar of as many rules, and takes some ten milliseconds to make. */
const STATES_MAX = 4_000;

const QUOTE = text('"');
/** In a string only escapes may stand for these. */
const ESCAPED: Readonly<Record<number, string>> = { 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r', 34: '"', 92: '\\' };
const MUST_ESCAPE = pointsOf('\b\t\n\f\r"\\');
const RAW = difference(ALPHABET, MUST_ESCAPE);
const HEX = chars([
  [0x30, 0x39],
  [0x41, 0x46],
  [0x61, 0x66],
]);

/** One character of a free string: itself or an escape; half a surrogate pair is none. */
const ANY_CHARACTER = choice(
  chars(RAW),
  sequence(
    text('\\'),
    choice(
      chars(pointsOf('"\\/bfnrt')),
      sequence(
        text('u'),
        choice(
          sequence(chars(pointsOf('0123456789ABCEFabcef')), repeat(HEX, 3, 3)),
          sequence(
            chars(pointsOf('Dd')),
            choice(
              sequence(chars(pointsOf('01234567')), repeat(HEX, 2, 2)),
              sequence(
                chars(pointsOf('89ABab')),
                repeat(HEX, 2, 2),
                text('\\u'),
                chars(pointsOf('Dd')),
                chars(pointsOf('CDEFcdef')),
                repeat(HEX, 2, 2),
              ),
            ),
          ),
        ),
      ),
    ),
  ),
);

/** What a string has to hold. Lengths count code points, escapes as one. */
export interface StringRules {
  readonly minLength: number;
  readonly maxLength: number | undefined;
  readonly patterns: readonly string[];
  readonly formats: readonly string[];
  /** Texts that it must not be. */
  readonly except: readonly string[];
}

/** @param at - place of the schema, for refusals */
export function stringNode(parts: Parts, rules: StringRules, at: string): Node {
  const { minLength, maxLength, patterns, formats, except } = rules;
  if (patterns.length === 0 && formats.length === 0 && except.length === 0) {
    const most = maxLength ?? Math.max(minLength, parts.options.stringCharacters);
    const character = parts.shared('character', () => ANY_CHARACTER);
    return sequence(QUOTE, repeat(character, minLength, most), QUOTE);
  }
  const key = JSON.stringify(['string', rules]);
  return parts.shared(
    'string',
    () => sequence(QUOTE, automatonNode(parts, automatonOf(rules, parts.options.patternCharacters, at)), QUOTE),
    key,
  );
}

function automatonOf(
  { minLength, maxLength, patterns, formats, except }: StringRules,
  patternCharacters: number,
  at: string,
): Automaton {
  const languages = new Languages();
  const held: Language[] = [];
  for (const pattern of patterns) {
    try {
      held.push(patternLanguage(languages, pattern));
    } catch (error) {
      if (error instanceof PatternError) throw refusal(`has a "pattern" that ${error.message}`, at);
      throw error;
    }
  }
  for (const format of formats) {
    const pattern = FORMATS[format];
    if (pattern !== undefined) held.push(patternLanguage(languages, `^(?:${pattern})$`));
    else if (STANDARD_FORMATS.has(format) || patterns.length === 0) {
      throw refusal(`has a "format" that is none of ${Object.keys(FORMATS).join(', ')}`, at);
    }
  }
  if (except.length > 0) held.push(languages.not(languages.either(...except.map((one) => languages.word(one)))));
  if (minLength > 0 || maxLength !== undefined)
    held.push(languages.repeat(languages.character, minLength, maxLength ?? Number.POSITIVE_INFINITY));
  try {
    const automaton = languages.automaton(languages.both(...held), STATES_MAX);
    if (!isEndless(automaton) || automaton.states.length * patternCharacters > STATES_MAX) return automaton;
    // Small models do not leave a loop: an endless language is cut at a length, if something is left of it then.
    const cut = languages.repeat(languages.character, 0, patternCharacters);
    const short = languages.automaton(languages.both(...held, cut), STATES_MAX);
    return isNothing(short) ? automaton : short;
  } catch (error) {
    if (!(error instanceof TooManyStates)) throw error;
    throw refusal('has a "pattern", with what else it says of the string, that is too large for a grammar', at);
  }
}

/** Can a state be reached from itself? Then words have no longest. */
function isEndless({ states }: Automaton): boolean {
  const entries = states.map(() => 0);
  for (const { moves } of states) for (const { to } of moves) entries[to]!++;
  // Taking away what nothing leads to any more leaves the circles, and what lies behind them.
  const free = entries.flatMap((count, at) => (count === 0 ? [at] : []));
  for (const at of free) for (const { to } of states[at]!.moves) if (--entries[to]! === 0) free.push(to);
  return free.length < states.length;
}

function isNothing({ states }: Automaton): boolean {
  return states.length === 1 && !states[0]!.isEnd && states[0]!.moves.length === 0;
}

/** A rule for each state that is reached twice or branches; what merely follows is written in line. */
function automatonNode(parts: Parts, { states }: Automaton): Node {
  const entries = states.map(() => 0);
  for (const { moves } of states) for (const { to } of moves) entries[to]!++;
  const isInline = (at: number) => at !== 0 && entries[at] === 1 && states[at]!.moves.length <= 1 && !isLongEnd(at);
  const isLongEnd = (at: number) => states[at]!.isEnd && states[at]!.moves.length > 0;
  const names = new Map<number, string>();
  states.forEach((_, at) => {
    if (!isInline(at)) names.set(at, parts.name('state'));
  });
  const reach = (at: number): Node => {
    const path: Node[] = [];
    let state = at;
    while (!names.has(state)) {
      const [move] = states[state]!.moves;
      if (move === undefined) return sequence(...path);
      path.push(character(move.set));
      state = move.to;
    }
    return sequence(...path, rule(names.get(state)!));
  };
  for (const [at, name] of names) {
    const { isEnd, moves } = states[at]!;
    parts.define(
      name,
      choice(...moves.map(({ set, to }) => sequence(character(set), reach(to))), ...(isEnd ? [EMPTY] : [])),
    );
  }
  return rule(names.get(0)!);
}

/** A character of `set` as JSON writes it. */
function character(set: CodePoints): Node {
  const escaped = intersection(set, MUST_ESCAPE).flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, i) => ESCAPED[from + i]!),
  );
  const raw = intersection(set, RAW);
  const spelled = sequence(text('\\'), chars(pointsOf(escaped.join(''))));
  if (escaped.length === 0)
    return raw.length === 1 && raw[0]![0] === raw[0]![1] ? text(String.fromCodePoint(raw[0]![0])) : chars(raw);
  return raw.length === 0 ? spelled : choice(chars(raw), spelled);
}
