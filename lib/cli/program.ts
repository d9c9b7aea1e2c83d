/** The command line's commands, one file each. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { replayAndReport, replayCommand } from './replay.js';
import { serve, serveCommand } from './serve.js';

/** The whole command line. Unknown commands and options are refused with the nearest known one. */
export function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const program = new Command('agentyard')
    .description('schedules LLM work: who may enter, who runs next, where, and with how much memory')
    .version(version)
    .showHelpAfterError('(--help lists what is known)');
  const serving = serveCommand((options) => serve(options, version));
  const say = (line: string) => void process.stdout.write(`${line}\n`);
  const replaying = replayCommand((file) => replayAndReport(file, version, say));
  for (const command of [serving, replaying]) program.addCommand(command.copyInheritedSettings(program));
  return program;
}
