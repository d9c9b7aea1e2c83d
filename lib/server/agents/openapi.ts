/** The OpenAPI document of a server: all of its routes, and one path for each agent with its own schemas. */
import { type AgentDirectory, type AnyAgent, type JsonSchema, rebased } from '../../agents/index.js';
import { packageVersion } from '../../base/version.js';
import { TASK_CLASSES } from '../../task/index.js';
import { openAiPaths } from './openapi-v1.js';

type Json = Readonly<Record<string, unknown>>;

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Json): Json => ({ 'application/json': { schema } });
const answer = (description: string, schema: Json): Json => ({ description, content: json(schema) });
const FAILURES: Json = { default: answer('What went wrong.', ref('Error')) };

/** OpenAPI 3.1, whose schemas are JSON Schema 2020-12 as agents' are. Made when it is asked for: agents may be added at any time. */
export function openApiDocument(agents: AgentDirectory): object {
  const all = agents.list();
  const schemas = Object.fromEntries(all.flatMap(agentSchemas));
  return {
    openapi: '3.1.0',
    info: {
      title: 'agentyard',
      version: packageVersion() ?? '0',
      description: 'Language models and agents behind one scheduler.',
    },
    security: [{}, { apiKey: [] }],
    paths: {
      '/agents': { get: listOperation() },
      '/agents/{reference}': { get: pageOperation(all) },
      ...Object.fromEntries(all.map((agent) => [`/agents/${agent.id}`, { post: callOperation(agent) }])),
      ...openAiPaths({ ref, json, answer, failures: FAILURES }),
      '/mcp': { post: mcpOperation() },
      '/openapi.json': {
        get: { operationId: 'openapi', summary: 'This document.', responses: { 200: answer('OpenAPI 3.1.', OBJECT) } },
      },
    },
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } },
      schemas: { ...SHARED_SCHEMAS, ...schemas },
    },
  };
}

const OBJECT: Json = { type: 'object' };

const hintFields = {
  class: { enum: [...TASK_CLASSES] },
  priority: { type: 'number', description: 'Higher is more urgent. Default 0.' },
  deadlineMs: {
    type: 'number',
    exclusiveMinimum: 0,
    description: 'Milliseconds from now until the answer is worthless.',
  },
  tenant: { type: 'string', pattern: '^[\\w.:@/-]{1,64}$', description: 'Whose work it is. An API key has its own.' },
};

const SHARED_SCHEMAS: Json = {
  Error: {
    type: 'object',
    required: ['error'],
    properties: {
      error: {
        type: 'object',
        required: ['code', 'message'],
        properties: {
          code: { type: 'string' },
          message: { type: 'string' },
          type: { type: 'string' },
          param: { type: ['string', 'null'] },
          issues: {
            type: 'array',
            items: {
              type: 'object',
              required: ['path', 'message'],
              properties: {
                path: { type: 'string' },
                message: { type: 'string' },
                expected: { type: 'string' },
                got: { type: 'string' },
              },
            },
          },
        },
      },
    },
  },
  Hints: {
    type: 'object',
    additionalProperties: false,
    properties: { ...hintFields, session: { type: 'string', maxLength: 256 } },
  },
  ChatHints: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...hintFields,
      session: { type: 'string', maxLength: 256 },
      tools: { type: 'array', items: { type: 'string' }, description: 'Agents that the server calls for the model.' },
      maxRounds: { type: 'integer', minimum: 1, maximum: 64, default: 8 },
    },
  },
  CallHints: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...hintFields,
      budget: { type: 'number', minimum: 0, description: "Work that the call's descendants may do." },
      timeoutMs: { type: 'number', exclusiveMinimum: 0 },
      idempotencyKey: { type: 'string', minLength: 1, maxLength: 256 },
      model: { type: 'string' },
    },
  },
  Agent: {
    type: 'object',
    required: ['name', 'version', 'id', 'description'],
    properties: {
      name: { type: 'string' },
      version: { type: 'string' },
      id: { type: 'string' },
      description: { type: 'string' },
      deprecated: { type: 'string' },
    },
  },
};

/** Names of components may have no "@". */
const schemaName = ({ name, version }: AnyAgent, side: 'input' | 'output'): string => `${name}.${version}.${side}`;

function agentSchemas(agent: AnyAgent): [string, JsonSchema][] {
  return (['input', 'output'] as const).map((side) => {
    const name = schemaName(agent, side);
    return [name, rebased(agent[`${side}JsonSchema`], `#/components/schemas/${name}`)];
  });
}

function callOperation(agent: AnyAgent): Json {
  const { id, name, version, description, deprecated } = agent;
  const body: Json = {
    type: 'object',
    required: ['input'],
    properties: {
      input: ref(schemaName(agent, 'input')),
      stream: { type: 'boolean', description: 'Answer with events: progress, part, and then result or error.' },
      agentyard: ref('CallHints'),
    },
  };
  const result: Json = {
    type: 'object',
    required: ['agent', 'id', 'output'],
    properties: {
      agent: { const: id },
      id: { type: 'string' },
      output: ref(schemaName(agent, 'output')),
      deprecated: { type: 'string' },
    },
  };
  const events = { 'text/event-stream': { schema: { type: 'string' } } };
  return {
    operationId: `run-${name}-${version}`,
    summary: `Runs ${id}.`,
    description: deprecated === undefined ? description : `${description}\n\nDeprecated: ${deprecated}`,
    ...(deprecated === undefined ? {} : { deprecated: true }),
    requestBody: { required: true, content: json(body) },
    responses: { 200: { description: 'The output.', content: { ...json(result), ...events } }, ...FAILURES },
  };
}

function listOperation(): Json {
  const list = {
    type: 'object',
    properties: { object: { const: 'list' }, data: { type: 'array', items: ref('Agent') } },
  };
  return {
    operationId: 'list-agents',
    summary: 'The agents, or with format=openai-tools what is ready to be the tools of a chat.',
    parameters: [{ name: 'format', in: 'query', schema: { enum: ['openai-tools'] } }],
    responses: { 200: answer('The list.', { anyOf: [list, { type: 'array', items: OBJECT }] }), ...FAILURES },
  };
}

function pageOperation(all: readonly AnyAgent[]): Json {
  return {
    operationId: 'show-agent',
    summary: 'One agent with its JSON Schemas.',
    parameters: [
      {
        name: 'reference',
        in: 'path',
        required: true,
        description: 'A name, or name@version.',
        schema: { type: 'string', ...(all[0] === undefined ? {} : { examples: [all[0].name] }) },
      },
    ],
    responses: { 200: answer('The agent.', ref('Agent')), ...FAILURES },
  };
}

function mcpOperation(): Json {
  return {
    operationId: 'mcp',
    summary: 'The agents as an MCP server (streamable HTTP); spoken to by the libraries of that protocol.',
    requestBody: { required: true, content: json(OBJECT) },
    responses: {
      200: {
        description: 'Messages of the protocol.',
        content: { ...json(OBJECT), 'text/event-stream': { schema: { type: 'string' } } },
      },
      ...FAILURES,
    },
  };
}
