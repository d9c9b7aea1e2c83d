/** The error that a caller gets for an outcome that the scheduler decided by itself. */
import {
  type AgentyardError,
  DeadlineError,
  EngineError,
  InvariantError,
  QueueFullError,
  QueueTimeoutError,
  UnreadStreamError,
} from '../base/errors.js';
import { Reason } from '../task/index.js';

export interface ReasonFacts {
  queued: number;
  limit: number;
  retryAfterMs: number;
  waitMs: number;
  unreadMs: number;
  /** Why the task's model failed or died last. */
  modelError: AgentyardError | undefined;
}

export function errorOfReason(reason: Reason, facts: ReasonFacts): AgentyardError {
  switch (reason) {
    case Reason.queueFull:
      return new QueueFullError(facts.queued, facts.limit, facts.retryAfterMs);
    case Reason.deadlineInfeasible:
      return new DeadlineError(
        'The deadline is sooner than the task can be done even if it starts now. Allow more time or ask for fewer tokens.',
      );
    case Reason.deadlinePassed:
      return new DeadlineError(
        `The deadline cannot be met any more; the task was ended after ${Math.round(facts.waitMs)} ms.`,
      );
    case Reason.queueTimeout:
      return new QueueTimeoutError(facts.waitMs);
    case Reason.unread:
      return new UnreadStreamError(facts.unreadMs);
    case Reason.backendDied:
    case Reason.backendFailed:
      return facts.modelError ?? new EngineError('The model is not available.');
    case Reason.reported:
    case Reason.tooLarge:
      return new InvariantError(`an outcome with reason ${reason} came without its error`);
    default:
      return reason satisfies never;
  }
}
