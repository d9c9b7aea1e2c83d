/** Which Host headers a server without API keys answers: a web page of a stranger must not pass for this machine. */
import { afterEach, describe, expect, it } from 'vitest';
import { RawClient } from './raw-client.js';
import { type FakeServer, serveFake } from './serve-fake.js';

let server: FakeServer;

afterEach(() => server.close());

async function get(path: string, ...headers: string[]): Promise<string> {
  const client = await RawClient.connect(server.port);
  client.write(`${[`GET ${path} HTTP/1.1`, ...headers, 'connection: close'].join('\r\n')}\r\n\r\n`);
  return client.closed();
}

describe('without API keys', () => {
  it.each(['localhost', 'LOCALHOST:8080', 'localhost.', '127.0.0.1:80', '127.9.9.9', '[::1]:8080', '[::1]'])(
    'the host %s is answered',
    async (host) => {
      server = await serveFake();
      expect(await get('/v1/models', `host: ${host}`)).toMatch(/^HTTP\/1\.1 200 /);
    },
  );

  it.each([
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    '[::2]:80',
    '::1',
    'a:b:c',
    '',
  ])('the host "%s" is refused, with what to do', async (host) => {
    server = await serveFake();
    const answer = await get('/v1/models', `host: ${host}`);
    expect(answer).toMatch(/^HTTP\/1\.1 403 [\s\S]*"type":"permission_error"[\s\S]*"code":"host_not_allowed"/);
    expect(answer).toContain('Use http://localhost');
  });

  it('the host that it listens under is answered, and no other', async () => {
    server = await serveFake({ host: 'My-Machine' });
    expect(await get('/v1/models', 'host: my-machine:8080')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await get('/v1/models', 'host: other-machine:8080')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await get('/v1/models', 'host: localhost')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('health is told to whoever asks, as to load balancers', async () => {
    server = await serveFake();
    expect(await get('/health', 'host: evil.example')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('a client of HTTP/1.0, which knows no host, is answered', async () => {
    server = await serveFake();
    const client = await RawClient.connect(server.port);
    client.write('GET /v1/models HTTP/1.0\r\n\r\n');
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 /);
  });
});

it('with API keys every host is answered: a page of a stranger has no key', async () => {
  server = await serveFake({ apiKeys: { acme: 'key' } });
  const answer = await get('/v1/models', 'host: llm.example.org', 'authorization: Bearer key');
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
});
