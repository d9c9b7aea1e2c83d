/** `POST /agents/:reference`: the body and headers, and what they mean for the call. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RunOptions } from '../../agents/index.js';
import { InvalidRequestError } from '../../base/index.js';
import { digest } from '../api-keys.js';
import { describe, explainIssues } from '../body/explain-issue.js';
import { ownObject, schedulingShape } from '../body/hint-fields.js';
import { defined, modelName, readBody } from '../body/read-body.js';
import { exchangeOf } from '../exchange.js';
import { readHints } from '../hints.js';

const idempotencyKey = z.string().min(1).max(256);

const callBody = z.object({
  stream: z.boolean().optional(),
  agentyard: ownObject({
    ...schedulingShape,
    budget: z.number().min(0).optional(),
    timeoutMs: z.number().gt(0).optional(),
    idempotencyKey: idempotencyKey.optional(),
    model: modelName.optional(),
  }).optional(),
});

export interface AgentCallRequest {
  input: unknown;
  stream: boolean;
  options: RunOptions;
  /** Names of fields that nobody here knows. */
  ignored: string[];
}

/** @throws InvalidRequestError for a malformed field, ApiError for a misspelt one */
export function readAgentCall(request: FastifyRequest): AgentCallRequest {
  const { body, headers } = request;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidRequestError(`The body: expected a JSON object with the field "input"; got ${describe(body)}.`);
  }
  // Apart from the rest: null is an input like others.
  const { input, ...rest } = body as Record<string, unknown>;
  const { fields, ignored } = readBody(callBody, { input: { accepts: () => true, only: 'the input' } }, rest);
  const own = fields.agentyard ?? {};
  const exchange = exchangeOf(request);
  const { session: _, ...hints } = readHints({ agentyard: own }, headers, exchange.keyTenant);
  exchange.tenant = hints.tenant ?? 'default';
  exchange.class = hints.class ?? 'standard';
  const key = own.idempotencyKey ?? headerKey(headers['idempotency-key']);
  const options: RunOptions = defined({
    ...hints,
    budget: own.budget,
    timeoutMs: own.timeoutMs,
    model: own.model,
    // A tenant's keys are its own: nobody gets the result of another by guessing one.
    idempotencyKey: key === undefined ? undefined : digest(`${exchange.tenant}\n${key}`),
  });
  const accepts = (headers.accept ?? '').includes('text/event-stream');
  return { input, stream: fields.stream ?? accepts, options, ignored };
}

function headerKey(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string' || header === '') return undefined;
  const parsed = idempotencyKey.safeParse(header);
  if (parsed.success) return parsed.data;
  throw explainIssues(parsed.error.issues, header, ['idempotency-key']);
}
