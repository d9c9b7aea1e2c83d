/**
 * The grammar of an answer that may call tools.
 *
 * Text is free until the tag that opens a call; from there on nothing but calls of the offered tools follow, each with arguments that fit
 * its schema. So text streams as it is, and whether to call is the model's own choice at any place, also after some words.
 * Free text is an automaton that recognises the tag (Knuth, Morris and Pratt 1977), one rule a state, since a grammar cannot say "not".
 */
import { InvalidRequestError } from '../../base/errors.js';
import { compileGrammar, type JsonSchema } from '../../grammar/index.js';
import type { ToolBounds } from '../../runtime/backend.js';
import { ARGUMENTS_AFTER, ARGUMENTS_BEFORE, CALL_BEGIN, CALL_END, NAME_BEFORE } from '../../runtime/tool-prompt.js';

/** Of all tools together: a grammar of this size takes some hundred milliseconds to read, while the engine does nothing else. */
const CHARACTERS_MAX = 2_000_000;

/**
 * @param jsonSchema - of the answer when it is no call; undefined: free text
 * @returns GBNF, with `root` as its first rule
 * @throws {@link InvalidRequestError} for a schema that no grammar holds; with param "tools", and the tool's name, for a tool's
 */
export function toolGrammar(bounds: ToolBounds, jsonSchema: JsonSchema | undefined): string {
  const { tools, choice, callsMax } = bounds;
  const answer =
    jsonSchema === undefined ? undefined : withPrefix(compileGrammar(jsonSchema, { lineEnd: true }).gbnf, 'answer-');
  if (choice === 'none') return answer === undefined ? lines(freeText(undefined)) : `root ::= answer-root\n${answer}`;

  const schemas = tools.map(({ name, parameters }, index) =>
    withPrefix(argumentsGrammar(name, parameters), `tool${index}-`),
  );
  if (schemas.reduce((sum, { length }) => sum + length, 0) > CHARACTERS_MAX) {
    throw new InvalidRequestError('tools: their schemas need a grammar that is too large.', 'tools');
  }
  // Many models write a line end between calls. Where a value may be the answer, a line end marks its end and so ends everything.
  const between = answer === undefined ? '"\\n"{0,1} ' : '';
  const more = callsMax > 1 ? ` (${between}${literal(CALL_BEGIN)} call){0,${callsMax - 1}}` : '';
  const rules = [
    `calls ::= call${more}`,
    `call ::= (${tools.map((_, index) => `call${index}`).join(' | ')}) ${literal(ARGUMENTS_AFTER + CALL_END)}`,
    ...tools.map(({ name }, index) => {
      const head = NAME_BEFORE + JSON.stringify(name) + ARGUMENTS_BEFORE;
      return `call${index} ::= ${literal(head)} tool${index}-root`;
    }),
    ...schemas,
  ];
  if (choice === 'required') return lines([`root ::= ${literal(CALL_BEGIN)} calls`, ...rules]);
  if (answer !== undefined) return lines([`root ::= ${literal(CALL_BEGIN)} calls | answer-root`, answer, ...rules]);
  return lines([...freeText('calls'), ...rules]);
}

function argumentsGrammar(tool: string, parameters: JsonSchema): string {
  try {
    return compileGrammar(parameters).gbnf;
  } catch (error) {
    if (!(error instanceof InvalidRequestError)) throw error;
    throw new InvalidRequestError(`Tool "${tool}": ${error.message}`, 'tools');
  }
}

/**
 * Rules of text in which the opening tag is followed by `after`, or does not occur when that is undefined.
 * State k has read the first k characters of the tag; the answer may end in each.
 */
function freeText(after: string | undefined): string[] {
  const rules = ['root ::= text0'];
  for (let state = 0; state < CALL_BEGIN.length; state++) {
    const targets = new Map<string | undefined, string>();
    for (const character of new Set(CALL_BEGIN)) {
      const next = nextState(state, character);
      if (next === 0) continue;
      const target = next < CALL_BEGIN.length ? `text${next}` : after;
      targets.set(target, (targets.get(target) ?? '') + inClass(character));
    }
    const elsewhere = `[^${[...targets.values()].join('')}] text0`;
    const moves = [...targets].flatMap(([target, on]) => (target === undefined ? [] : [`[${on}] ${target}`]));
    rules.push(`text${state} ::= ${[elsewhere, ...moves, '""'].join(' | ')}`);
  }
  return rules;
}

/** Length of the longest beginning of the tag that ends what was read: `state` of its characters, and then `character`. */
function nextState(state: number, character: string): number {
  const read = CALL_BEGIN.slice(0, state) + character;
  for (let length = read.length; length > 0; length--) {
    if (read.endsWith(CALL_BEGIN.slice(0, length))) return length;
  }
  return 0;
}

const TOKENS = /"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|#[^\n]*|\{[\d,]*\}|[A-Za-z][\w-]*/g;

/** The same rules under names that begin with `prefix`: grammars of several schemas stand side by side. */
function withPrefix(gbnf: string, prefix: string): string {
  return gbnf.replaceAll(TOKENS, (token) => (/^[A-Za-z]/.test(token) ? prefix + token : token)).trim();
}

function literal(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function inClass(character: string): string {
  return /[\w<>]/.test(character) ? character : `\\${character}`;
}

function lines(rules: readonly string[]): string {
  return `${rules.join('\n')}\n`;
}
