/** Without API keys a server is for this machine alone: which connections and which Host headers that leaves. */
import type { FastifyRequest } from 'fastify';
import { isLoopback } from './api-keys.js';
import { ApiError } from './failure.js';

/**
 * Refuses what another machine may have sent, or had sent. It holds however the caller came to listen on a public address.
 *
 * Why look at the Host header? A web page can let its own name point to 127.0.0.1 (DNS rebinding): to the browser this server is then
 * part of that page's site, which may send requests and read the answers. The header still holds the page's name.
 *
 * @param listeningHost - the one name that is allowed besides localhost and loopback addresses
 * @throws ApiError 403 when the connection or the Host header is not this machine's
 */
export function refuseStrangers(request: FastifyRequest, listeningHost: string): void {
  const { localAddress } = request.raw.socket;
  // Undefined on a Unix socket, whose file has an owner and a mode; no web page reaches one.
  if (localAddress === undefined) return;
  if (!isLoopback(localAddress)) {
    throw refusal('keys_required', 'No API keys are configured, so this server answers on loopback addresses only.');
  }
  const { host } = request.headers;
  // HTTP/1.0 has no such header; every browser sends it.
  if (host === undefined) return;
  const name = hostName(host);
  if (isLoopback(name) || name === listeningHost.toLowerCase()) return;
  throw refusal(
    'host_not_allowed',
    'No API keys are configured, so this server answers only to localhost and loopback addresses in the Host header. ' +
      'Use http://localhost or http://127.0.0.1 with its port, or configure API keys.',
  );
}

/** The name or address in a Host header: without port, brackets and the root's dot, in lower case; '' when it is malformed. */
function hostName(header: string): string {
  const [, address, name = ''] = /^(?:\[(.*)\]|([^:]*))(?::\d*)?$/.exec(header.toLowerCase()) ?? [];
  return address ?? name.replace(/\.$/, '');
}

function refusal(code: string, message: string): ApiError {
  return new ApiError(403, 'permission_error', code, message);
}
