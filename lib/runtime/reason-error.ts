/** The error that a caller gets for an outcome that the scheduler decided by itself. */
import {
  type AgentyardError,
  DeadlineError,
  DemandTooLargeError,
  EngineError,
  GangBrokenError,
  InvariantError,
  OverBudgetError,
  ParentEndedError,
  QueueFullError,
  QueueTimeoutError,
  stackless,
  TaskTimeoutError,
  TooDeepError,
  UnreadStreamError,
} from '../base/errors.js';
import { Reason } from '../task/index.js';

/** What an error may say; a fact that is not known is absent. */
export interface ReasonFacts {
  /** Waiting now; for a demand that is too large: what was asked for. */
  amount?: number;
  limit?: number;
  retryAfterMs?: number;
  pool?: string;
  waitMs?: number;
  timeoutMs?: number;
  unreadMs?: number;
  maxDepth?: number;
  /** Why the task's model failed or died last. */
  modelError?: AgentyardError | undefined;
}

export function errorOfReason(reason: Reason, facts: ReasonFacts): AgentyardError {
  return stackless(() => makeError(reason, facts));
}

function makeError(reason: Reason, facts: ReasonFacts): AgentyardError {
  const { amount = 0, limit = 0, retryAfterMs = 0, waitMs = 0 } = facts;
  switch (reason) {
    case Reason.queueFull:
      return new QueueFullError(amount, limit, retryAfterMs);
    case Reason.workFull:
      return new QueueFullError(amount, limit, retryAfterMs, 'work');
    case Reason.deadlineInfeasible:
      return new DeadlineError(
        'The deadline is sooner than the task can be done even if it starts now. Allow more time or ask for fewer tokens.',
      );
    case Reason.deadlinePassed:
      return new DeadlineError(
        `The deadline cannot be met any more; the task was ended after ${Math.round(waitMs)} ms.`,
      );
    case Reason.queueTimeout:
      return new QueueTimeoutError(waitMs);
    case Reason.unread:
      return new UnreadStreamError(facts.unreadMs ?? 0);
    case Reason.backendDied:
    case Reason.backendFailed:
      return facts.modelError ?? new EngineError('The model is not available.');
    case Reason.tooLarge:
      return new DemandTooLargeError(facts.pool ?? 'unknown', amount, limit);
    case Reason.timedOut:
      return new TaskTimeoutError(facts.timeoutMs ?? 0);
    case Reason.overBudget:
      return new OverBudgetError();
    case Reason.tooDeep:
      return new TooDeepError(facts.maxDepth ?? 0);
    case Reason.gangBroken:
      return new GangBrokenError();
    case Reason.parentEnded:
      return new ParentEndedError();
    case Reason.reported:
      return new InvariantError('an outcome that somebody reported came without its error');
    default:
      return reason satisfies never;
  }
}
