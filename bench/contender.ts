/** The contender's end of the pipe: receives its input, measures, sends the measurements, ends. */
import type { Json, Measurement } from './suite.js';

/** Parent → contender. */
export interface ContenderOrder {
  input: Json;
}

/** Contender → parent: exactly one. */
export type ContenderReply = { measurements: readonly Measurement[] } | { error: string };

/**
 * Turns the calling file into a contender program: waits for the one order, calls `measure`, sends what it returns and
 * disconnects. An error of `measure` is reported with its stack and fails the benchmark.
 * `measure` ends whatever it started (child processes, models): the process then ends by itself.
 * @param measure - gets the contender's `input`; checks its shape itself, since it crossed a process boundary
 * @throws when the file was not started by the harness
 */
export function serveContender<Input extends Json>(
  measure: (input: Input) => Promise<Measurement[]> | Measurement[],
): void {
  const { send } = process;
  if (send === undefined) {
    throw new Error('This file is a contender of the benchmark; start it by `npm run bench`.');
  }
  const reply = (message: ContenderReply): void => {
    send.call(process, message, undefined, undefined, () => process.disconnect());
  };
  process.once('message', (order: ContenderOrder) => {
    Promise.resolve()
      .then(() => measure(order.input as Input))
      .then(
        (measurements) => reply({ measurements }),
        (error: unknown) => reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      );
  });
}
