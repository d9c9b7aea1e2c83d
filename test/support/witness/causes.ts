/** Why tasks end, and when they may be tried again. */
import { EventKind, type SchedulerEvent } from '../../../lib/event/index.js';
import { Outcome, Reason } from '../../../lib/task/index.js';
import { broken } from './broken-invariant.js';
import { Phase, type SeenTask } from './seen-task.js';
import type { Witness } from './witness.js';

/** Why it ends is named by the command; is it so? @param refusedModel - the model whose load was refused in this decision, or -1 */
export function checkCause(
  witness: Witness,
  event: SchedulerEvent,
  task: SeenTask,
  outcome: Outcome,
  reason: Reason,
  refusedModel: number,
): void {
  const { nowMs, config } = witness;
  const waits = task.phase === Phase.waits && !task.isAside;
  let expected: Outcome = Outcome.expired;
  let isDue = false;
  switch (reason) {
    case Reason.reported:
      expected = event.kind === EventKind.ended ? (event.outcome as Outcome) : Outcome.cancelled;
      isDue = (event.kind === EventKind.ended || event.kind === EventKind.cancel) && event.task === task.index;
      if (
        event.kind === EventKind.ended &&
        outcome === Outcome.failed &&
        !waits &&
        mayRetry(witness, task, event.retryInMs)
      ) {
        broken('a retry that may be made is made', `task ${task.index}`);
      }
      break;
    case Reason.deadlinePassed:
      isDue = nowMs >= (waits ? task.startByMs : task.deadlineMs);
      break;
    case Reason.queueTimeout:
      isDue = waits && nowMs >= task.waitsSinceMs + config.classes[task.classIndex]!.timeoutMs;
      break;
    case Reason.unread:
      isDue = task.isPaused && nowMs >= task.pausedSinceMs + config.unreadTimeoutMs;
      break;
    case Reason.timedOut:
      expected = Outcome.failed;
      isDue = !waits && task.timeoutMs > 0 && nowMs >= task.grantMs + task.timeoutMs;
      break;
    case Reason.backendDied:
      expected = Outcome.failed;
      isDue =
        !waits && event.kind === EventKind.down && event.model === task.model && !mayComeBack(task, event.fatal === 1);
      break;
    case Reason.backendFailed:
      expected = Outcome.failed;
      isDue = waits && ((event.kind === EventKind.down && event.model === task.model) || refusedModel === task.model);
      break;
    case Reason.gangBroken:
      expected = Outcome.cancelled;
      isDue = waits && task.gang?.isBroken === true;
      break;
    case Reason.overBudget:
      expected = Outcome.refused;
      isDue = event.kind === EventKind.sized && event.task === task.index && isBeyondBudget(task, event.promptTokens);
      break;
    case Reason.parentEnded:
      expected = Outcome.cancelled;
      isDue = task.parent !== undefined && task.parent.outcome > Outcome.completed;
      break;
    default:
  }
  if (!isDue || outcome !== expected) {
    broken('nothing ends without a cause', `task ${task.index} has outcome ${outcome} for reason ${reason}`);
  }
}

/** Has a run above it no budget for so long a prompt? */
export function isBeyondBudget(task: SeenTask, promptTokens: number): boolean {
  if (!Number.isNaN(task.size)) return false;
  for (let run = task.parent?.run; run !== undefined; run = run.parent) {
    if (run.spent + promptTokens > run.budget) return true;
  }
  return false;
}

export function mayRetry({ retryBudget, nowMs, config }: Witness, task: SeenTask, retryInMs: number): boolean {
  if (retryInMs >= config.classes[task.classIndex]!.timeoutMs) return false;
  if (!(retryInMs >= 0) || task.attempts >= task.maxAttempts || retryBudget < 1) return false;
  return nowMs + retryInMs < task.startByMs;
}

/** After its engine died: nobody has seen anything of it yet. */
export function mayComeBack(task: SeenTask, isFatal: boolean): boolean {
  return !isFatal && task.outputTokens === 0 && !task.isPaused && task.attempts < task.maxAttempts;
}
