/** Agents as an MCP server on standard input and output: how other programs start it as a child process. */
import type { Readable, Writable } from 'node:stream';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { AgentService } from '../agents/index.js';
import { createMcpServer, type McpServerOptions } from './server.js';

export interface McpStdioOptions extends McpServerOptions {
  /** Default: the process's own. */
  input?: Readable | undefined;
  /** Nothing else may be written to it. Default: the process's own. */
  output?: Writable | undefined;
}

export interface McpStdio {
  /** Resolves when the client has closed its end. */
  readonly ended: Promise<void>;
  /** Cancels what runs, and ends the connection. */
  close(): Promise<void>;
}

/** Serves one client; what runs for it is cancelled when it leaves. */
export function serveMcpStdio(service: AgentService, options: McpStdioOptions = {}): McpStdio {
  const { input = process.stdin, output = process.stdout, ...rest } = options;
  const ended = new Promise<void>((resolve) => {
    for (const event of ['end', 'close', 'error']) input.once(event, resolve);
  });
  const transport = new StdioServerTransport(input, output);
  const handle = serveStdio(() => createMcpServer(service, rest), { transport });
  return { ended, close: () => handle.close() };
}
