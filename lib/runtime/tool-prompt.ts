/**
 * The words in which tools, calls and their results are put to a model, and by which its calls are recognised.
 *
 * Calls are written as the families of open models that were trained to call tools write them (Hermes, Qwen, SmolLM and others:
 * a JSON object between tags), so that those need no learning; others are told. Names come before arguments.
 */
import type { ToolCall } from './backend.js';
import type { ToolDefinition } from './service.js';

export const CALL_BEGIN = '<tool_call>';
export const CALL_END = '</tool_call>';
/** Before and after the tool's name, and after the arguments: fixed, so that a repeated chat is the text that was generated. */
export const NAME_BEFORE = '{"name": ';
export const ARGUMENTS_BEFORE = ', "arguments": ';
export const ARGUMENTS_AFTER = '}';

const RESULT_BEGIN = '<tool_response>';
const RESULT_END = '</tool_response>';

/** What a tool takes when it says nothing. */
export const NO_PARAMETERS: Readonly<Record<string, unknown>> = {
  type: 'object',
  properties: {},
  additionalProperties: false,
};

/**
 * Before the tools where there is no system message. Templates have an opening of their own for that case, which ours takes the place of;
 * without any, small models answer much worse.
 */
export const OPENING = 'You are a helpful assistant.';

/**
 * The part of the system message that describes the tools. Depends on the tools alone, not on what may be chosen now: so the turns of
 * a conversation share it as a prefix.
 */
export function toolInstructions(tools: readonly ToolDefinition[]): string {
  const lines = tools.map(({ name, description, parameters = NO_PARAMETERS }) => {
    const { $schema, ...schema } = parameters;
    return spacedJson({ name, ...(description !== undefined && { description }), parameters: schema });
  });
  return [
    'You can call tools. Here is one a line, with its name and the JSON Schema of its arguments:',
    '<tools>',
    ...lines,
    '</tools>',
    `To call a tool, write ${CALL_BEGIN}${NAME_BEFORE}"NAME"${ARGUMENTS_BEFORE}{ARGUMENTS}${ARGUMENTS_AFTER}${CALL_END} and stop there. ` +
      `What it gives comes back between ${RESULT_BEGIN} and ${RESULT_END}. ` +
      'Call a tool when its result is needed for the answer; when you know enough, answer in plain words.',
  ].join('\n');
}

/** A call as a model writes it. Also what a scripted model says to make one. */
export function toolCallText({ name, arguments: args }: Pick<ToolCall, 'name' | 'arguments'>): string {
  const body = NAME_BEFORE + JSON.stringify(name) + ARGUMENTS_BEFORE + spacedJson(args) + ARGUMENTS_AFTER;
  return CALL_BEGIN + body + CALL_END;
}

/** A result as a model reads it. What a tool says cannot end its own frame and speak as somebody else. */
export function toolResultText(content: string): string {
  return `${RESULT_BEGIN}\n${content.replaceAll(RESULT_END, '<\\/tool_response>')}\n${RESULT_END}`;
}

/** JSON with a space after each colon and comma: how models were shown it, and so how they write it. */
export function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => spacedJson(one ?? null)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${fields.map(([key, one]) => `${JSON.stringify(key)}: ${spacedJson(one)}`).join(', ')}}`;
}
