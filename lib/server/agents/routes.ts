/** The `/agents` routes: what there is, and how it is called. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { AgentService, AnyAgent } from '../../agents/index.js';
import type { YardService } from '../../runtime/service.js';
import { exchangeOf } from '../exchange.js';
import { unsupported } from '../failure.js';
import type { ResolvedOptions } from '../options.js';
import { agentEntry, agentPage, openAiTools, saysDeprecated } from './agent-list.js';
import { readAgentCall } from './call-body.js';
import { streamCall } from './call-events.js';
import { registerMcp } from './mcp-route.js';
import { openApiDocument } from './openapi.js';

/** The agents of a service that has some. */
export function agentsOf(yard: YardService & Partial<AgentService>): AgentService | undefined {
  return yard.agents === undefined || yard.run === undefined ? undefined : (yard as AgentService);
}

/** Registers the routes of agents, the OpenAPI document and the MCP endpoint. */
export function registerAgents(app: FastifyInstance, service: AgentService, options: ResolvedOptions): void {
  const { agents } = service;
  const config = { ownCodes: true };

  app.get<{ Querystring: { format?: string } }>('/agents', { config }, async ({ query: { format } }) => {
    if (format === undefined) return { object: 'list', data: agents.list().map(agentEntry) };
    if (format === 'openai-tools') return openAiTools(agents);
    throw unsupported('format', 'format: expected "openai-tools", or nothing.');
  });

  app.get<{ Params: { reference: string } }>('/agents/:reference', { config }, async ({ params }, reply) => {
    const agent = agents.find(params.reference);
    tellDeprecated(reply, agent);
    return agentPage(agent);
  });

  app.post<{ Params: { reference: string } }>('/agents/:reference', { config }, async (request, reply) => {
    const agent = agents.find(request.params.reference);
    const exchange = exchangeOf(request);
    exchange.agent = agent.id;
    const call = readAgentCall(request);
    tellDeprecated(reply, agent);
    if (call.ignored.length > 0) reply.header('x-agentyard-ignored-fields', call.ignored.join(', '));
    const id = randomUUID();
    const answerOf = (output: unknown) => ({
      agent: agent.id,
      id,
      output: output ?? null,
      ...saysDeprecated(agent.deprecated),
    });
    if (call.stream) {
      const start = (own: object) => service.run(agent, call.input, { ...call.options, id, ...own });
      return streamCall(request, reply, start, answerOf, options);
    }
    const output: unknown = await service.run(agent, call.input, { ...call.options, id, signal: exchange.signal });
    exchange.outcome = 'completed';
    return reply.send(answerOf(output));
  });

  app.get('/openapi.json', async () => openApiDocument(agents));

  registerMcp(app, service, options);
}

/** In a header too: gateways look there. When it was deprecated is not known, so the value is the word of the header's first draft. */
function tellDeprecated(reply: FastifyReply, agent: AnyAgent): void {
  if (agent.deprecated !== undefined) reply.header('deprecation', 'true');
}
