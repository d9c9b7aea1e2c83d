/** What a backend reports of its tasks: kept with the task, told to its caller, and turned into events. */
import { EventKind } from '../event/index.js';
import { Outcome } from '../task/index.js';
import type { BackendSink } from './backend.js';
import type { ModelEntry } from './model-entry.js';
import type { Runtime } from './runtime.js';

type TaskReports = Pick<BackendSink, 'progress' | 'settled' | 'embedded' | 'failed'>;

/** @param entryOf - the unsettled or not yet freed task of that index */
export function taskReports(
  model: number,
  runtime: Runtime,
  entryOf: (task: number) => ModelEntry | undefined,
): TaskReports {
  return {
    progress: (count, tasks, prefilled, generated, texts) => {
      const event = runtime.begin(EventKind.progress);
      event.model = model;
      event.count = count;
      event.tasks = tasks;
      event.prefilled = prefilled;
      event.generated = generated;
      runtime.dispatch(event);
      for (let i = 0; i < count; i++) {
        const entry = entryOf(tasks[i]!);
        if (entry === undefined || entry.isSettled) continue;
        if (generated[i]! > 0) entry.firstTokenMs ??= runtime.turnMs;
        // Text may come without a token: what was held back in case it was a stop text.
        entry.listener.text(texts[i]!);
      }
    },
    settled: (task, reason, usage, heldTokens) => {
      const entry = entryOf(task);
      if (entry !== undefined) {
        entry.usage = usage;
        entry.finishReason = reason;
      }
      const outcome = reason === 'cancelled' ? Outcome.cancelled : Outcome.completed;
      sendEnded(runtime, task, outcome, heldTokens, usage.cachedTokens);
    },
    embedded: (task, vector, usage) => {
      const entry = entryOf(task);
      if (entry !== undefined) {
        entry.vector = vector;
        entry.usage = usage;
        entry.finishReason = 'stop';
      }
      sendEnded(runtime, task, Outcome.completed, 0, usage.cachedTokens);
    },
    failed: (task, error) => {
      const entry = entryOf(task);
      if (entry !== undefined) entry.error ??= error;
      sendEnded(runtime, task, Outcome.failed, 0, 0);
    },
  };
}

/** A task ended where it ran, or was turned down before it ran. */
export function sendEnded(
  runtime: Runtime,
  task: number,
  outcome: Outcome,
  heldTokens: number,
  cachedTokens: number,
): void {
  const event = runtime.begin(EventKind.ended);
  event.task = task;
  event.outcome = outcome;
  event.heldTokens = heldTokens;
  event.cachedTokens = cachedTokens;
  event.retryInMs = Number.NaN;
  runtime.dispatch(event);
}
