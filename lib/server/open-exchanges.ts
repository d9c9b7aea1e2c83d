/** The requests of each connection whose answers are not out yet: what learns that a client left, and knows whether an answer has begun. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** nginx's status for "the client closed the request": nothing was sent, but log and metrics need a number. */
const CLIENT_CLOSED = 499;

/** How a request ended on the wire. */
export interface ExchangeEnd {
  /** Was the whole answer handed to the connection? Otherwise the client left. */
  complete: boolean;
  /** What the client was told, or 499 when it left before it was told anything. */
  status: number;
}

/** By response, what is to happen at its end. */
type OpenExchanges = Map<ServerResponse, () => void>;

const openBySocket = new WeakMap<Socket, OpenExchanges>();

/**
 * Calls `done` once, when the answer was sent or the client left. Both the response and the connection are listened to: the response of
 * a pipelined request that waits for its turn is not attached to the connection yet and hears nothing of its end.
 */
export function onExchangeOver(request: FastifyRequest, reply: FastifyReply, done: (end: ExchangeEnd) => void): void {
  const response = reply.raw;
  const open = openOn(request.raw.socket);
  const over = () => {
    // Node reports the end of the response inside that of its connection: whoever comes second finds nothing.
    if (!open.delete(response)) return;
    response.off('close', over);
    const complete = response.writableFinished;
    done({ complete, status: complete || response.headersSent ? response.statusCode : CLIENT_CLOSED });
  };
  open.set(response, over);
  response.once('close', over);
}

/** Has an answer begun on this connection that is not out yet? What is written to it now may land in the middle of that answer. */
export function hasBegunAnswer(socket: Socket): boolean {
  return [...(openBySocket.get(socket)?.keys() ?? [])].some((response) => response.headersSent);
}

/** One listener a connection, however many requests a client pipelines. */
function openOn(socket: Socket): OpenExchanges {
  const known = openBySocket.get(socket);
  if (known !== undefined) return known;
  const open: OpenExchanges = new Map();
  openBySocket.set(socket, open);
  socket.once('close', () => {
    for (const over of [...open.values()]) over();
  });
  return open;
}
