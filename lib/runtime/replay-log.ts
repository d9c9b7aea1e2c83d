/** Replays logs from where they lie: lines in memory, a stream of them, a file. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { PolicyOverrides } from '../scheduler/read-config.js';
import { Replay, type ReplayResult } from '../scheduler/replay.js';

/**
 * Takes the decisions of a recorded run again and compares them with the recorded ones.
 * @param lines - of one log, without their ends
 * @param overrides - policies in place of those that the log names
 * @throws {@link InvalidEventLogError} when a line is not what docs/event-log.md says
 */
export async function replay(
  lines: Iterable<string> | AsyncIterable<string>,
  overrides: PolicyOverrides = {},
): Promise<ReplayResult> {
  const run = new Replay(createHash('sha256'), overrides);
  for await (const line of lines) {
    run.line(line);
    if (run.hasDiverged) break;
  }
  return run.result();
}

/** As {@link replay}, of a file; reads it piece by piece. Rejects also with the system's error when the file cannot be read. */
export async function replayFile(path: string, overrides: PolicyOverrides = {}): Promise<ReplayResult> {
  const run = new Replay(createHash('sha256'), overrides);
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 2 ** 18 })) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) run.line(line);
    if (run.hasDiverged) return run.result();
  }
  // A process that died while it wrote leaves half a line. A whole one ends its object.
  if (rest.trimEnd().endsWith('}')) run.line(rest);
  return run.result();
}
