/** What a failed call of an agent answers: the error's own code, which is the same on every face, and what is wrong with the input. */
import type { FastifyRequest } from 'fastify';
import type { ValueIssue } from '../../base/agent-errors.js';
import { isAgentyardError } from '../../base/index.js';
import { type Failure, failureOf } from '../failure.js';
import { bugLine } from '../request-log.js';

/** As {@link failureOf}, with the codes of the package's errors. */
export function agentFailureOf(error: unknown): Failure {
  const failure = failureOf(error);
  if (!isAgentyardError(error)) return failure;
  const { issues } = error as { issues?: readonly ValueIssue[] };
  return { ...failure, code: error.code, ...(issues === undefined ? {} : { issues }) };
}

/** The same for whoever wants no more than code and text: tools. */
export function toolError(error: unknown): { code: string; message: string; issues?: readonly ValueIssue[] } {
  const { code, message, issues } = agentFailureOf(error);
  return { code, message, ...(issues === undefined ? {} : { issues }) };
}

/** Writes down where something was thrown that the client is not told of: an agent's own failure, or a bug. */
export function reportBug(request: FastifyRequest, error: unknown, { code }: Failure): void {
  if (code === 'internal_error') request.log.error(bugLine(error), 'a request failed on a bug');
  if (code === 'AY_AGENT_FAILED') request.log.error(bugLine((error as Error).cause), 'an agent failed');
}
