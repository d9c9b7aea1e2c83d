/** `agentyard.tools` of a chat's body: which agents the server calls for the model. */
import { type AgentService, type ToolForm, toolFormOf } from '../../agents/index.js';
import { InvalidRequestError } from '../../base/index.js';
import type { YardService } from '../../runtime/service.js';
import type { ChatBody } from '../body/chat-body.js';
import { unsupported } from '../failure.js';
import { agentsOf } from './routes.js';

const DEFAULT_ROUNDS = 8;

export interface AgentTools {
  service: AgentService;
  tools: readonly ToolForm[];
  maxRounds: number;
}

/**
 * @returns undefined when the chat names no agents
 * @throws UnknownAgentError, InvalidRequestError for two versions of one agent, ApiError where agents cannot be called
 */
export function readAgentTools(yard: YardService & Partial<AgentService>, body: ChatBody): AgentTools | undefined {
  const { tools: references = [], maxRounds = DEFAULT_ROUNDS } = body.agentyard ?? {};
  if (references.length === 0) return undefined;
  const service = agentsOf(yard);
  if (service === undefined) throw unsupported('agentyard.tools', 'agentyard.tools: this server has no agents.');
  if ((body.tools ?? []).length > 0) {
    throw unsupported(
      'tools',
      'tools: the client calls its own, or the server calls agents (agentyard.tools); not both.',
    );
  }
  const tools = references.map((reference) => toolFormOf(service.agents.find(reference)));
  const names = new Set<string>();
  for (const [index, { name }] of tools.entries()) {
    const param = `agentyard.tools[${index}]`;
    if (names.has(name)) throw new InvalidRequestError(`${param}: agent "${name}" is named already.`, param);
    names.add(name);
  }
  return { service, tools, maxRounds };
}
