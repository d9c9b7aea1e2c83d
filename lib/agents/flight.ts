/**
 * A run of a pure agent that is under way, and the callers that wait for it.
 *
 * Each caller may leave: its promise rejects, the run goes on for the others, and is cancelled when the last has left. What the
 * scheduler ends the run with (a deadline, a cancellation, a limit of its first caller's) says nothing to the others.
 */
import { InvalidOutputError } from '../base/agent-errors.js';
import type { AgentCall, SharedRun } from './agent-call.js';
import type { CallReports } from './call-reports.js';
import { CancelSignal } from './cancel-signal.js';
import { copyData, type DataCopy } from './data-copy.js';

export class Flight implements SharedRun {
  /** `name@version`. */
  readonly agent: string;
  readonly reports: CallReports;
  /** Cancels its task. */
  readonly signal = new CancelSignal();
  /** Of its task: what waits with it is no more urgent than that. */
  readonly classIndex: number;
  readonly priority: number;
  callers = 0;
  /** What it came to, for all but the first caller. */
  copy: DataCopy | undefined;
  /** What the agent itself threw. */
  thrown: unknown;
  promise!: Promise<unknown>;
  /** Runs that this one waits for, directly, and by how many calls. */
  readonly #awaited = new Map<Flight, number>();

  constructor(agent: string, classIndex: number, priority: number, reports: CallReports) {
    this.agent = agent;
    this.classIndex = classIndex;
    this.priority = priority;
    this.reports = reports;
  }

  take(output: unknown): void {
    try {
      this.copy = copyData(output);
    } catch (error) {
      const got = error instanceof TypeError ? error.message : 'something else';
      const message = 'the output of a pure agent goes to several callers, so it must be data that can be copied';
      throw new InvalidOutputError(this.agent, [{ path: '', message, expected: 'plain data', got }]);
    }
  }

  failed(error: unknown): void {
    this.thrown = error;
  }

  /** A call below this run waits for `other` from now on. @returns what ends that */
  awaits(other: Flight): () => void {
    this.#awaited.set(other, (this.#awaited.get(other) ?? 0) + 1);
    return () => {
      const count = this.#awaited.get(other)! - 1;
      if (count === 0) this.#awaited.delete(other);
      else this.#awaited.set(other, count);
    };
  }

  /** The agents from this run to `other`, each awaiting the next; undefined when it does not wait for it. Depth first. */
  pathTo(other: Flight, seen = new Set<Flight>()): string[] | undefined {
    if (this === other) return [this.agent];
    seen.add(this);
    for (const next of this.#awaited.keys()) {
      if (seen.has(next)) continue;
      const path = next.pathTo(other, seen);
      if (path !== undefined) return [this.agent, ...path];
    }
    return undefined;
  }
}

/** The innermost shared run that the call belongs to. */
export function flightOf(call: AgentCall | undefined): Flight | undefined {
  for (let at = call; at !== undefined; at = at.parent) if (at.shared instanceof Flight) return at.shared;
  return undefined;
}
