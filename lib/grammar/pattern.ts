/** What a regular expression says about whole strings. JSON Schema searches: without anchors anything may stand around a match. */
import type { Language, Languages } from './language.js';
import { PatternError, parseRegex, type Regex } from './regex-syntax.js';

/**
 * @returns the strings in which `source` finds a match
 * @throws {@link PatternError} for what no automaton can tell: back references, looking behind, word boundaries, property escapes
 */
export function patternLanguage(languages: Languages, source: string): Language {
  return searched(languages, parseRegex(source));
}

/** Anchors stand at the ends of alternatives; each alternative is anchored for itself. */
function searched(languages: Languages, regex: Regex): Language {
  if (regex.kind === 'either') return languages.either(...regex.of.map((one) => searched(languages, one)));
  const parts = regex.kind === 'sequence' ? regex.parts : [regex];
  const [first, ...others] = parts;
  if (first?.kind === 'either' && others.length === 0) return searched(languages, first);
  const isAnchored = first?.kind === 'begin';
  const rest: Regex = { kind: 'sequence', parts: isAnchored ? others : parts };
  const match = followed(languages, rest, languages.all);
  return isAnchored ? match : languages.sequence(languages.all, match);
}

/** Words of `regex` with a word of `after` behind them. What looks ahead looks into both. */
function followed(languages: Languages, regex: Regex, after: Language): Language {
  switch (regex.kind) {
    case 'set':
      return languages.sequence(languages.set(regex.set), after);
    case 'sequence':
      return regex.parts.reduceRight((rest, part) => followed(languages, part, rest), after);
    case 'either':
      return languages.either(...regex.of.map((one) => followed(languages, one, after)));
    case 'repeat':
      return repeated(languages, regex, after);
    case 'begin':
      throw new PatternError('has "^" elsewhere than at its beginning');
    case 'end':
      return languages.both(languages.empty, after);
    case 'ahead': {
      const seen = followed(languages, regex.of, languages.all);
      return languages.both(regex.isNegated ? languages.not(seen) : seen, after);
    }
    default:
      return regex satisfies never;
  }
}

function repeated(languages: Languages, regex: Regex & { kind: 'repeat' }, after: Language): Language {
  const { of, min, max } = regex;
  if (min === 0 && max === 1) return languages.either(followed(languages, of, after), after);
  if (asserts(of)) throw new PatternError('repeats a group that asserts something');
  return languages.sequence(languages.repeat(followed(languages, of, languages.empty), min, max), after);
}

function asserts(regex: Regex): boolean {
  switch (regex.kind) {
    case 'set':
      return false;
    case 'sequence':
      return regex.parts.some(asserts);
    case 'either':
      return regex.of.some(asserts);
    case 'repeat':
      return asserts(regex.of);
    default:
      return true;
  }
}
