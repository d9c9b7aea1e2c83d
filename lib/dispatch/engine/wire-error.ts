/** Errors across the process boundary. */
import {
  type AgentyardError,
  EngineError,
  EngineUnavailableError,
  InvalidRequestError,
  isAgentyardError,
  PromptTooLongError,
} from '../../base/errors.js';
import type { WireError } from './protocol.js';

/** `what` failed, in our words, stands before a foreign error's own message, which is for operators: faces do not pass it on. */
export function toWire(error: unknown, what: string): WireError {
  if (error instanceof PromptTooLongError) {
    const { code, message, promptTokens, contextTokens, isLowerBound } = error;
    return { code, message, promptTokens, contextTokens, isLowerBound };
  }
  if (error instanceof InvalidRequestError) {
    return { code: error.code, message: error.message, ...(error.param !== undefined && { param: error.param }) };
  }
  if (isAgentyardError(error)) return { code: error.code, message: error.message };
  const detail = error instanceof Error ? error.message : String(error);
  return { code: 'AY_ENGINE_FAILED', message: `${what}: ${detail}` };
}

export function fromWire(error: WireError): AgentyardError {
  switch (error.code) {
    case 'AY_PROMPT_TOO_LONG':
      return new PromptTooLongError(error.promptTokens ?? 0, error.contextTokens ?? 0, error.isLowerBound);
    case 'AY_INVALID_REQUEST':
      return new InvalidRequestError(error.message, error.param);
    case 'AY_ENGINE_UNAVAILABLE':
      return new EngineUnavailableError(error.message);
    default:
      return new EngineError(error.message);
  }
}
