/**
 * The connection to another MCP server: made when it is needed, ended when the server fails, made again by the next call.
 *
 * States: idle (no connection; may have to wait out a failure) → connecting (shared by all calls that want it) → connected → idle, when the
 * server ends, hangs or breaks the protocol. Closed is the end.
 */
import {
  type CallToolResult,
  Client,
  ProtocolError,
  ProtocolErrorCode,
  SdkError,
  SdkErrorCode,
  StreamableHTTPClientTransport,
  type Tool,
  type Transport,
} from '@modelcontextprotocol/client';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { ClosedError, InvalidOptionError, ToolServerError } from '../base/index.js';
import { packageVersion } from '../base/version.js';

/** A server that is started as a process and spoken to over its standard input and output, or one that listens for HTTP. */
export type McpSource =
  | {
      /** For errors and names. 1 to 32 of a-z, 0-9, `_` and `-`, beginning with a letter. */
      name: string;
      command: string;
      args?: readonly string[] | undefined;
      /** Added to the few variables that every process needs; ours are not handed on. */
      env?: Readonly<Record<string, string>> | undefined;
      cwd?: string | undefined;
    }
  | { name: string; url: string | URL; headers?: Readonly<Record<string, string>> | undefined };

export interface ToolServerOptions {
  /** Longest silence in a call, ms: without result or progress. Default 60,000. */
  timeoutMs: number;
  /** Longest call, ms, whatever progress it reports. Default 600,000. */
  maxCallMs: number;
  /** Longest wait for a connection and the list of tools, ms. Default 30,000. */
  connectMs: number;
  /** Wait after a second failure in a row, ms; doubles with each, up to 60,000. Default 500. */
  backoffMs: number;
  /** Longest message of a process, bytes. Default 10 MiB. */
  messageBytesMax: number;
  /** What the process writes to its standard error. Default "ignore". */
  stderr: 'ignore' | 'inherit';
}

export type ServerTool = Tool;
export type ToolResult = CallToolResult;

export interface ToolCallOptions {
  signal: AbortSignal;
  onProgress: (done: number, total: number | undefined, message: string | undefined) => void;
}

const DEFAULTS: ToolServerOptions = {
  timeoutMs: 60_000,
  maxCallMs: 600_000,
  connectMs: 30_000,
  backoffMs: 500,
  messageBytesMax: 10 * 2 ** 20,
  stderr: 'ignore',
};
const BACKOFF_MS_MAX = 60_000;
/** A server that hangs in one call is asked whether it is alive, and gets so long. */
const PING_MS = 5_000;
const TIMER_MS_MAX = 2 ** 31 - 1;
const NAME = /^[a-z][a-z0-9_-]{0,31}$/;

export class ToolServer {
  readonly name: string;
  readonly #source: McpSource;
  readonly #options: ToolServerOptions;
  #connecting: Promise<Client> | undefined;
  /** The one that is connected. */
  #client: Client | undefined;
  /** Failures since a call was last answered. */
  #failures = 0;
  #retryAtMs = 0;
  #isClosed = false;

  /** @throws InvalidOptionError */
  constructor(source: McpSource, options: { [K in keyof ToolServerOptions]?: ToolServerOptions[K] | undefined } = {}) {
    if (!NAME.test(source.name)) {
      throw new InvalidOptionError(
        'name',
        'A tool server\'s name is 1 to 32 of a-z, 0-9, "_" and "-", beginning with a letter.',
      );
    }
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    this.#options = { ...DEFAULTS, ...given };
    for (const name of ['timeoutMs', 'maxCallMs', 'connectMs', 'backoffMs', 'messageBytesMax'] as const) {
      const value = this.#options[name];
      if (value > 0 && value <= TIMER_MS_MAX) continue;
      throw new InvalidOptionError(
        name,
        `Option "${name}" is wrong (got ${value}): expected more than 0, at most ${TIMER_MS_MAX}.`,
      );
    }
    this.name = source.name;
    this.#source = source;
  }

  /** @throws ToolServerError */
  async listTools(): Promise<{ version: string | undefined; tools: readonly ServerTool[] }> {
    const client = await this.#connection();
    try {
      const { tools } = await client.listTools(undefined, { timeout: this.#options.connectMs });
      this.#failures = 0;
      return { version: client.getServerVersion()?.version, tools };
    } catch (error) {
      this.#fail(client);
      throw this.#described(error, 'list its tools');
    }
  }

  /** @throws ToolServerError; the reason of the signal; an Error for what the tool refuses */
  async call(
    tool: string,
    args: Record<string, unknown>,
    { signal, onProgress }: ToolCallOptions,
  ): Promise<ToolResult> {
    const client = await unlessAborted(this.#connection(), signal);
    const { timeoutMs, maxCallMs } = this.#options;
    try {
      // Not `callTool`, which checks results itself: the agent does, and says where they do not fit.
      const result = await client.request(
        { method: 'tools/call', params: { name: tool, arguments: args } },
        {
          signal,
          timeout: Math.min(timeoutMs, maxCallMs),
          maxTotalTimeout: maxCallMs,
          resetTimeoutOnProgress: true,
          onprogress: ({ progress, total, message }) => onProgress(progress, total, message),
        },
      );
      this.#failures = 0;
      return result;
    } catch (error) {
      signal.throwIfAborted();
      if (isRefusal(error)) throw new Error(error.message);
      if (isTimeout(error)) this.#checkAlive(client);
      else this.#fail(client);
      throw this.#described(error, `answer a call of "${tool}"`);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const client = await this.#connecting?.catch(() => undefined);
    this.#connecting = undefined;
    await client?.close().catch(() => undefined);
  }

  #connection(): Promise<Client> {
    if (this.#isClosed) return Promise.reject(new ClosedError());
    if (this.#connecting !== undefined) return this.#connecting;
    const waitMs = this.#retryAtMs - performance.now();
    if (waitMs > 0) {
      const text = `failed ${this.#failures} times in a row and is tried again in ${Math.ceil(waitMs)} ms`;
      return Promise.reject(new ToolServerError(this.name, text));
    }
    const connecting = this.#connect();
    this.#connecting = connecting;
    connecting.catch(() => {
      if (this.#connecting === connecting) this.#connecting = undefined;
    });
    return connecting;
  }

  async #connect(): Promise<Client> {
    const { connectMs } = this.#options;
    const client = new Client({ name: 'agentyard', version: packageVersion() ?? '0' });
    // Servers may send anything at any time; what matters fails the call that it concerns.
    client.onerror = () => {};
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new SdkError(SdkErrorCode.RequestTimeout, 'no connection in time')), connectMs);
    });
    try {
      const transport = this.#transport();
      await Promise.race([client.connect(transport, { timeout: connectMs }), limit]);
      client.onclose = () => this.#fail(client);
      this.#client = client;
      return client;
    } catch (error) {
      this.#countFailure();
      client.close().catch(() => undefined);
      throw this.#described(error, 'begin a connection');
    } finally {
      clearTimeout(timer);
    }
  }

  #transport(): Transport {
    const source = this.#source;
    if ('url' in source) {
      return new StreamableHTTPClientTransport(new URL(source.url), {
        requestInit: { headers: { ...source.headers } },
      });
    }
    const { command, args = [], env = {}, cwd } = source;
    return new StdioClientTransport({
      command,
      args: [...args],
      env: { ...getDefaultEnvironment(), ...env },
      stderr: this.#options.stderr,
      maxBufferSize: this.#options.messageBytesMax,
      ...(cwd === undefined ? {} : { cwd }),
    });
  }

  /** Ends the connection, unless it is ended: the next call makes another. */
  #fail(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#connecting = undefined;
    if (!this.#isClosed) this.#countFailure();
    client.close().catch(() => undefined);
  }

  /** The first failure is repaired at once, the others later and later. */
  #countFailure(): void {
    this.#failures++;
    const delayMs = this.#failures < 2 ? 0 : this.#options.backoffMs * 2 ** Math.min(this.#failures - 2, 20);
    this.#retryAtMs = performance.now() + Math.min(delayMs, BACKOFF_MS_MAX);
  }

  /** One call that takes too long may be slow; a server that does not say that it is there is gone. */
  #checkAlive(client: Client): void {
    client.ping({ timeout: Math.min(PING_MS, this.#options.timeoutMs) }).catch(() => this.#fail(client));
  }

  #described(error: unknown, what: string): ToolServerError {
    if (error instanceof ToolServerError) return error;
    if (isTimeout(error)) return new ToolServerError(this.name, `did not ${what} in time`, error);
    const { code } = error as { code?: unknown };
    if (code === 'ENOENT' || code === 'EACCES')
      return new ToolServerError(this.name, `cannot be started (${code})`, error);
    if (
      code === SdkErrorCode.ConnectionClosed ||
      code === SdkErrorCode.NotConnected ||
      code === SdkErrorCode.SendFailed
    ) {
      return new ToolServerError(this.name, `ended before it could ${what}`, error);
    }
    const said = error instanceof Error ? error.message.slice(0, 200) : typeof error;
    return new ToolServerError(this.name, `could not ${what}: ${said}`, error);
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout;
}

/** Did the server say that this call is wrong? Its arguments or its tool, not the server, is to blame. */
function isRefusal(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError && error.code === ProtocolErrorCode.InvalidParams;
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
