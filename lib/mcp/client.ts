/** The tools of another MCP server as agents. */
import { fromJsonSchema } from '@modelcontextprotocol/client';
import { z } from 'zod';
import {
  type AgentContext,
  type AgentSchema,
  type AnyAgent,
  defineAgent,
  type JsonSchema,
  withJsonSchema,
} from '../agents/index.js';
import { InvalidOptionError, ToolServerError } from '../base/index.js';
import { type McpSource, type ServerTool, type ToolResult, ToolServer, type ToolServerOptions } from './tool-server.js';

export type { McpSource } from './tool-server.js';

export interface McpAgentsOptions extends Partial<ToolServerOptions> {
  /** What agents' names begin with. Default: the source's name and "_". */
  prefix?: string | undefined;
  /** Which tools become agents, by the server's names. Default: all. */
  only?: readonly string[] | undefined;
}

export interface McpAgents {
  /** One a tool. They live until {@link close}, over restarts of the server. */
  readonly agents: AnyAgent[];
  /** Ends the connection, and the process when it was started for this. Calls that run fail. */
  close(): Promise<void>;
}

const NAME_LENGTH_MAX = 64;
const VERSION = /^(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){0,2}$/;

/** What a tool without a schema for its results gives: all of its content, and the texts of it joined. */
const PLAIN_OUTPUT = z.object({ text: z.string(), content: z.array(z.unknown()) });

/**
 * Connects to a server and makes an agent of each of its tools, typed by the tool's JSON Schemas. A tool without a schema for its results
 * gives `{ text, content }`.
 *
 * A call passes progress and cancellation on. A tool that reports an error fails its call with AgentFailedError; a server that ends, does not
 * answer in time or answers what the protocol does not allow, with {@link ToolServerError}, and it is started or connected again by the next
 * call, later and later when that keeps failing.
 * @throws {@link ToolServerError} when the server cannot be reached or does not list its tools; {@link InvalidOptionError}
 */
export async function mcpAgents(source: McpSource, options: McpAgentsOptions = {}): Promise<McpAgents> {
  const { prefix = `${source.name}_`, only, ...rest } = options;
  const server = new ToolServer(source, rest);
  try {
    const { version, tools } = await server.listTools();
    const chosen = only === undefined ? tools : tools.filter(({ name }) => only.includes(name));
    for (const name of only ?? []) {
      if (!tools.some((tool) => tool.name === name)) {
        const known = tools.map((tool) => tool.name).join(', ');
        throw new InvalidOptionError('only', `Tool server "${source.name}" has no tool "${name}"; it has: ${known}.`);
      }
    }
    const taken = new Set<string>();
    const agents = chosen.map((tool) => agentOf(server, tool, freeName(prefix + tool.name, taken), version));
    return { agents, close: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}

function agentOf(server: ToolServer, tool: ServerTool, name: string, version: string | undefined): AnyAgent {
  return defineAgent({
    name,
    version: version !== undefined && VERSION.test(version) ? version : '1',
    description: tool.description?.trim() || tool.title || `The tool "${tool.name}" of ${server.name}.`,
    input: schemaOf(tool.inputSchema as JsonSchema),
    output: tool.outputSchema === undefined ? PLAIN_OUTPUT : schemaOf(tool.outputSchema as JsonSchema),
    run: async (input, ctx) => outputOf(server, tool, await callTool(server, tool, input, ctx)),
  });
}

function callTool(server: ToolServer, tool: ServerTool, input: unknown, ctx: AgentContext): Promise<ToolResult> {
  return server.call(tool.name, input as Record<string, unknown>, {
    signal: ctx.signal,
    onProgress: (done, total, message) => ctx.progress(done, total, message),
  });
}

function outputOf(server: ToolServer, tool: ServerTool, result: ToolResult): unknown {
  const content = result.content ?? [];
  const text = content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
  // What the tool itself says is wrong: the agent's failure, not the server's.
  if (result.isError === true) throw new Error(text === '' ? `The tool "${tool.name}" reports an error.` : text);
  if (tool.outputSchema === undefined) return { text, content };
  if (result.structuredContent === undefined) {
    throw new ToolServerError(server.name, `gave no structured result for "${tool.name}", which promises one`);
  }
  return result.structuredContent;
}

/** Servers' schemas may hold what the validator does not know: then the server alone checks. */
function schemaOf(schema: JsonSchema): AgentSchema {
  try {
    return withJsonSchema(fromJsonSchema(schema as never) as AgentSchema, schema);
  } catch {
    return withJsonSchema(z.unknown(), schema);
  }
}

/** A name that agents may have, and that no other tool of the server got. */
function freeName(wanted: string, taken: Set<string>): string {
  const plain = wanted.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '_');
  const name = (/^[a-z]/.test(plain) ? plain : `t_${plain}`).slice(0, NAME_LENGTH_MAX);
  let free = name;
  for (let count = 2; taken.has(free); count++) {
    const ending = `_${count}`;
    free = name.slice(0, NAME_LENGTH_MAX - ending.length) + ending;
  }
  taken.add(free);
  return free;
}
