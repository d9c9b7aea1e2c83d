/** Where a request's scheduling hints come from, and which source wins. */
import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { TaskHints } from '../runtime/service.js';
import { bearerToken, digest } from './api-keys.js';
import { explainIssues } from './body/explain-issue.js';
import { className, deadlineMs, type HintFields, priorityNumber, sessionName, tenantName } from './body/hint-fields.js';
import { defined } from './body/read-body.js';

/** Enough to tell tenants apart, too little to be worth inverting. */
const DIGEST_CHARACTERS = 12;

/**
 * The hints of one request. For each, the `agentyard` object of the body goes before the `x-agentyard-*` header, which goes before
 * what other products' clients send:
 *
 * - priority: ours is higher-first. The plain body field `priority` is vLLM's and LiteLLM's, lower first, so it is negated.
 * - session: OpenAI's `prompt_cache_key`.
 * - tenant: with API keys configured the key's name, and nothing else; otherwise the named tenant, then `user` (hashed: it may be an
 *   e-mail address), then the bearer token (hashed), then the service's default. How many tenants are told apart is the service's to
 *   bound; nothing is remembered here.
 *
 * @param keyTenant - name of the API key that was shown, when keys are configured
 * @throws InvalidRequestError naming the header or field
 */
export function readHints(
  fields: HintFields,
  headers: IncomingHttpHeaders,
  keyTenant: string | undefined,
): Omit<TaskHints, 'signal'> {
  const own = fields.agentyard ?? {};
  const headerTenant = readHeader(headers, 'x-agentyard-tenant', tenantName);
  const anonymous = own.tenant ?? headerTenant ?? userTenant(fields.user) ?? bearerTenant(headers.authorization);
  return defined({
    class: own.class ?? readHeader(headers, 'x-agentyard-class', className),
    priority:
      own.priority ??
      readHeader(headers, 'x-agentyard-priority', priorityNumber, Number) ??
      foreignPriority(fields.priority),
    session:
      own.session ?? readHeader(headers, 'x-agentyard-session', sessionName) ?? (fields.prompt_cache_key || undefined),
    deadlineMs: own.deadlineMs ?? readHeader(headers, 'x-agentyard-deadline-ms', deadlineMs, Number),
    tenant: keyTenant ?? anonymous,
  });
}

function readHeader<T>(
  headers: IncomingHttpHeaders,
  name: string,
  schema: z.ZodType<T>,
  convert: (text: string) => unknown = String,
): T | undefined {
  const text = headers[name];
  if (typeof text !== 'string' || text === '') return undefined;
  const parsed = schema.safeParse(convert(text));
  if (parsed.success) return parsed.data;
  throw explainIssues(parsed.error.issues, text, [name]);
}

function foreignPriority(priority: number | undefined): number | undefined {
  // Subtracted, not negated, so that their default 0 does not become our −0.
  return priority === undefined ? undefined : 0 - priority;
}

function userTenant(user: string | undefined): string | undefined {
  return user === undefined || user === '' ? undefined : `user-${digest(user).slice(0, DIGEST_CHARACTERS)}`;
}

function bearerTenant(authorization: string | undefined): string | undefined {
  const token = bearerToken(authorization);
  return token === undefined ? undefined : `key-${digest(token).slice(0, DIGEST_CHARACTERS)}`;
}
