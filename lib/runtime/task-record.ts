/** What is told of a task once it is settled, to logs and metrics. */
import type { AgentyardError } from '../base/errors.js';
import { OUTCOME_NAMES, Outcome } from '../task/index.js';
import type { TaskRecord } from './service.js';
import type { TaskEntry } from './task-entry.js';

/** @param outputTokens - as the scheduler counted them, for a task whose backend gave no final count */
export function recordOf(
  entry: TaskEntry,
  outcome: Outcome,
  error: AgentyardError | undefined,
  nowMs: number,
  outputTokens: number,
): TaskRecord {
  return {
    id: entry.id,
    model: entry.modelName,
    tenant: entry.tenantName,
    class: entry.className,
    outcome: OUTCOME_NAMES[outcome],
    errorCode: error?.code,
    finishReason: outcome === Outcome.completed ? entry.finishReason : undefined,
    waitMs: (entry.startedMs ?? nowMs) - entry.submittedMs,
    firstTokenMs: entry.firstTokenMs === undefined ? undefined : entry.firstTokenMs - entry.submittedMs,
    totalMs: nowMs - entry.submittedMs,
    promptTokens: entry.usage?.promptTokens ?? entry.promptTokens ?? 0,
    cachedTokens: entry.usage?.cachedTokens ?? 0,
    outputTokens: entry.usage?.outputTokens ?? outputTokens,
  };
}
