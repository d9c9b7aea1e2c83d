/** One structured line per request, when its last byte has left or its client has. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Exchange } from './exchange.js';

/** nginx's status for "the client closed the request": nothing was sent, but the line needs a number. */
const CLIENT_CLOSED = 499;

/**
 * Calls `done` once, when the answer was sent or the client left. Both sockets' events are needed: the response of a pipelined request
 * that waits for its turn is not attached to the connection yet and hears nothing of its end.
 */
export function onExchangeOver(request: FastifyRequest, reply: FastifyReply, done: (complete: boolean) => void): void {
  const { socket } = request.raw;
  const over = () => {
    reply.raw.off('close', over);
    socket.off('close', over);
    done(reply.raw.writableFinished);
  };
  reply.raw.once('close', over);
  socket.once('close', over);
}

/** The fields of a request's line. Times are ms, rounded; what does not apply is left out. */
export function requestLine(
  request: FastifyRequest,
  reply: FastifyReply,
  exchange: Exchange,
  complete: boolean,
): object {
  const started = reply.raw.headersSent;
  return {
    method: request.method,
    route: request.routeOptions.url ?? 'unknown',
    status: complete || started ? reply.raw.statusCode : CLIENT_CLOSED,
    ...(complete ? {} : { clientLeft: true }),
    model: exchange.model,
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
