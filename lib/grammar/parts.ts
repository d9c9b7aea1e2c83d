/** The rules of one grammar while it is made: named, shared by what they hold. */
import { type Node, rule } from './node.js';

/**
 * How far a grammar goes where the schema sets no end. Small models do not find one by themselves: they repeat a word, or add items,
 * until their tokens are spent. Everything that is derived is valid; it is only less than the schema would allow.
 */
export interface GrammarOptions {
  /** Longest string without a `maxLength`, in code points. Default 1,000. */
  readonly stringCharacters: number;
  /** Longest string that a `pattern` or `format` leaves endless, in code points. Default 64. */
  readonly patternCharacters: number;
  /** Most items of an array without `maxItems`. Default 32. */
  readonly arrayItems: number;
  /** Most properties of an object beyond those that are described, without `maxProperties`. Default 16. */
  readonly freeProperties: number;
  /** Longest name of such a property, in code points. Default 40. */
  readonly nameCharacters: number;
  /** Levels of objects and arrays below a value of which the schema says nothing. Default 4. */
  readonly anyDepth: number;
  /** Lets one line end follow the value, as many models end it, and as a mark that it is over. Default false. */
  readonly lineEnd: boolean;
}

export const DEFAULT_OPTIONS: GrammarOptions = {
  stringCharacters: 1_000,
  patternCharacters: 64,
  arrayItems: 32,
  freeProperties: 16,
  nameCharacters: 40,
  anyDepth: 4,
  lineEnd: false,
};

export class Parts {
  readonly options: GrammarOptions;
  readonly rules = new Map<string, Node>();
  readonly #names = new Map<string, number>();
  readonly #shared = new Map<string, string>();

  constructor(options: GrammarOptions) {
    this.options = options;
  }

  /** A name that nothing has yet. */
  name(hint: string): string {
    const number = (this.#names.get(hint) ?? 0) + 1;
    this.#names.set(hint, number);
    return number === 1 ? hint : `${hint}-${number}`;
  }

  define(name: string, node: Node): void {
    this.rules.set(name, node);
  }

  /** A reference to the rule that `make` describes, made once for each `key`. The rule may refer to itself. */
  shared(hint: string, make: () => Node, key: string = hint): Node {
    const known = this.#shared.get(key);
    if (known !== undefined) return rule(known);
    const name = this.name(hint);
    this.#shared.set(key, name);
    this.define(name, make());
    return rule(name);
  }
}
