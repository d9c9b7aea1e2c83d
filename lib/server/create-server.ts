/** The OpenAI-compatible HTTP face of a yard. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type FastifyInstance, type FastifyRequest, fastify, LogController } from 'fastify';
import { createMetrics, type Metrics } from '../telemetry/index.js';
import { ApiKeys, isLoopback } from './api-keys.js';
import { answerClientError, registerErrors } from './errors.js';
import { exchangeOf } from './exchange.js';
import { ApiError } from './failure.js';
import { registerHealth } from './health.js';
import { type LogOptions, resolveOptions, type ServerOptions } from './options.js';
import { onExchangeOver, requestLine } from './request-log.js';
import { registerRoutes } from './routes.js';

/** A client's own request id is kept when it is a plain word; it goes into the log and back in a header. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** A request must have arrived whole within this time: a client that sends a byte a minute holds no connection. */
const REQUEST_TIMEOUT_MS = 120_000;

/**
 * Builds the server; the caller listens and closes. Closing it leaves the yard as it is.
 *
 * Routes: `POST /v1/chat/completions`, `POST /v1/completions`, `POST /v1/embeddings`, `GET /v1/models`, `GET /v1/models/:id`,
 * `GET /health`, `GET /metrics`. Errors come in OpenAI's shape with stable codes; no prompt or answer text reaches an error, a log
 * line or a metric. Without API keys, connections from beyond loopback are refused whatever address it listens on.
 *
 * @throws InvalidOptionError for an unknown option or a value out of range
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
  registerHooks(app, new ApiKeys(resolved.apiKeys), metrics);
  registerRoutes(app, resolved);
  registerHealth(app, resolved.yard);
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  app.addHook('onClose', () => metrics.close());
  return app;
}

function registerHooks(app: FastifyInstance, keys: ApiKeys, metrics: Metrics): void {
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.addHook('onRequest', async (request, reply) => {
    const exchange = exchangeOf(request);
    onExchangeOver(request, reply, (complete) => {
      if (!complete) exchange.clientLeft();
      metrics.httpRequest(request.routeOptions.url ?? 'unknown', reply.raw.statusCode);
      request.log.info(requestLine(request, reply, exchange, complete), 'request');
      // A kept-alive connection falls idle only after its answer, when the server has closed the idle ones already.
      if (isClosing) setImmediate(() => app.server.closeIdleConnections());
    });
    reply.header('x-request-id', request.id);
    if (request.routeOptions.url === '/health') return;
    refuseStrangers(request, keys);
    exchange.keyTenant = keys.tenantOf(request.headers.authorization);
  });
}

/** The last line of defence: it holds however the caller came to listen on a public address. */
function refuseStrangers(request: FastifyRequest, keys: ApiKeys): void {
  const { localAddress } = request.raw.socket;
  // Undefined on a Unix socket, whose file has an owner and a mode.
  if (keys.configured || localAddress === undefined || isLoopback(localAddress)) return;
  throw new ApiError(
    403,
    'permission_error',
    'keys_required',
    'No API keys are configured, so this server answers on loopback addresses only.',
  );
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
