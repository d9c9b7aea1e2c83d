/** The scheduling hints as they lie in a body. */
import { z } from 'zod';
import { TASK_CLASSES } from '../../task/index.js';

/** Tenants are shown in logs, so their names are plain words. */
export const tenantName = z
  .string()
  .regex(/^[\w.:@/-]{1,64}$/, { error: '1 to 64 of the characters A-Z a-z 0-9 _ . : @ / -' });
export const sessionName = z.string().min(1).max(256);
export const priorityNumber = z.number();
export const deadlineMs = z.number().gt(0);
export const className = z.enum(TASK_CLASSES);

/** What every kind of request may say. */
export const schedulingShape = {
  class: className.optional(),
  priority: priorityNumber.optional(),
  deadlineMs: deadlineMs.optional(),
  tenant: tenantName.optional(),
};

/** Our own object: every field is ours, so a name we do not know is a mistake. */
export function ownObject<S extends z.ZodRawShape>(shape: S) {
  const names = Object.keys(shape);
  const known = `only the fields ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return z.strictObject(shape, { error: ({ code }) => (code === 'unrecognized_keys' ? known : undefined) });
}

export const chatHintShape = { ...schedulingShape, session: sessionName.optional() };

const agentyardObject = ownObject(chatHintShape);

export type OwnHints = z.infer<typeof agentyardObject>;

export const hintShape = {
  agentyard: agentyardObject.optional(),
  /** vLLM's and LiteLLM's field: the lower number goes first. */
  priority: z.number().optional(),
  /** OpenAI's id of the end user. */
  user: z.string().max(512).optional(),
  /** OpenAI's hint for requests that share a prefix: what we call a session. */
  prompt_cache_key: z.string().max(256).optional(),
};

const hints = z.object(hintShape);
export type HintFields = z.infer<typeof hints>;
