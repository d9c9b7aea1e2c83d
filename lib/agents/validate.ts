/**
 * Values against their schemas. A validator that answers at once is answered at once: no promise on the path of a call that needs none.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ValueIssue } from '../base/agent-errors.js';
import type { AgentSchema } from './schema.js';

export type Validated = StandardSchemaV1.Result<unknown>;

/** What the schema says of `value`, at once or later. Throws, or rejects with, what the validator throws. */
export function validate(schema: AgentSchema, value: unknown): Validated | Promise<Validated> {
  return schema['~standard'].validate(value);
}

export function isPending<T>(result: T | Promise<T>): result is Promise<T> {
  return typeof (result as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Issues told in all; a list of a million wrong items is wrong already. */
const ISSUES_MAX = 100;
const IDENTIFIER = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;
/** Where messages of the schema libraries go on with the value itself. */
const VALUE_FOLLOWS = /(?:[:,]| but)? (?:received|\(was) .*$/is;
/** A text this short is found in messages by chance. */
const TELLING_LENGTH = 4;

/** Issues as our errors tell them: paths as one writes them, kinds instead of values. */
export function issuesOf(issues: readonly StandardSchemaV1.Issue[], value: unknown): ValueIssue[] {
  return issues.slice(0, ISSUES_MAX).map((issue) => issueOf(issue, value));
}

/** What more the libraries say about an issue: all of them `expected`, zod the rest. */
interface Details {
  expected?: unknown;
  values?: unknown;
  errors?: unknown;
}

function issueOf(issue: StandardSchemaV1.Issue, value: unknown): ValueIssue {
  const keys = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part));
  const at = valueAt(value, keys);
  const expected = expectedOf(issue as Details);
  return { path: pathOf(keys), message: messageOf(issue.message, expected, at.value), expected, got: at.kind };
}

function pathOf(keys: readonly PropertyKey[]): string {
  let path = '';
  for (const key of keys) {
    if (typeof key === 'number' || /^\d+$/.test(String(key))) path += `[${String(key)}]`;
    else if (!IDENTIFIER.test(String(key))) path += `[${JSON.stringify(String(key))}]`;
    else path += path === '' ? String(key) : `.${String(key)}`;
  }
  return path;
}

/** What lies at the end of the path, and its kind: "missing" for what is not there. */
function valueAt(value: unknown, keys: readonly PropertyKey[]): { value: unknown; kind: string } {
  let at = value;
  for (const key of keys) {
    if (typeof at !== 'object' || at === null || !(key in at)) return { value: undefined, kind: 'missing' };
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return { value: at, kind: at === undefined && keys.length > 0 ? 'missing' : kindOf(at) };
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isNaN(value) ? 'NaN' : typeof value;
}

function expectedOf({ expected, values, errors }: Details): string | undefined {
  if (typeof expected === 'string' && expected !== '') return expected;
  if (Array.isArray(values))
    return `one of ${values.map((value) => JSON.stringify(value) ?? String(value)).join(', ')}`;
  if (!Array.isArray(errors)) return undefined;
  // A union of zod: what each of its members wants right here.
  const wanted = errors.map((member: unknown) => {
    const first = Array.isArray(member) ? (member[0] as (Details & { path?: unknown }) | undefined) : undefined;
    const isHere = Array.isArray(first?.path) && first.path.length === 0;
    return isHere ? expectedOf(first!) : undefined;
  });
  return wanted.length > 0 && wanted.every((one) => one !== undefined) ? [...new Set(wanted)].join(' or ') : undefined;
}

/** The library's message without the value: that may be a secret, and may be long. */
function messageOf(message: string, expected: string | undefined, value: unknown): string {
  const said = message.replace(VALUE_FOLLOWS, '').trim();
  const isToldAway =
    typeof value === 'string'
      ? said.includes(JSON.stringify(value)) || (value.length >= TELLING_LENGTH && said.includes(value))
      : false;
  if (said !== '' && !isToldAway) return said;
  return expected === undefined ? 'is not valid' : `expected ${expected}`;
}
