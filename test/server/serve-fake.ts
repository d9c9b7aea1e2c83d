/** A server over a fake yard, on a free loopback port. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { createServer, type ServerOptions } from '../../lib/server/index.js';
import { FakeYard } from './fake-yard.js';

export interface FakeServer {
  yard: FakeYard;
  app: FastifyInstance;
  port: number;
  /** `http://127.0.0.1:port` */
  origin: string;
  /** Log lines so far. */
  logLines: string[];
  /** Resolves with the next request line that is logged for this route and was not waited for before. */
  logged(route: string): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export async function serveFake(options: Omit<ServerOptions, 'yard' | 'log'> = {}): Promise<FakeServer> {
  const yard = new FakeYard();
  const logLines: string[] = [];
  const taken = new Set<string>();
  let wake: (() => void)[] = [];
  const write = (line: string) => {
    logLines.push(line);
    for (const resolve of wake) resolve();
    wake = [];
  };
  const app = createServer({ yard, log: { level: 'debug', stream: { write } }, ...options });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    yard,
    app,
    port,
    origin: `http://127.0.0.1:${port}`,
    logLines,
    async logged(route) {
      for (;;) {
        const line = logLines.find((candidate) => !taken.has(candidate) && JSON.parse(candidate).route === route);
        if (line !== undefined) {
          taken.add(line);
          return JSON.parse(line) as Record<string, unknown>;
        }
        await new Promise<void>((resolve) => wake.push(resolve));
      }
    },
    async close() {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

/** POSTs JSON and returns the response. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}
