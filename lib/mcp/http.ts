/**
 * Agents as an MCP server over streamable HTTP, for whoever has web-standard requests.
 *
 * Protocol revisions up to 2025 open sessions: a server that is connected once, and found again by the id in a header, so that a cancel that
 * comes as a request of its own finds what it cancels. Later ones have no sessions: each request is served by a server of its own, and
 * cancelled by closing it.
 */
import { randomUUID } from 'node:crypto';
import {
  createMcpHandler,
  isInitializeRequest,
  isLegacyRequest,
  type Server,
  type ServerContext,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import type { AgentService } from '../agents/index.js';
import type { FaceError } from './face-error.js';
import { type CallHints, createMcpServer } from './server.js';

export interface McpHttpOptions {
  describeError?: ((error: unknown) => FaceError) | undefined;
  /** A comment is sent on open streams when nothing was for so long, ms. Default 15,000. */
  keepAliveMs?: number | undefined;
  /** Sessions kept at once; for another, the one that was not heard of for longest is ended. Default 1,000. */
  sessionsMax?: number | undefined;
}

/** One request. */
export interface McpHttpRequest {
  /** Aborts when the client has gone. Its body is not read. */
  request: Request;
  /** The body as JSON data. */
  body: unknown;
  /** Whose request it is: a session answers nobody else. */
  owner: string | undefined;
  hints: CallHints;
}

interface Session {
  owner: string | undefined;
  server: Server;
  transport: WebStandardStreamableHTTPServerTransport;
}

const DEFAULT_KEEP_ALIVE_MS = 15_000;
const DEFAULT_SESSIONS_MAX = 1_000;

export class McpHttp {
  readonly #service: AgentService;
  readonly #describeError: McpHttpOptions['describeError'];
  readonly #keepAliveMs: number;
  readonly #sessionsMax: number;
  /** By id; what was used last is at the end. */
  readonly #sessions = new Map<string, Session>();
  readonly #hints = new WeakMap<Request, CallHints>();
  readonly #modern: ReturnType<typeof createMcpHandler>;

  constructor(service: AgentService, options: McpHttpOptions = {}) {
    this.#service = service;
    this.#describeError = options.describeError;
    this.#keepAliveMs = options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS;
    this.#sessionsMax = options.sessionsMax ?? DEFAULT_SESSIONS_MAX;
    const keepAliveMs = this.#keepAliveMs;
    this.#modern = createMcpHandler(() => this.#makeServer(), { legacy: 'reject', keepAliveMs });
  }

  /** Sessions that are open. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Answers a request; the answer's body may go on for as long as the call runs. */
  async handle({ request, body, owner, hints }: McpHttpRequest): Promise<Response> {
    this.#hints.set(request, hints);
    if (!(await isLegacyRequest(request, body))) return this.#modern.fetch(request, { parsedBody: body });
    const id = request.headers.get('mcp-session-id');
    const session = id === null ? await this.#opened(body, owner) : this.#sessions.get(id);
    if (session === undefined) {
      return id === null
        ? refusal(
            400,
            'The first request of a session is "initialize"; later ones show its id in the header mcp-session-id.',
          )
        : refusal(404, 'There is no such session. Begin one with "initialize".');
    }
    // Somebody else's: as if it were not there.
    if (session.owner !== owner) return refusal(404, 'There is no such session. Begin one with "initialize".');
    if (id !== null) this.#touch(id, session);
    return session.transport.handleRequest(request, { parsedBody: body });
  }

  /** Ends all sessions and what runs for them. */
  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all([this.#modern.close(), ...sessions.map(({ server }) => server.close())]);
  }

  #makeServer(): Server {
    return createMcpServer(this.#service, {
      describeError: this.#describeError,
      hintsOf: (context: ServerContext) => {
        const request = context.http?.req;
        return (request && this.#hints.get(request)) ?? {};
      },
    });
  }

  /** A session for a request that begins one. */
  async #opened(body: unknown, owner: string | undefined): Promise<Session | undefined> {
    const messages = Array.isArray(body) ? body : [body];
    if (!messages.some((message) => isInitializeRequest(message))) return undefined;
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      keepAliveMs: this.#keepAliveMs,
      onsessioninitialized: (id) => this.#keep(id, session),
      onsessionclosed: (id) => {
        this.#sessions.delete(id);
      },
    });
    const server = this.#makeServer();
    const session: Session = { owner, server, transport };
    await server.connect(transport);
    return session;
  }

  #keep(id: string, session: Session): void {
    if (this.#sessions.size >= this.#sessionsMax) this.#endOldest();
    this.#sessions.set(id, session);
  }

  #touch(id: string, session: Session): void {
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
  }

  #endOldest(): void {
    const [id, session] = this.#sessions.entries().next().value!;
    this.#sessions.delete(id);
    session.server.close().catch(() => undefined);
  }
}

function refusal(status: number, message: string): Response {
  const error = { code: status === 404 ? -32_001 : -32_000, message };
  return Response.json({ jsonrpc: '2.0', error, id: null }, { status });
}
