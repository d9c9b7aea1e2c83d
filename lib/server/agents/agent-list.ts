/** Agents as a client sees them: in a list, one by one, and as tools that a model may have called. */
import { type AgentDirectory, type AnyAgent, toolFormOf } from '../../agents/index.js';

/** The list's entry of an agent. */
export function agentEntry({ name, version, id, description, deprecated }: AnyAgent): object {
  const self = `/agents/${id}`;
  return { name, version, id, description, ...saysDeprecated(deprecated), links: { self, schemas: self, call: self } };
}

/** All that a caller has to know of an agent. */
export function agentPage(agent: AnyAgent): object {
  const { inputJsonSchema, outputJsonSchema, pure, timeoutMs } = agent;
  return {
    ...agentEntry(agent),
    input: inputJsonSchema,
    output: outputJsonSchema,
    pure,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** The agents that their names stand for, one a name: what is ready to be a chat's `tools`. */
export function openAiTools(agents: AgentDirectory): object[] {
  return namesOf(agents).map((name) => {
    const { description, inputSchema } = toolFormOf(agents.find(name));
    return { type: 'function', function: { name, description, parameters: inputSchema } };
  });
}

function namesOf(agents: AgentDirectory): string[] {
  return [...new Set(agents.list().map(({ name }) => name))];
}

/** The field that says that an agent should not be used any more. */
export function saysDeprecated(deprecated: string | undefined): { deprecated?: string } {
  return deprecated === undefined ? {} : { deprecated };
}
