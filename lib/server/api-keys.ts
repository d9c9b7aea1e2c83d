/** Who may speak to the server: API keys by name, and the rule that nothing is served beyond loopback without one. */
import { createHash } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { InvalidOptionError } from '../base/index.js';
import { tenantName } from './body/hint-fields.js';
import { ApiError } from './failure.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
loopback.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');

/** Is this host name or address reachable from this machine alone? */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Refuses to listen where strangers reach the server without a key.
 * @throws {@link InvalidOptionError} for a host beyond loopback when no key is configured
 */
export function requireKeysBeyondLoopback(host: string, apiKeys: Readonly<Record<string, string>>): void {
  if (isLoopback(host) || Object.keys(apiKeys).length > 0) return;
  throw new InvalidOptionError('host', `Host "${host}" is reachable from other machines: configure API keys first.`);
}

/** Visible ASCII: what arrives in an authorization header as it was sent. */
const SENDABLE_KEY = /^[\x21-\x7e]+$/;

/** The configured keys, held as digests: neither a heap dump nor the time a comparison takes tells a key. */
export class ApiKeys {
  readonly #nameByDigest = new Map<string, string>();

  /**
   * @param keys - tenant name → key; the names are the tenants that the keys' holders work as
   * @throws {@link InvalidOptionError} for a name that is no tenant's, a key that no header can carry, or one key for two tenants
   */
  constructor(keys: Readonly<Record<string, string>>) {
    for (const [name, key] of Object.entries(keys)) {
      if (!tenantName.safeParse(name).success)
        throw new InvalidOptionError('apiKeys', `"${name}" is no name for a key's tenant.`);
      if (key === '') throw new InvalidOptionError('apiKeys', `The key of "${name}" is empty.`);
      if (!SENDABLE_KEY.test(key)) {
        throw new InvalidOptionError(
          'apiKeys',
          `The key of "${name}" holds a space or a character beyond ASCII, which no bearer header carries unchanged. Choose another key.`,
        );
      }
      const other = this.#nameByDigest.get(digest(key));
      if (other !== undefined) {
        throw new InvalidOptionError(
          'apiKeys',
          `"${other}" and "${name}" have the same key, so nobody could tell their requests apart. Give each its own.`,
        );
      }
      this.#nameByDigest.set(digest(key), name);
    }
  }

  get configured(): boolean {
    return this.#nameByDigest.size > 0;
  }

  /**
   * The tenant that a request's key stands for; undefined when no keys are configured.
   * @throws ApiError 401 when keys are configured and the request's is missing or unknown
   */
  tenantOf(authorization: string | undefined): string | undefined {
    if (!this.configured) return undefined;
    const key = bearerToken(authorization);
    const name = key === undefined ? undefined : this.#nameByDigest.get(digest(key));
    if (name !== undefined) return name;
    const message =
      key === undefined
        ? 'This server wants an API key: send the header "Authorization: Bearer <key>".'
        : 'The API key is not known here.';
    throw new ApiError(401, 'authentication_error', 'invalid_api_key', message);
  }
}

/** The token of a bearer authorization header. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
}

/** SHA-256 in hexadecimal. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
