/** One structured line per request, when its last byte has left or its client has. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Exchange } from './exchange.js';
import type { ExchangeEnd } from './open-exchanges.js';

/** What machines ask every few seconds: at level info these would be most of the log. */
const PROBED_ROUTES = new Set(['/health', '/metrics']);

/** The level that a request's line is written at. */
export function requestLevel(request: FastifyRequest): 'info' | 'debug' {
  return PROBED_ROUTES.has(request.routeOptions.url ?? '') ? 'debug' : 'info';
}

/** The fields of a request's line. Times are ms, rounded; what does not apply is left out. */
export function requestLine(
  request: FastifyRequest,
  reply: FastifyReply,
  exchange: Exchange,
  { complete, status }: ExchangeEnd,
): object {
  return {
    method: request.method,
    route: request.routeOptions.url ?? 'unknown',
    status,
    ...(complete ? {} : { clientLeft: true }),
    model: exchange.model,
    agent: exchange.agent,
    tenant: exchange.tenant,
    class: exchange.class,
    outcome: exchange.outcome,
    errorCode: exchange.errorCode,
    waitMs: round(exchange.waitMs),
    firstTokenMs: round(exchange.firstTokenMs),
    totalMs: round(exchange.totalMs),
    promptTokens: exchange.promptTokens,
    cachedTokens: exchange.cachedTokens,
    outputTokens: exchange.outputTokens,
    bytes: Math.max(0, (request.raw.socket.bytesWritten ?? 0) - exchange.bytesBefore),
    elapsedMs: round(reply.elapsedTime),
  };
}

function round(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 10) / 10;
}

/**
 * What may be logged of an error that is a bug: its name and where it came from. Its message may quote what a client sent.
 */
export function bugLine(error: unknown): object {
  if (!(error instanceof Error)) return { error: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { error: error.name, stack: frames.map((line) => line.trim()) };
}
