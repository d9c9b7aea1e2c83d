/** Writes rules as GBNF, the grammar notation of llama.cpp. What derives nothing is left out; long repetitions are folded. */
import type { CodePoints } from './code-points.js';
import type { Node } from './node.js';

/** llama.cpp refuses 2,000 repetitions of one item, and makes a rule of each: longer ones are blocks of blocks. */
const REPETITIONS_IN_LINE = 256;

/** Rules from which some text can be derived. */
export function productiveRules(rules: ReadonlyMap<string, Node>): Set<string> {
  const productive = new Set<string>();
  let sizeBefore: number;
  do {
    sizeBefore = productive.size;
    for (const [name, node] of rules) if (!productive.has(name) && isProductive(node, productive)) productive.add(name);
  } while (productive.size > sizeBefore);
  return productive;
}

function isProductive(node: Node, productive: ReadonlySet<string>): boolean {
  switch (node.kind) {
    case 'text':
    case 'chars':
      return true;
    case 'sequence':
      return node.parts.every((one) => isProductive(one, productive));
    case 'choice':
      return node.of.some((one) => isProductive(one, productive));
    case 'repeat':
      return node.min === 0 || isProductive(node.of, productive);
    case 'rule':
      return productive.has(node.name);
    default:
      return node satisfies never;
  }
}

/** @returns a rule that can begin with itself, which no parser of grammars takes; values are never empty, so only a choice can */
export function leftRecursiveRule(rules: ReadonlyMap<string, Node>): string | undefined {
  const done = new Set<string>();
  const open = new Set<string>();
  const visit = (name: string): string | undefined => {
    if (open.has(name)) return name;
    if (done.has(name)) return undefined;
    open.add(name);
    for (const next of beginnings(rules.get(name)!)) {
      const found = visit(next);
      if (found !== undefined) return found;
    }
    open.delete(name);
    done.add(name);
    return undefined;
  };
  for (const name of rules.keys()) {
    const found = visit(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function beginnings(node: Node): string[] {
  switch (node.kind) {
    case 'rule':
      return [node.name];
    case 'choice':
      return node.of.flatMap(beginnings);
    case 'sequence':
      return beginnings(node.parts[0]!);
    case 'repeat':
      return beginnings(node.of);
    default:
      return [];
  }
}

/** @param rules - by name; "root" is the beginning */
export function writeGbnf(rules: ReadonlyMap<string, Node>, productive: ReadonlySet<string>): string {
  return new Writer(productive).write(rules);
}

class Writer {
  readonly #productive: ReadonlySet<string>;
  readonly #lines: string[] = [];
  /** Names of the rules that were added for repetitions, by what they say. */
  readonly #added = new Map<string, string>();

  constructor(productive: ReadonlySet<string>) {
    this.#productive = productive;
  }

  write(rules: ReadonlyMap<string, Node>): string {
    const reached = new Set(['root']);
    for (const name of reached) {
      const node = rules.get(name)!;
      this.#lines.push(`${name} ::= ${this.#body(node)}`);
      for (const next of references(node)) if (this.#productive.has(next)) reached.add(next);
    }
    return `${this.#lines.join('\n')}\n`;
  }

  #body(node: Node): string {
    return node.kind === 'choice' ? this.#choice(node) : this.#inSequence(node);
  }

  #choice(node: Node & { kind: 'choice' }): string {
    return node.of
      .filter((one) => isProductive(one, this.#productive))
      .map((one) => this.#inSequence(one))
      .join(' | ');
  }

  #inSequence(node: Node): string {
    if (node.kind === 'sequence') return node.parts.map((one) => this.#inSequence(one)).join(' ');
    if (node.kind === 'choice') return `(${this.#choice(node)})`;
    if (node.kind !== 'repeat') return this.#item(node);
    if (!isProductive(node.of, this.#productive)) return '""';
    return this.#repeat(this.#item(node.of), node.min, node.max);
  }

  /** Something that may be followed by a count. */
  #item(node: Node): string {
    switch (node.kind) {
      case 'text':
        return quoted(node.text);
      case 'chars':
        return bracketed(node.set);
      case 'rule':
        return node.name;
      default:
        // A group would be repeated rule by rule; a rule of its own counts as one.
        return this.#add('item', this.#body(node));
    }
  }

  #repeat(item: string, min: number, max: number): string {
    if (max === Number.POSITIVE_INFINITY) {
      const endless = `${item}*`;
      return min === 0 ? endless : `${this.#exactly(item, min)} ${endless}`;
    }
    if (max <= REPETITIONS_IN_LINE) return min === max ? `${item}{${min}}` : `${item}{${min},${max}}`;
    const more = this.#upTo(item, max - min);
    return min === 0 ? more : max === min ? this.#exactly(item, min) : `${this.#exactly(item, min)} ${more}`;
  }

  #exactly(item: string, count: number): string {
    if (count <= REPETITIONS_IN_LINE) return `${item}{${count}}`;
    const block = this.#add('block', `${item}{${REPETITIONS_IN_LINE}}`);
    const rest = count % REPETITIONS_IN_LINE;
    const blocks = this.#exactly(block, Math.floor(count / REPETITIONS_IN_LINE));
    return rest === 0 ? blocks : `${blocks} ${item}{${rest}}`;
  }

  /** A chain of blocks; wherever one may begin, the last and shorter one may stand instead. */
  #upTo(item: string, count: number): string {
    if (count <= REPETITIONS_IN_LINE) return `${item}{0,${count}}`;
    const size = Math.ceil(Math.sqrt(count));
    const block = this.#add('block', `${item}{${size}}`);
    const last = this.#add('last', `${item}{0,${size - 1}}`);
    let chain = this.#add('chain', count % size === 0 ? '""' : `${item}{0,${count % size}}`);
    for (let blocks = 1; blocks * size <= count; blocks++) chain = this.#add('chain', `${block} ${chain} | ${last}`);
    return chain;
  }

  #add(hint: string, body: string): string {
    let name = this.#added.get(body);
    if (name === undefined) {
      name = `${hint}-x${this.#added.size}`;
      this.#added.set(body, name);
      this.#lines.push(`${name} ::= ${body}`);
    }
    return name;
  }
}

function references(node: Node): string[] {
  switch (node.kind) {
    case 'rule':
      return [node.name];
    case 'choice':
      return node.of.flatMap(references);
    case 'sequence':
      return node.parts.flatMap(references);
    case 'repeat':
      return references(node.of);
    default:
      return [];
  }
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"`;
}

function bracketed(set: CodePoints): string {
  return `[${set.map(([from, to]) => (from === to ? point(from) : `${point(from)}-${point(to)}`)).join('')}]`;
}

/** Letters and digits as they are; everything else by number, since brackets, dashes and blanks mean something there. */
function point(code: number): string {
  const isPlain = /^[0-9A-Za-z]$/.test(String.fromCharCode(code)) && code < 0x80;
  if (isPlain) return String.fromCharCode(code);
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
