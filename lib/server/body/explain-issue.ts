/** Turns a schema's complaint into one sentence: which field, what is allowed, what came. Never quotes free text. */
import type { z } from 'zod';
import { InvalidRequestError } from '../../base/index.js';

type Issue = z.core.$ZodIssue;

/** A short single word may be shown as it came (a misspelt role); anything longer may be a prompt in the wrong place. */
const SHOWN_WORD = /^[\w.-]{1,24}$/;

/**
 * The error for the first complaint about `body`.
 * @param issues - what zod found, at least one
 * @param body - the value that was checked: what came is read from it
 * @param prefix - where `body` itself lies in the request
 */
export function explainIssues(
  issues: readonly Issue[],
  body: unknown,
  prefix: readonly PropertyKey[] = [],
): InvalidRequestError {
  const { path, allowed, isWord, came = describe(valueAt(body, path), isWord) } = deepest(issues[0] as Issue);
  const field = fieldPath([...prefix, ...path]);
  return new InvalidRequestError(`${field === '' ? 'The body' : field}: expected ${allowed}; got ${came}.`, field);
}

interface Complaint {
  path: readonly PropertyKey[];
  allowed: string;
  /** May a word that came be shown? Only where a fixed list of words is allowed. */
  isWord: boolean;
  /** What came, where the value at the path does not say it. */
  came?: string;
}

/** Follows a union into the branch that got furthest: that is the one the caller meant. */
function deepest(issue: Issue, outer: readonly PropertyKey[] = []): Complaint {
  const path = [...outer, ...issue.path];
  if (issue.code !== 'invalid_union') return { path, ...allowedBy(issue) };
  const branches = issue.errors.flatMap((errors) => (errors[0] === undefined ? [] : [deepest(errors[0], path)]));
  if (branches.length === 0) {
    const options = (issue as { options?: readonly unknown[] }).options ?? [];
    return { path, allowed: `one of ${options.map((option) => JSON.stringify(option)).join(', ')}`, isWord: true };
  }
  const depth = Math.max(...branches.map((branch) => branch.path.length));
  const best = branches.filter((branch) => branch.path.length === depth);
  const first = best[0] as Complaint;
  return {
    path: first.path,
    allowed: [...new Set(best.map(({ allowed }) => allowed))].join(' or '),
    isWord: first.isWord,
  };
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  null: 'null',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a string',
};

function allowedBy(issue: Issue): Omit<Complaint, 'path'> {
  switch (issue.code) {
    case 'invalid_type':
      return { allowed: TYPE_NAMES[issue.expected] ?? issue.expected, isWord: false };
    case 'invalid_value':
      return { allowed: choice(issue.values), isWord: true };
    case 'too_small':
      return {
        allowed: `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unitOf(issue.origin)}`,
        isWord: false,
      };
    case 'too_big':
      return { allowed: `at most ${issue.maximum}${unitOf(issue.origin)}`, isWord: false };
    case 'unrecognized_keys':
      return { allowed: issue.message, isWord: false, came: issue.keys.map((key) => describe(key, true)).join(', ') };
    default:
      return { allowed: issue.message, isWord: false };
  }
}

function choice(values: readonly unknown[]): string {
  const texts = values.map((value) => JSON.stringify(value));
  return texts.length === 1 ? String(texts[0]) : `one of ${texts.join(', ')}`;
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
}

/** What a value is, without its text: `a string of 12 characters`, `a list of 3`, `2.5`. */
export function describe(value: unknown, isWord = false): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'string') {
    return isWord && SHOWN_WORD.test(value) ? `"${value}"` : `a string of ${value.length} characters`;
  }
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return 'an object';
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  let value = body;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** `messages[1].content[0].type` */
function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}
