/** What a refused or failed request answers: every error of the package in OpenAI's shape, from one table. */
import type { ValueIssue } from '../base/agent-errors.js';
import { isAgentyardError, PromptTooLongError } from '../base/index.js';
import type { OutcomeName } from '../task/index.js';

/** OpenAI's families of errors, as its SDKs show them in `error.type`. */
export type FailureType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'rate_limit_error'
  | 'timeout_error'
  | 'server_error';

/** A failure ready to be sent. Holds no text of a prompt or an answer. */
export interface Failure {
  /** HTTP status. */
  status: number;
  type: FailureType;
  /** Stable across versions; clients may branch on it. */
  code: string;
  /** The field to blame, as a path such as `messages[1].role`; null when none is. */
  param: string | null;
  message: string;
  /** When to try again, ms; undefined: not worth it, or not known. */
  retryAfterMs: number | undefined;
  /** How the request ended, for the log. */
  outcome: OutcomeName;
  /** What is wrong with an agent's input or output, without its values. */
  issues?: readonly ValueIssue[];
}

/** An error that only the HTTP face knows (wrong key, unknown route, an unsupported field). Never leaves this folder. */
export class ApiError extends Error {
  readonly failure: Failure;

  constructor(status: number, type: FailureType, code: string, message: string, param: string | null = null) {
    super(message);
    this.name = 'ApiError';
    this.failure = { status, type, code, param, message, retryAfterMs: undefined, outcome: 'refused' };
  }
}

/** A field that is understood but whose value asks for what this server does not do. */
export function unsupported(param: string, message: string): ApiError {
  return new ApiError(400, 'invalid_request_error', 'unsupported_parameter', message, param);
}

interface Row {
  status: number;
  type: FailureType;
  code: string;
  outcome: OutcomeName;
  /** Sent when the error itself knows no delay. */
  retryAfterMs?: number;
  /** Replaces the error's message where that names files or inner workings of this machine. */
  message?: string;
}

/**
 * One row per code of `lib/base/errors.ts` and `lib/base/agent-errors.ts`. Queue pressure is 429, as pacing clients expect; what this machine lacks for the moment
 * is 503 with a delay; what repeating cannot cure carries no delay and tells SDKs not to retry.
 */
export const FAILURE_TABLE: Readonly<Record<string, Row>> = {
  AY_INVALID_OPTION: { status: 400, type: 'invalid_request_error', code: 'invalid_request', outcome: 'refused' },
  AY_INVALID_REQUEST: { status: 400, type: 'invalid_request_error', code: 'invalid_request', outcome: 'refused' },
  AY_UNKNOWN_MODEL: { status: 404, type: 'not_found_error', code: 'model_not_found', outcome: 'refused' },
  AY_PROMPT_TOO_LONG: {
    status: 400,
    type: 'invalid_request_error',
    code: 'context_length_exceeded',
    outcome: 'refused',
  },
  AY_QUEUE_FULL: { status: 429, type: 'rate_limit_error', code: 'queue_full', outcome: 'refused', retryAfterMs: 1_000 },
  AY_QUEUE_TIMEOUT: {
    status: 503,
    type: 'server_error',
    code: 'queue_timeout',
    outcome: 'expired',
    retryAfterMs: 5_000,
  },
  AY_DEADLINE: { status: 504, type: 'timeout_error', code: 'deadline_exceeded', outcome: 'expired' },
  AY_DEMAND_TOO_LARGE: { status: 400, type: 'invalid_request_error', code: 'demand_too_large', outcome: 'refused' },
  AY_CANCELLED: { status: 503, type: 'server_error', code: 'cancelled', outcome: 'cancelled', retryAfterMs: 1_000 },
  AY_TASK_TIMEOUT: { status: 504, type: 'timeout_error', code: 'task_timeout', outcome: 'failed' },
  AY_OVER_BUDGET: { status: 400, type: 'invalid_request_error', code: 'over_budget', outcome: 'refused' },
  AY_TOO_DEEP: { status: 400, type: 'invalid_request_error', code: 'too_deep', outcome: 'refused' },
  AY_GANG_BROKEN: { status: 503, type: 'server_error', code: 'gang_broken', outcome: 'cancelled' },
  AY_PARENT_ENDED: { status: 503, type: 'server_error', code: 'parent_ended', outcome: 'cancelled' },
  AY_STREAM_UNREAD: { status: 408, type: 'timeout_error', code: 'stream_unread', outcome: 'expired' },
  AY_ENGINE_DIED: {
    status: 503,
    type: 'server_error',
    code: 'engine_died',
    outcome: 'failed',
    retryAfterMs: 1_000,
    // The error's own may quote what the process wrote to standard error.
    message: "The model's engine ended while it worked on this request. It is being started again; repeat the request.",
  },
  AY_ENGINE_FAILED: {
    status: 500,
    type: 'server_error',
    code: 'engine_failed',
    outcome: 'failed',
    // The error's own may quote the native library, paths included.
    message: 'The engine failed on this request. The id in the x-request-id header finds it in the log.',
  },
  AY_ENGINE_UNAVAILABLE: { status: 503, type: 'server_error', code: 'engine_unavailable', outcome: 'failed' },
  AY_INVALID_GGUF: {
    status: 503,
    type: 'server_error',
    code: 'model_unavailable',
    outcome: 'failed',
    message: "The model's file cannot be loaded. The operator finds the reason where the server was started.",
  },
  AY_INSUFFICIENT_MEMORY: {
    status: 503,
    type: 'server_error',
    code: 'insufficient_memory',
    outcome: 'refused',
    retryAfterMs: 5_000,
  },
  AY_INVALID_INPUT: { status: 400, type: 'invalid_request_error', code: 'invalid_input', outcome: 'refused' },
  AY_INVALID_OUTPUT: { status: 502, type: 'server_error', code: 'invalid_output', outcome: 'failed' },
  AY_OUTPUT_TRUNCATED: { status: 502, type: 'server_error', code: 'output_truncated', outcome: 'failed' },
  AY_UNKNOWN_AGENT: { status: 404, type: 'not_found_error', code: 'agent_not_found', outcome: 'refused' },
  AY_AGENT_FAILED: {
    status: 500,
    type: 'server_error',
    code: 'agent_failed',
    outcome: 'failed',
    // The error's own quotes what the agent threw.
    message: 'The agent failed on this request. The id in the x-request-id header finds it in the log.',
  },
  AY_AGENT_CYCLE: { status: 500, type: 'server_error', code: 'agent_cycle', outcome: 'failed' },
  AY_CONVERSATION_BUSY: {
    status: 409,
    type: 'invalid_request_error',
    code: 'conversation_busy',
    outcome: 'refused',
    retryAfterMs: 1_000,
  },
  AY_TOOL_SERVER: { status: 502, type: 'server_error', code: 'tool_server_failed', outcome: 'failed' },
  AY_CLOSED: { status: 503, type: 'server_error', code: 'closed', outcome: 'refused', retryAfterMs: 1_000 },
  // Of parts that no request reaches: should one get here after all, it is a bug.
  AY_INVALID_PRIORITY: { status: 500, type: 'server_error', code: 'internal_error', outcome: 'failed' },
  AY_NATIVE_UNAVAILABLE: { status: 500, type: 'server_error', code: 'internal_error', outcome: 'failed' },
  AY_INVALID_AGENT: { status: 500, type: 'server_error', code: 'internal_error', outcome: 'failed' },
  AY_DUPLICATE_AGENT: { status: 500, type: 'server_error', code: 'internal_error', outcome: 'failed' },
  AY_INVALID_EVENT_LOG: { status: 500, type: 'server_error', code: 'internal_error', outcome: 'failed' },
  AY_INVARIANT: { status: 500, type: 'server_error', code: 'internal_error', outcome: 'failed' },
};

/**
 * The failure that an error becomes. Unknown errors are bugs of ours: their message may quote anything, so it is not sent.
 * @param error - whatever was thrown
 * @param promptParam - field that holds the prompt on this route, blamed for prompts that are too long
 */
export function failureOf(error: unknown, promptParam: string | null = null): Failure {
  if (error instanceof ApiError) return error.failure;
  if (!isAgentyardError(error)) return internalFailure();
  const row = FAILURE_TABLE[error.code];
  if (row === undefined) return internalFailure();
  return {
    status: row.status,
    type: row.type,
    code: row.code,
    param: paramOf(error, promptParam),
    message: row.message ?? error.message,
    retryAfterMs: error.retryAfterMs ?? row.retryAfterMs,
    outcome: row.outcome,
  };
}

function paramOf(error: unknown, promptParam: string | null): string | null {
  if (error instanceof PromptTooLongError) return promptParam;
  const { code, param, option } = error as { code: string; param?: unknown; option?: unknown };
  // By code, not by class: an error of another copy of the package is no instance of ours.
  if (code === 'AY_PROMPT_TOO_LONG') return promptParam;
  if (code === 'AY_UNKNOWN_MODEL') return 'model';
  if (typeof param === 'string') return param;
  return typeof option === 'string' ? option : null;
}

function internalFailure(): Failure {
  return {
    status: 500,
    type: 'server_error',
    code: 'internal_error',
    param: null,
    message: 'The server failed on this request. The id in the x-request-id header finds it in the log.',
    retryAfterMs: undefined,
    outcome: 'failed',
  };
}

/** The body of an error answer, and of an error event inside a stream. */
export function failureBody({ message, type, param, code, issues }: Failure): {
  error: { message: string; type: string; param: string | null; code: string; issues?: readonly ValueIssue[] };
} {
  return { error: { message, type, param, code, ...(issues === undefined ? {} : { issues }) } };
}

/**
 * Pacing headers of a failure. OpenAI's SDKs repeat 408, 409, 429 and 5xx on their own, so what repeating cannot cure says so.
 * `retry-after` is whole seconds, rounded up; `retry-after-ms` is exact.
 */
export function failureHeaders(failure: Failure): Record<string, string> {
  if (failure.retryAfterMs === undefined) return failure.status >= 408 ? { 'x-should-retry': 'false' } : {};
  const delayMs = Math.max(0, Math.ceil(failure.retryAfterMs));
  return { 'retry-after': String(Math.max(1, Math.ceil(delayMs / 1000))), 'retry-after-ms': String(delayMs) };
}
