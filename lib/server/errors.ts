/** Everything that goes wrong at the HTTP face answers in OpenAI's shape, whoever noticed it: a route, fastify, or the HTTP parser. */

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { agentFailureOf, reportBug } from './agents/agent-failure.js';
import { exchangeOf } from './exchange.js';
import { ApiError, type Failure, failureBody, failureHeaders, failureOf } from './failure.js';
import { hasBegunAnswer } from './open-exchanges.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The field that holds the prompt on this route. */
    promptParam?: string;
    /** Errors of this route carry the codes of the package's errors, as all faces of agents do, instead of OpenAI's words. */
    ownCodes?: boolean;
  }
}

/** Registers the handlers for errors, unknown routes and bodies of other types. */
export function registerErrors(app: FastifyInstance, bodyLimitBytes: number): void {
  const routes = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = routes.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    routes.set(url, methods);
  });

  app.setErrorHandler((error: FastifyError, request, reply) => {
    const { promptParam = null, ownCodes } = request.routeOptions.config;
    const known = httpError(error, request, bodyLimitBytes);
    const failure = ownCodes === true ? agentFailureOf(known) : failureOf(known, promptParam);
    reportBug(request, error, failure);
    return sendFailure(request, reply, failure);
  });

  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = [...routes].find(([pattern]) => matches(pattern, path))?.[1];
    if (allowed === undefined) {
      const known = [...routes.keys()].filter((route) => !/[*:]/.test(route)).join(', ');
      const unknown = new ApiError(
        404,
        'not_found_error',
        'unknown_route',
        `There is no such route. Routes: ${known}.`,
      );
      return sendFailure(request, reply, unknown.failure);
    }
    reply.header('allow', [...allowed].join(', '));
    const message = `This route answers ${[...allowed].join(', ')}; got ${request.method}.`;
    return sendFailure(
      request,
      reply,
      new ApiError(405, 'invalid_request_error', 'method_not_allowed', message).failure,
    );
  });
}

/** Patterns end in `*` for any rest, or in `:name` for one segment. */
function matches(pattern: string, path: string): boolean {
  const [, stem, end] = /^(.*\/)(\*|:\w+)$/.exec(pattern) ?? [];
  if (stem === undefined) return path === pattern;
  return path.startsWith(stem) && (end === '*' || !path.slice(stem.length).includes('/'));
}

function sendFailure(request: FastifyRequest, reply: FastifyReply, failure: Failure): FastifyReply {
  const exchange = exchangeOf(request);
  exchange.outcome ??= failure.outcome;
  exchange.errorCode = failure.code;
  return reply.code(failure.status).headers(failureHeaders(failure)).send(failureBody(failure));
}

/** Fastify's own errors, in words that name the limit or the allowed type. Others pass through. */
function httpError(error: FastifyError, request: FastifyRequest, bodyLimitBytes: number): unknown {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return invalid(413, 'body_too_large', `The body is larger than the limit of ${bodyLimitBytes} bytes.`);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return invalid(415, 'unsupported_content_type', 'The content type must be application/json.');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return invalid(400, 'invalid_json', 'The body is empty; expected a JSON object.');
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return request.headers['content-encoding'] === undefined
        ? invalid(400, 'invalid_json', 'The body is not valid JSON.')
        : invalid(415, 'unsupported_content_encoding', 'Compressed bodies are not supported; send plain JSON.');
    default:
      // Other complaints about the request itself (a length that does not match, a malformed path).
      return error.code?.startsWith('FST_') && error.statusCode !== undefined && error.statusCode < 500
        ? invalid(error.statusCode, 'invalid_request', 'The request is malformed.')
        : error;
  }
}

function invalid(status: number, code: string, message: string): ApiError {
  return new ApiError(status, 'invalid_request_error', code, message);
}

/** Answers bytes that are no HTTP request, of which there is no request object: the socket is all there is. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // An answer that has begun would take ours for a part of itself; cut off, it is at least known to be broken.
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable || hasBegunAnswer(socket)) {
    socket.destroy();
    return;
  }
  const { failure } = clientError(error.code);
  const body = JSON.stringify(failureBody(failure));
  socket.end(
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** What the HTTP parser complains of. */
function clientError(code: string | undefined): ApiError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return invalid(431, 'headers_too_large', 'The headers of the request are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ApiError(408, 'timeout_error', 'request_timeout', 'The request did not arrive whole in time.');
    default:
      return invalid(400, 'invalid_http', 'The bytes received are no HTTP request.');
  }
}
