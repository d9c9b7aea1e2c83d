/** `/mcp`: agents as an MCP server over streamable HTTP, behind the same keys and checks as all routes. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AgentService } from '../../agents/index.js';
import type { McpHttp } from '../../mcp/http.js';
import { exchangeOf } from '../exchange.js';
import { readHints } from '../hints.js';
import type { ResolvedOptions } from '../options.js';
import { toolError } from './agent-failure.js';

/** Registers the route. The protocol's library is loaded by the first request: it takes longer than all the rest of the server. */
export function registerMcp(app: FastifyInstance, service: AgentService, { keepAliveMs }: ResolvedOptions): void {
  let loading: Promise<McpHttp> | undefined;
  const load = async () => {
    const { McpHttp } = await import('../../mcp/http.js');
    return new McpHttp(service, { describeError: toolError, keepAliveMs });
  };
  app.addHook('preClose', async () => {
    const mcp = await loading?.catch(() => undefined);
    await mcp?.close();
  });
  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: '/mcp',
    config: { ownCodes: true },
    handler: async (request, reply) => {
      const exchange = exchangeOf(request);
      const { session: _, ...hints } = readHints({}, request.headers, exchange.keyTenant);
      exchange.tenant = hints.tenant ?? 'default';
      exchange.class = hints.class ?? 'standard';
      loading ??= load();
      const mcp = await loading;
      const response = await mcp.handle({
        request: webRequest(request, exchange.signal),
        body: request.body,
        owner: hints.tenant,
        hints,
      });
      await send(reply, response);
      return reply;
    },
  });
}

/** Head and address of the request; its body is read already. */
function webRequest({ raw, headers, method, host }: FastifyRequest, signal: AbortSignal): Request {
  const web = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) web.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return new Request(new URL(raw.url ?? '/', `http://${host || 'localhost'}`), { method, headers: web, signal });
}

async function send(reply: FastifyReply, response: Response): Promise<void> {
  const { status, headers, body } = response;
  reply.hijack();
  const raw = reply.raw;
  raw.writeHead(status, { ...(reply.getHeaders() as Record<string, string>), ...Object.fromEntries(headers) });
  if (body === null) {
    raw.end();
    return;
  }
  // A stream may be silent for long, and its client wants to know that it is open.
  raw.flushHeaders();
  // A client that leaves ends the stream, and is heard of by the request's signal.
  await pipeline(Readable.fromWeb(body as never), raw).catch(() => undefined);
}
