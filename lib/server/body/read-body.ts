/** The first look at a JSON body, the same for every route: null means absent, unknown fields are judged, known ones are typed. */
import { z } from 'zod';
import { InvalidRequestError, type NearestLimits, nearest } from '../../base/index.js';
import { ApiError, unsupported } from '../failure.js';
import { describe, explainIssues } from './explain-issue.js';
import type { CHAT_NEUTRAL } from './neutral-fields.js';

/** A header names the ignored fields; past this many it stops, so that no body can make a header too long. */
const MAX_IGNORED_NAMES = 16;
const PLAIN_NAME = /^[\w.-]{1,64}$/;

/** What is refused must be meant for a name that we know: other products' fields pass. */
const MISSPELT: NearestLimits = { slips: 2, share: 1 / 3 };

/** Longest model name, in characters: names are echoed in errors. */
const MAX_MODEL_NAME = 256;

/** A model's name. */
export const modelName = z.string().min(1).max(MAX_MODEL_NAME);

export interface BodyRead<T> {
  fields: T;
  /** Names of fields that nobody here knows and that are near none we know: told to the client in a header. */
  ignored: string[];
}

/**
 * Checks a body against a route's schema and its neutral fields.
 * Unknown fields: one that is a slip away from a known name is refused with a suggestion (`max_token` must not mean "unlimited");
 * others, such as fields that OpenAI adds after this release, pass and are named in `ignored`.
 * @throws {@link InvalidRequestError} for a malformed field · ApiError `unsupported_parameter`, `unknown_parameter`
 */
export function readBody<T extends z.ZodObject>(
  schema: T,
  neutral: typeof CHAT_NEUTRAL,
  body: unknown,
): BodyRead<z.infer<T>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidRequestError(`The body: expected a JSON object; got ${describe(body)}.`);
  }
  const given: Record<string, unknown> = Object.create(null);
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(body)) {
    if (value === null) continue;
    if (Object.hasOwn(schema.shape, name)) {
      given[name] = value;
    } else if (Object.hasOwn(neutral, name)) {
      const field = neutral[name];
      if (field?.accepts(value)) continue;
      throw unsupported(name, `${name}: only ${field?.only} is supported here; got ${describe(value, true)}.`);
    } else {
      refuseIfMisspelt(name, [...Object.keys(schema.shape), ...Object.keys(neutral)]);
      if (ignored.length < MAX_IGNORED_NAMES) ignored.push(PLAIN_NAME.test(name) ? name : '?');
    }
  }
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw explainIssues(parsed.error.issues, given);
  return { fields: parsed.data, ignored };
}

function refuseIfMisspelt(name: string, known: readonly string[]): void {
  const suggestion = nearest(name, known, MISSPELT);
  if (suggestion === undefined) return;
  throw new ApiError(
    400,
    'invalid_request_error',
    'unknown_parameter',
    `There is no field "${name}". Did you mean "${suggestion}"?`,
    name,
  );
}

/** Without the keys whose value is undefined: what the service's optional fields expect. */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
