/** The options of a built-in agent: read once, when it is made, and refused by name when they are wrong. */
import { z } from 'zod';
import { InvalidAgentError } from '../../../base/agent-errors.js';
import { nearest } from '../../../base/nearest.js';

/** What all built-in agents may be told. */
export interface BuiltInOptions {
  /** Default: the agent's own. Two agents of one yard that are made with different options need different names or versions. */
  name?: string | undefined;
  /** Default "1". */
  version?: string | undefined;
  /** Default: the yard's first model that generates. */
  model?: string | undefined;
  /** Longest run, ms. Default: the yard's. */
  timeoutMs?: number | undefined;
}

/** Options of {@link BuiltInOptions}; `defineAgent` looks at their values. */
export const builtInShape = {
  name: z.string().optional(),
  version: z.string().default('1'),
  model: z.string().optional(),
  timeoutMs: z.number().optional(),
};

/**
 * @param agent - for the message
 * @throws {@link InvalidAgentError} naming the option, with what is expected
 */
export function readOptions<S extends z.ZodObject>(agent: string, schema: S, options: unknown): z.output<S> {
  const result = schema.strict().safeParse(options);
  if (result.success) return result.data as z.output<S>;
  const issue = result.error.issues[0]!;
  const path = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') {
    throw new InvalidAgentError(path, `Option "${path}" of ${agent}(…) is wrong: ${issue.message}.`);
  }
  const unknown = issue.keys[0]!;
  const known = Object.keys(schema.shape);
  const guess = nearest(unknown, known);
  const hint = guess === undefined ? '' : ` Did you mean "${guess}"?`;
  throw new InvalidAgentError(
    unknown,
    `Unknown option "${unknown}" of ${agent}(…); known: ${known.join(', ')}.${hint}`,
  );
}
