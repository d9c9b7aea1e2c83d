/** The OpenAI-compatible HTTP face of a yard. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type FastifyInstance, fastify, LogController } from 'fastify';
import { createMetrics, type Metrics } from '../telemetry/index.js';
import { agentsOf, registerAgents } from './agents/routes.js';
import { ApiKeys } from './api-keys.js';
import { answerClientError, registerErrors } from './errors.js';
import { exchangeOf } from './exchange.js';
import { registerHealth } from './health.js';
import { onExchangeOver } from './open-exchanges.js';
import { type LogOptions, resolveOptions, type ServerOptions } from './options.js';
import { requestLevel, requestLine } from './request-log.js';
import { registerRoutes } from './routes.js';
import { refuseStrangers } from './strangers.js';

/** A client's own request id is kept when it is a plain word; it goes into the log and back in a header. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** A request must have arrived whole within this time: a client that sends a byte a minute holds no connection. */
const REQUEST_TIMEOUT_MS = 120_000;

/**
 * Builds the server; the caller listens and closes. Closing it leaves the yard as it is.
 *
 * Routes: `POST /v1/chat/completions`, `POST /v1/completions`, `POST /v1/embeddings`, `GET /v1/models`, `GET /v1/models/:id`,
 * `GET /health`, `GET /metrics`; of a yard with agents also `GET /agents`, `GET /agents/:reference`, `POST /agents/:reference`,
 * `GET /openapi.json` and `/mcp`. Errors come in OpenAI's shape with stable codes; no prompt or answer text reaches an error, a log
 * line or a metric. Without API keys, connections from beyond loopback are refused whatever address it listens on, and so are requests
 * whose Host header names another machine.
 *
 * @throws InvalidOptionError for an unknown option, a value out of range, or API keys that cannot be told apart or sent
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const resolved = resolveOptions(options);
  const metrics = createMetrics(resolved.yard);
  const app = fastify({
    logger: loggerOptions(resolved.log),
    // One line of our own a request, written when its last byte has left.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: resolved.bodyLimitBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: requestId,
    routerOptions: { maxParamLength: 512 },
    // While closing, the yard says `closed` in the shape that clients know.
    return503OnClosing: false,
    clientErrorHandler: answerClientError,
  });
  app.removeContentTypeParser('text/plain');
  registerErrors(app, resolved.bodyLimitBytes);
  registerHooks(app, new ApiKeys(resolved.apiKeys), resolved.host, metrics);
  registerRoutes(app, resolved);
  const agents = agentsOf(resolved.yard);
  if (agents !== undefined) registerAgents(app, agents, resolved);
  registerHealth(app, resolved.yard);
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  app.addHook('onClose', () => metrics.close());
  return app;
}

function registerHooks(app: FastifyInstance, keys: ApiKeys, listeningHost: string, metrics: Metrics): void {
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.addHook('onRequest', async (request, reply) => {
    const exchange = exchangeOf(request);
    onExchangeOver(request, reply, (end) => {
      if (!end.complete) exchange.clientLeft();
      metrics.httpRequest(request.routeOptions.url ?? 'unknown', end.status);
      request.log[requestLevel(request)](requestLine(request, reply, exchange, end), 'request');
      // A kept-alive connection falls idle only after its answer, when the server has closed the idle ones already.
      if (isClosing) setImmediate(() => app.server.closeIdleConnections());
    });
    reply.header('x-request-id', request.id);
    if (request.routeOptions.url === '/health') return;
    if (!keys.configured) refuseStrangers(request, listeningHost);
    exchange.keyTenant = keys.tenantOf(request.headers.authorization);
  });
}

function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

function loggerOptions(log: LogOptions | false) {
  if (log === false) return false;
  return {
    level: log.level ?? 'info',
    base: null,
    ...(log.stream === undefined ? {} : { stream: log.stream }),
  };
}
