/** Agents as an MCP server: every agent is a tool, a call of the tool is a task of the yard. */
import { Server, type ServerContext } from '@modelcontextprotocol/server';
import { type AgentService, type AnyAgent, type RunOptions, type ToolForm, toolFormOf } from '../agents/index.js';
import { UnknownAgentError } from '../base/agent-errors.js';
import { packageVersion } from '../base/version.js';
import { type FaceError, faceErrorOf } from './face-error.js';

/** What a call has from the connection that it came over. */
export type CallHints = Pick<RunOptions, 'tenant' | 'class' | 'priority' | 'deadlineMs'>;

export interface McpServerOptions {
  /** What clients see of the server. Default "agentyard" and this package's version. */
  name?: string | undefined;
  version?: string | undefined;
  /** Tenant and urgency of a call. Default: the yard's defaults. */
  hintsOf?: ((context: ServerContext) => CallHints) | undefined;
  /** What clients are told of an error. Default: all that it says. */
  describeError?: ((error: unknown) => FaceError) | undefined;
}

interface Tool {
  /** The agent's name for the version that the name stands for; `name.version` for the others. */
  name: string;
  form: ToolForm;
}

/**
 * A server for one connection; the caller connects it.
 *
 * Tools have the agents' schemas; a result's `structuredContent` is the output (in a field `result` unless it is an object) and its text the
 * output as JSON. A call that fails is a result with `isError` whose text is `{"error":{"code","message","issues"?}}`: not as structured
 * content, which clients check against the output's schema. Progress is told to a client that gave a token, and cancelling the request
 * cancels the task.
 */
export function createMcpServer(service: AgentService, options: McpServerOptions = {}): Server {
  const { name = 'agentyard', version = packageVersion() ?? '0', hintsOf, describeError = faceErrorOf } = options;
  const server = new Server({ name, version }, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', () => ({ tools: toolsOf(service).map(toolBody) }));
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    try {
      const { form } = findTool(service, params.name);
      const hints = hintsOf?.(context) ?? {};
      const output = await runTool(service, form, params.arguments ?? {}, context, hints);
      return answerOf(form, output);
    } catch (error) {
      return { isError: true, content: [{ type: 'text', text: JSON.stringify({ error: describeError(error) }) }] };
    }
  });
  return server;
}

function toolsOf({ agents }: AgentService): Tool[] {
  return agents.list().map((agent) => {
    const isDefault = agents.find(agent.name) === agent;
    // Agents' names have no dot, so this is nobody else's name.
    return { name: isDefault ? agent.name : `${agent.name}.${agent.version}`, form: toolFormOf(agent) };
  });
}

function findTool({ agents }: AgentService, name: string): Tool {
  const at = name.indexOf('.');
  const reference = at < 0 ? name : `${name.slice(0, at)}@${name.slice(at + 1)}`;
  // An "@" is no part of a tool's name here.
  if (name.includes('@')) throw new UnknownAgentError(name, [...new Set(agents.list().map((agent) => agent.name))]);
  return { name, form: toolFormOf(agents.find(reference)) };
}

function toolBody({ name, form: { agent, description, inputSchema, outputSchema } }: Tool) {
  return {
    name,
    description,
    inputSchema: inputSchema as { type: 'object' },
    outputSchema: outputSchema as { type: 'object' },
    ...metaOf(agent),
  };
}

/** What MCP has no field for. */
function metaOf({ version, deprecated }: AnyAgent) {
  const deprecation = deprecated === undefined ? {} : { 'agentyard/deprecated': deprecated };
  return { _meta: { 'agentyard/version': version, ...deprecation } };
}

function answerOf(form: ToolForm, output: unknown) {
  const { agent } = form;
  const content = [{ type: 'text' as const, text: JSON.stringify(output ?? null) }];
  if (agent.deprecated !== undefined) {
    content.push({ type: 'text', text: `Deprecated: ${agent.id}. ${agent.deprecated}` });
  }
  return { content, structuredContent: form.resultOf(output), ...metaOf(agent) };
}

async function runTool(
  service: AgentService,
  form: ToolForm,
  args: unknown,
  context: ServerContext,
  hints: CallHints,
): Promise<unknown> {
  const { signal, _meta, notify } = context.mcpReq;
  const token = _meta?.progressToken;
  // The client may leave without a word: then nobody gets the answer.
  const gone = context.http?.req?.signal;
  const told: Promise<void>[] = [];
  const onProgress: RunOptions['onProgress'] =
    token === undefined
      ? undefined
      : ({ done, total, message }) => {
          const params = {
            progressToken: token,
            progress: done,
            ...(total === undefined ? {} : { total }),
            ...(message === undefined ? {} : { message }),
          };
          // A client that cannot be told is one that left; the result finds that out.
          told.push(notify({ method: 'notifications/progress', params }).catch(() => undefined));
        };
  const output: unknown = await service.run(form.agent, form.inputOf(args), {
    ...hints,
    signal: gone === undefined ? signal : AbortSignal.any([signal, gone]),
    onProgress,
  });
  // After the result nothing more may be said about the call.
  await Promise.all(told);
  return output;
}
