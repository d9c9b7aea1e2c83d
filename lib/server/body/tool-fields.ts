/** The fields of a chat body about tools, in OpenAI's shape, and what they mean for the service. */
import { z } from 'zod';
import type { ChatRequest, ToolChoice, ToolDefinition } from '../../runtime/service.js';
import { checkTools, TOOLS_MAX, type ToolFields } from '../../runtime/tool-request.js';
import { explainIssues } from './explain-issue.js';
import { boundSchema } from './generation-fields.js';
import { defined } from './read-body.js';

const MAX_DESCRIPTION = 16_384;

export const toolShape = {
  // The entries are checked one by one below, as messages are.
  tools: z.array(z.unknown()).max(TOOLS_MAX).optional(),
  tool_choice: z
    .union([
      z.enum(['auto', 'none', 'required']),
      z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
    ])
    .optional(),
  parallel_tool_calls: z.boolean().optional(),
};

const fields = z.object(toolShape);
export type ToolBodyFields = z.infer<typeof fields>;

/** `strict` asks for arguments that fit the schema: they always do here. */
const toolEntry = z.object({
  type: z.literal('function'),
  function: z.object({
    name: z.string(),
    description: z.string().max(MAX_DESCRIPTION).nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
    strict: z.boolean().nullish(),
  }),
});

/** Where things lie in an OpenAI body. */
export const WIRE_FIELDS: ToolFields = {
  tools: 'tools',
  toolName: (tool) => `tools[${tool}].function.name`,
  toolParameters: (tool) => `tools[${tool}].function.parameters`,
  choice: 'tool_choice',
  choiceName: 'tool_choice.function.name',
  callId: (message, call) => `messages[${message}].tool_calls[${call}].id`,
  resultId: (message) => `messages[${message}].tool_call_id`,
};

/**
 * @returns the fields that were given, in the service's words
 * @throws {@link InvalidRequestError} naming the field
 */
export function toolRequest(given: ToolBodyFields): Pick<ChatRequest, 'tools' | 'toolChoice' | 'parallelToolCalls'> {
  const tools = (given.tools ?? []).map(readTool);
  const toolChoice = readChoice(given.tool_choice);
  checkTools(tools, toolChoice, WIRE_FIELDS);
  if (tools.length === 0) return {};
  return defined({ tools, toolChoice, parallelToolCalls: given.parallel_tool_calls });
}

function readTool(given: unknown, index: number): ToolDefinition {
  const parsed = toolEntry.safeParse(given);
  if (!parsed.success) throw explainIssues(parsed.error.issues, given, ['tools', index]);
  const { name, description, parameters } = parsed.data.function;
  if (parameters != null) boundSchema(parameters, WIRE_FIELDS.toolParameters(index));
  return { name, ...(description != null && { description }), ...(parameters != null && { parameters }) };
}

function readChoice(choice: ToolBodyFields['tool_choice']): ToolChoice | undefined {
  return typeof choice === 'object' ? { name: choice.function.name } : choice;
}
