/** Who may speak to the server, and where it may listen. */
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../../lib/base/index.js';
import { ApiKeys, isLoopback, requireKeysBeyondLoopback } from '../../lib/server/api-keys.js';
import { createServer } from '../../lib/server/index.js';
import { CHAT_MODEL, FakeYard } from './fake-yard.js';
import { type FakeServer, post, serveFake } from './serve-fake.js';

const CHAT = { model: CHAT_MODEL, messages: [{ role: 'user', content: 'Hi' }] };

describe('a server with API keys', () => {
  let server: FakeServer;

  beforeAll(async () => {
    server = await serveFake({ apiKeys: { acme: 'key-of-acme', beta: 'key-of-beta' } });
  });

  afterAll(() => server.close());

  it.each<[string, Record<string, string>]>([
    ['no key', {}],
    ['an unknown key', { authorization: 'Bearer nobody' }],
    ['the name instead of the key', { authorization: 'Bearer acme' }],
    ['another scheme', { authorization: 'Basic key-of-acme' }],
  ])('answers 401 to %s', async (_what, headers) => {
    const response = await post(`${server.origin}/v1/chat/completions`, CHAT, headers);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_api_key', type: 'authentication_error' } });
    expect((await fetch(`${server.origin}/metrics`, { headers })).status).toBe(401);
    expect(server.yard.tasks).toHaveLength(0);
  });

  it('serves each key as its own tenant, whatever the request says', async () => {
    const headers = { authorization: 'Bearer key-of-beta', 'x-agentyard-tenant': 'acme' };
    const body = { ...CHAT, user: 'x', agentyard: { tenant: 'acme' } };
    const response = await post(`${server.origin}/v1/chat/completions`, body, headers);
    expect(response.status).toBe(200);
    expect(server.yard.tasks.at(-1)?.request.tenant).toBe('beta');
  });

  it('tells its health without a key, for load balancers', async () => {
    expect((await fetch(`${server.origin}/health`)).status).toBe(200);
  });
});

describe('keys', () => {
  it.each([
    [{ 'a b': 'k' }, 'no name'],
    [{ a: '' }, 'is empty'],
    [{ a: 'two words' }, 'holds a space'],
    [{ a: 'schlüssel' }, 'beyond ASCII'],
    [{ a: 'same', b: 'other', c: 'same' }, '"a" and "c" have the same key'],
  ])('are refused when malformed or shared: %j', (keys, message) => {
    expect(() => new ApiKeys(keys)).toThrow(InvalidOptionError);
    expect(() => new ApiKeys(keys)).toThrow(message);
  });

  it('are not shown when they are refused', () => {
    const shown = (keys: Record<string, string>) => {
      try {
        new ApiKeys(keys);
      } catch (error) {
        return (error as Error).message;
      }
      return expect.unreachable('the keys are refused');
    };
    expect(shown({ a: 'sk-secret word' })).not.toContain('secret');
    expect(shown({ a: 'sk-secret', b: 'sk-secret' })).not.toContain('secret');
  });
});

describe('loopback', () => {
  it.each(['localhost', '127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('%s is', (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(() => requireKeysBeyondLoopback(host, {})).not.toThrow();
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '::ffff:10.0.0.1', 'example.org', ''])(
    '"%s" is not, and wants keys',
    (host) => {
      expect(isLoopback(host)).toBe(false);
      expect(() => requireKeysBeyondLoopback(host, {})).toThrow('configure API keys');
      expect(() => requireKeysBeyondLoopback(host, { a: 'k' })).not.toThrow();
    },
  );

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

  it('is all that is answered without keys, even when the caller listens everywhere', async (context) => {
    if (outside === undefined) return context.skip('this machine has no address beyond loopback');
    const app = createServer({ yard: new FakeYard(), log: false });
    await app.listen({ host: '0.0.0.0', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    try {
      const response = await fetch(`http://${outside}:${port}/v1/models`);
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ error: { code: 'keys_required' } });
      expect((await fetch(`http://127.0.0.1:${port}/v1/models`)).status).toBe(200);
    } finally {
      app.server.closeAllConnections();
      await app.close();
    }
  });
});

describe('server options', () => {
  it('are refused with a suggestion when unknown', () => {
    const options = { yard: new FakeYard(), keepAliveMS: 5 };
    expect(() => createServer(options)).toThrow('Did you mean "keepAliveMs"?');
  });

  it('are refused when out of range', () => {
    expect(() => createServer({ yard: new FakeYard(), keepAliveMs: 0 })).toThrow('at least 1; got 0');
  });
});
