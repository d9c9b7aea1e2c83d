/** `agentyard agents`: which agents there are. */
import { Command } from 'commander';
import type { AnyAgent } from '../agents/agent.js';
import { AgentRegistry } from '../agents/registry.js';
import { type AgentSources, loadAgents } from './load-agents.js';
import { collect } from './option-values.js';

export interface AgentsOptions extends AgentSources {
  json?: boolean | undefined;
}

/** @param run - what carries the command out; resolves with the exit code */
export function agentsCommand(run: (options: AgentsOptions) => Promise<number>): Command {
  return new Command('agents')
    .description('list agents: the built-in ones and those of modules')
    .option('--agents <file>', 'a module that exports agents; repeat for more', collect)
    .option('--no-built-ins', 'leave the built-in agents out')
    .option('--json', 'as JSON, with their schemas')
    .action(async (options: AgentsOptions) => {
      process.exitCode = await run(options);
    });
}

/** @param say - writes a line */
export async function listAgents({ json, ...sources }: AgentsOptions, say: (line: string) => void): Promise<number> {
  const agents = new AgentRegistry(await loadAgents(sources)).list();
  if (json === true) say(JSON.stringify(agents.map(describeAgent), undefined, 2));
  else for (const line of agentLines(agents)) say(line);
  return 0;
}

function describeAgent(agent: AnyAgent): object {
  const { name, version, id, description, deprecated, inputJsonSchema, outputJsonSchema } = agent;
  return { name, version, id, description, deprecated, input: inputJsonSchema, output: outputJsonSchema };
}

/** A line an agent, in columns. */
function agentLines(agents: readonly AnyAgent[]): string[] {
  const width = Math.max(0, ...agents.map(({ id }) => id.length));
  return agents.map(({ id, description, deprecated }) => {
    const note = deprecated === undefined ? '' : ` (deprecated: ${deprecated})`;
    return `${id.padEnd(width)}  ${description.replaceAll(/\s+/g, ' ')}${note}`;
  });
}
