/** The command line's commands, one file each. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { agentsCommand, listAgents } from './agents.js';
import { mcpCommand, serveMcp } from './mcp.js';
import { replayAndReport, replayCommand } from './replay.js';
import { runAgent, runCommand } from './run-agent.js';
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
  const commands = [
    serving,
    runCommand(runAgent),
    agentsCommand((options) => listAgents(options, say)),
    mcpCommand(serveMcp),
    replaying,
  ];
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program));
  return program;
}
