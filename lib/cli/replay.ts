/** `agentyard replay`: takes a recorded run's decisions again and says whether they are the same. */
import { Command } from 'commander';
import { isAgentyardError } from '../base/errors.js';
import type { Divergence, ReplayResult } from '../scheduler/index.js';

const EPILOG = `
The file is what the option eventLog: { path } of a yard wrote (docs/event-log.md in the package).
Exit code: 0 when every decision that the log vouches for is the same, 1 when one is not or the log cannot be read.`;

/** @param run - what carries the command out; resolves with the exit code */
export function replayCommand(run: (file: string) => Promise<number>): Command {
  return new Command('replay')
    .description('replay a recorded event log and say whether it leads to the same decisions')
    .argument('<file>', 'event log to replay')
    .addHelpText('after', EPILOG)
    .action(async (file: string) => {
      process.exitCode = await run(file);
    });
}

/** Replays `file` and reports. @returns the exit code */
export async function replayAndReport(file: string, version: string, say: (line: string) => void): Promise<number> {
  const { replayFile } = await import('../runtime/replay-log.js');
  let result: ReplayResult;
  try {
    result = await replayFile(file);
  } catch (error) {
    if (!isAgentyardError(error) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    say(`"${file}" cannot be replayed: ${(error as Error).message}`);
    return 1;
  }
  for (const line of describeReplay(result, version)) say(line);
  return result.matches ? 0 : 1;
}

/** A result in words, a sentence a line. @param version - of the package that replayed */
export function describeReplay(result: ReplayResult, version: string): string[] {
  const { events, commands, sha256, checkedEvents, recordedBy, firstDivergence } = result;
  const lines = firstDivergence === undefined ? [] : describeDivergence(firstDivergence);
  if (result.matches) {
    lines.push(`Same decisions: ${number(commands)} commands of ${number(events)} events, sha256 ${sha256}.`);
  } else if (firstDivergence === undefined) {
    lines.push(`Nothing to compare: the log breaks off after ${number(events)} events, before its first check line.`);
  }
  if (firstDivergence === undefined && !result.isClosed && result.matches) {
    lines.push(
      `The log breaks off without an end line: its last ${number(events - checkedEvents)} events were replayed, but there is nothing to compare them with.`,
    );
  }
  if (firstDivergence !== undefined && recordedBy !== undefined && recordedBy !== version) {
    lines.push(`Recorded by agentyard ${recordedBy}, replayed by ${version}: another version may decide differently.`);
  }
  return lines;
}

function describeDivergence({ firstEvent, lastEvent, firstLine, lastLine, expected, got }: Divergence): string[] {
  const events =
    firstEvent === lastEvent ? `event ${number(firstEvent)}` : `events ${number(firstEvent)} to ${number(lastEvent)}`;
  const lines = firstLine === lastLine ? `line ${firstLine}` : `lines ${firstLine} to ${lastLine}`;
  return [
    `Not the same decisions: the replay parts from the log in ${events} (${lines} of the log).`,
    `The log says ${expected}.`,
    `The replay gave ${got}.`,
  ];
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
