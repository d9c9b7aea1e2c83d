/**
 * Regular languages as expressions with intersection and complement, and their automata by derivatives.
 * A pattern, a format, a length and a list of forbidden words become one automaton, so that all of them hold at once, exactly.
 * Source: Brzozowski 1964, "Derivatives of Regular Expressions"; Owens, Reppy, Turon 2009 for the normal forms that keep it finite.
 */
import { ALPHABET, type CodePoints, difference, includes, intersection, union } from './code-points.js';

interface Common {
  readonly id: number;
  /** Does it hold the empty word? */
  readonly isNullable: boolean;
}

export type Language = Common &
  (
    | { readonly kind: 'empty' }
    | { readonly kind: 'set'; readonly set: CodePoints }
    | { readonly kind: 'sequence'; readonly first: Language; readonly rest: Language }
    | { readonly kind: 'either' | 'both'; readonly of: readonly Language[] }
    | { readonly kind: 'not'; readonly of: Language }
    | { readonly kind: 'repeat'; readonly of: Language; readonly min: number; readonly max: number }
  );

type Shape = Language extends infer L ? (L extends Language ? Omit<L, 'id'> : never) : never;

/** Deterministic; state 0 is the beginning. States from which no word ends are left out. */
export interface Automaton {
  readonly states: readonly AutomatonState[];
}

export interface AutomatonState {
  readonly isEnd: boolean;
  /** Ascending by their first code point; no two share one, no two lead to the same state. */
  readonly moves: readonly { readonly set: CodePoints; readonly to: number }[];
}

/** The automaton would have more states than a grammar should have rules. */
export class TooManyStates extends Error {}

/** Makes languages; equal ones are the same object. One for each string of a schema. */
export class Languages {
  readonly #known = new Map<string, Language>();
  /** No word at all. */
  readonly nothing: Language = this.set([]);
  /** The empty word alone. */
  readonly empty: Language = this.#make('e', { kind: 'empty', isNullable: true } as Shape);
  readonly character: Language = this.set(ALPHABET);
  /** Every word. */
  readonly all: Language = this.repeat(this.character, 0, Number.POSITIVE_INFINITY);

  set(set: CodePoints): Language {
    const points = intersection(set, ALPHABET);
    return this.#make(`s${points.join(';')}`, { kind: 'set', set: points, isNullable: false } as Shape);
  }

  word(text: string): Language {
    return this.sequence(...[...text].map((one) => this.set([[one.codePointAt(0)!, one.codePointAt(0)!]])));
  }

  sequence(...parts: readonly Language[]): Language {
    return parts.reduceRight((rest, first) => this.#pair(first, rest), this.empty);
  }

  either(...of: readonly Language[]): Language {
    const flat = this.#members('either', of).filter((one) => one !== this.nothing);
    if (flat.includes(this.all)) return this.all;
    const sets = flat.filter((one) => one.kind === 'set');
    if (sets.length < 2) return this.#group('either', flat);
    const others = flat.filter((one) => one.kind !== 'set');
    return this.#group('either', [this.set(union(...sets.map(({ set }) => set))), ...others]);
  }

  both(...of: readonly Language[]): Language {
    const flat = this.#members('both', of).filter((one) => one !== this.all);
    if (flat.includes(this.nothing)) return this.nothing;
    if (flat.includes(this.empty)) return flat.every((one) => one.isNullable) ? this.empty : this.nothing;
    return this.#group('both', flat);
  }

  not(of: Language): Language {
    if (of.kind === 'not') return of.of;
    if (of === this.nothing) return this.all;
    if (of === this.all) return this.nothing;
    return this.#make(`n${of.id}`, { kind: 'not', of, isNullable: !of.isNullable } as Shape);
  }

  repeat(of: Language, min: number, max: number): Language {
    if (max === 0 || of === this.empty) return this.empty;
    if (min === 1 && max === 1) return of;
    if (of === this.nothing) return min === 0 ? this.empty : this.nothing;
    return this.#make(`r${of.id},${min},${max}`, {
      kind: 'repeat',
      of,
      min,
      max,
      isNullable: min === 0 || of.isNullable,
    } as Shape);
  }

  /** @throws {@link TooManyStates} */
  automaton(language: Language, statesMax: number): Automaton {
    const classes = classesOf(language);
    /** By class: expressions share their parts, and so do the states. */
    const derived = classes.map(() => new Map<Language, Language>());
    const states: Language[] = [language];
    const numbers = new Map([[language, 0]]);
    const moves: Map<number, CodePoints[]>[] = [];
    for (let at = 0; at < states.length; at++) {
      const out = new Map<number, CodePoints[]>();
      for (const [index, one] of classes.entries()) {
        const next = this.#derive(states[at]!, one[0]![0], derived[index]!);
        if (next === this.nothing) continue;
        let to = numbers.get(next);
        if (to === undefined) {
          to = states.length;
          if (to >= statesMax) throw new TooManyStates();
          numbers.set(next, to);
          states.push(next);
        }
        const sets = out.get(to);
        if (sets === undefined) out.set(to, [one]);
        else sets.push(one);
      }
      moves.push(out);
    }
    return trimmed(states, moves);
  }

  /** What may follow `point` in the words that begin with it. */
  #derive(of: Language, point: number, derived: Map<Language, Language>): Language {
    const known = derived.get(of);
    if (known !== undefined) return known;
    const inner = (one: Language) => this.#derive(one, point, derived);
    const result = (() => {
      switch (of.kind) {
        case 'empty':
          return this.nothing;
        case 'set':
          return includes(of.set, point) ? this.empty : this.nothing;
        case 'sequence': {
          const first = this.#pair(inner(of.first), of.rest);
          return of.first.isNullable ? this.either(first, inner(of.rest)) : first;
        }
        case 'either':
          return this.either(...of.of.map(inner));
        case 'both':
          return this.both(...of.of.map(inner));
        case 'not':
          return this.not(inner(of.of));
        case 'repeat':
          return this.#pair(inner(of.of), this.repeat(of.of, Math.max(0, of.min - 1), of.max - 1));
        default:
          return of satisfies never;
      }
    })();
    derived.set(of, result);
    return result;
  }

  #pair(first: Language, rest: Language): Language {
    if (first === this.nothing || rest === this.nothing) return this.nothing;
    if (first === this.empty) return rest;
    if (rest === this.empty) return first;
    if (first.kind === 'sequence') return this.#pair(first.first, this.#pair(first.rest, rest));
    const isNullable = first.isNullable && rest.isNullable;
    return this.#make(`q${first.id},${rest.id}`, { kind: 'sequence', first, rest, isNullable } as Shape);
  }

  #members(kind: 'either' | 'both', of: readonly Language[]): Language[] {
    const members: Language[] = [];
    for (const one of of) {
      if (one.kind === kind) members.push(...one.of);
      else members.push(one);
    }
    return members;
  }

  #group(kind: 'either' | 'both', members: readonly Language[]): Language {
    const of = [...new Set(members)].sort((a, b) => a.id - b.id);
    if (of.length === 0) return kind === 'either' ? this.nothing : this.all;
    if (of.length === 1) return of[0]!;
    const isNullable = kind === 'either' ? of.some((one) => one.isNullable) : of.every((one) => one.isNullable);
    return this.#make(`${kind}${of.map(({ id }) => id).join(',')}`, { kind, of, isNullable } as Shape);
  }

  #make(key: string, shape: Shape): Language {
    let language = this.#known.get(key);
    if (language === undefined) {
      language = { ...shape, id: this.#known.size } as Language;
      this.#known.set(key, language);
    }
    return language;
  }
}

/** The alphabet cut into sets whose members no part of the language tells apart. */
function classesOf(language: Language): CodePoints[] {
  const seen = new Set<Language>();
  const sets = new Set<CodePoints>();
  const visit = (one: Language): void => {
    if (seen.has(one)) return;
    seen.add(one);
    if (one.kind === 'set') sets.add(one.set);
    else if (one.kind === 'sequence') {
      visit(one.first);
      visit(one.rest);
    } else if (one.kind === 'either' || one.kind === 'both') one.of.forEach(visit);
    else if (one.kind === 'not' || one.kind === 'repeat') visit(one.of);
  };
  visit(language);
  let classes: CodePoints[] = [ALPHABET];
  for (const set of sets) {
    classes = classes.flatMap((one) => [intersection(one, set), difference(one, set)]).filter((one) => one.length > 0);
  }
  return classes;
}

/** Leaves out the states from which no word ends. */
function trimmed(languages: readonly Language[], moves: readonly Map<number, CodePoints[]>[]): Automaton {
  const before: number[][] = languages.map(() => []);
  moves.forEach((out, from) => {
    for (const to of out.keys()) before[to]!.push(from);
  });
  const alive = new Set(languages.flatMap((one, at) => (one.isNullable ? [at] : [])));
  for (const state of alive) for (const from of before[state]!) alive.add(from);
  const kept = languages.flatMap((_, at) => (alive.has(at) ? [at] : []));
  const numbers = new Map(kept.map((at, index) => [at, index]));
  if (!alive.has(0)) return { states: [{ isEnd: false, moves: [] }] };
  return {
    states: kept.map((at) => ({
      isEnd: languages[at]!.isNullable,
      moves: [...moves[at]!]
        .filter(([to]) => alive.has(to))
        .map(([to, sets]) => ({ set: union(...sets), to: numbers.get(to)! }))
        .sort((a, b) => a.set[0]![0] - b.set[0]![0]),
    })),
  };
}
