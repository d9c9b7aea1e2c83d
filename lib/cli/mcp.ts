/** `agentyard mcp`: agents as an MCP server on standard input and output. */
import { Command } from 'commander';
import { type AgentSources, loadAgents } from './load-agents.js';
import { type ModelChoice, modelOption, modelPaths } from './model-options.js';
import { collect } from './option-values.js';
import { takeStandardOutput } from './quiet-output.js';

export interface McpCommandOptions extends AgentSources {
  model?: ModelChoice;
}

const EPILOG = `
Other programs start this command and speak MCP over its standard input and output; everything for people goes to standard error.
Without --model the generated stand-in is used; --no-model serves agents that need none.
It ends when its standard input does, or on SIGINT or SIGTERM; what runs is cancelled. Exit code: 0 after that, 1 when it could not start.`;

/** @param run - what carries the command out; resolves with the exit code */
export function mcpCommand(run: (options: McpCommandOptions) => Promise<number>): Command {
  return new Command('mcp')
    .description('offer agents as tools to an MCP client, over standard input and output')
    .option('--agents <file>', 'a module that exports agents; repeat for more', collect)
    .option('--no-built-ins', 'leave the built-in agents out')
    .addOption(modelOption('a model that agents may use'))
    .option('--no-model', 'use no model')
    .addHelpText('after', EPILOG)
    .action(async (options: McpCommandOptions) => {
      process.exitCode = await run(options);
    });
}

/** Serves until the client leaves or a signal comes. @returns the exit code */
export async function serveMcp(options: McpCommandOptions): Promise<number> {
  const output = takeStandardOutput();
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const [{ Yard }, { serveMcpStdio }] = await Promise.all([import('../yard.js'), import('../mcp/stdio.js')]);
  const agents = await loadAgents(options);
  const yard = new Yard({ agents, models: await modelPaths(options.model, say) });
  const connection = serveMcpStdio(yard, { output });
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await Promise.race([connection.ended, stopped]);
  await connection.close();
  await yard.close();
  return 0;
}
