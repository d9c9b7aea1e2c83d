/** What a chat says about tools: checked, and turned into the bounds of its answer. */
import { InvalidRequestError } from '../base/errors.js';
import { nearest } from '../base/nearest.js';
import type { ChatMessage, ToolBounds } from './backend.js';
import type { ToolChoice, ToolDefinition } from './service.js';
import { NO_PARAMETERS } from './tool-prompt.js';

export const TOOLS_MAX = 128;
/** All definitions together, as JSON: beyond it, reading them would be most of what any local model does. */
export const TOOLS_CHARACTERS_MAX = 131_072;
export const TOOL_NAME = /^[\w-]{1,64}$/;
/** Calls in one answer where several are wanted. A small model that cannot stop repeating a call is stopped here. */
const CALLS_MAX = 8;
/** Slips of the finger that a suggestion forgives. */

/** How a face of the package names the fields, for its errors. */
export interface ToolFields {
  tools: string;
  toolName: (tool: number) => string;
  toolParameters: (tool: number) => string;
  choice: string;
  choiceName: string;
  callId: (message: number, call: number) => string;
  resultId: (message: number) => string;
}

export const SERVICE_FIELDS: ToolFields = {
  tools: 'tools',
  toolName: (tool) => `tools[${tool}].name`,
  toolParameters: (tool) => `tools[${tool}].parameters`,
  choice: 'toolChoice',
  choiceName: 'toolChoice.name',
  callId: (message, call) => `messages[${message}].toolCalls[${call}].id`,
  resultId: (message) => `messages[${message}].toolCallId`,
};

/**
 * Checks that names are good and differ, that arguments are objects, that a choice names a tool which is there, and the size of it all.
 * @throws {@link InvalidRequestError} naming the field
 */
export function checkTools(tools: readonly ToolDefinition[], choice: ToolChoice | undefined, fields: ToolFields): void {
  if (tools.length > TOOLS_MAX) {
    throw refusal(fields.tools, `expected at most ${TOOLS_MAX} tools; got ${tools.length}.`);
  }
  const names = new Map<string, number>();
  for (const [index, { name, parameters }] of tools.entries()) {
    const param = fields.toolName(index);
    if (!TOOL_NAME.test(name)) throw refusal(param, 'expected 1 to 64 of the characters A-Z a-z 0-9 _ -.');
    const first = names.get(name);
    if (first !== undefined) throw refusal(param, `"${name}" is the name of tools[${first}] already.`);
    names.set(name, index);
    const type = parameters?.type;
    if (type !== undefined && type !== 'object') {
      throw refusal(fields.toolParameters(index), `expected a schema of type "object" for tool "${name}".`);
    }
  }
  const characters = jsonLength(tools);
  if (characters === undefined) throw refusal(fields.tools, 'cannot be written as JSON.');
  if (characters > TOOLS_CHARACTERS_MAX) {
    throw refusal(fields.tools, `expected at most ${TOOLS_CHARACTERS_MAX} characters as JSON; got ${characters}.`);
  }
  checkChoice([...names.keys()], choice, fields);
}

function checkChoice(names: readonly string[], choice: ToolChoice | undefined, fields: ToolFields): void {
  if (choice === undefined || choice === 'none' || choice === 'auto') return;
  if (names.length === 0) throw refusal(fields.choice, 'expected "none" or "auto" where no tools are given.');
  if (choice === 'required' || names.includes(choice.name)) return;
  const shown = TOOL_NAME.test(choice.name) ? ` "${choice.name}"` : ' of that name';
  const guess = nearest(choice.name, names);
  const hint = guess === undefined ? '' : ` Did you mean "${guess}"?`;
  throw refusal(fields.choiceName, `there is no tool${shown} among the tools.${hint}`);
}

/**
 * Checks that each result answers a call of the assistant's message before it, and no call is answered twice.
 * @throws {@link InvalidRequestError} naming the field
 */
export function checkToolMessages(messages: readonly ChatMessage[], fields: ToolFields): void {
  let open = new Set<string>();
  let answered = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message.role !== 'tool') {
      open = new Set();
      answered = new Set();
      for (const [at, { id }] of (message.role === 'assistant' ? (message.toolCalls ?? []) : []).entries()) {
        if (open.has(id)) throw refusal(fields.callId(index, at), 'another call of this message has the same id.');
        open.add(id);
      }
      continue;
    }
    const { toolCallId } = message;
    const param = fields.resultId(index);
    if (!open.has(toolCallId)) throw refusal(param, "expected the id of a call in the assistant's message before it.");
    if (answered.has(toolCallId)) throw refusal(param, 'this call has been answered already.');
    answered.add(toolCallId);
  }
}

/** @returns undefined where there are no tools. `tools` and `choice` have passed {@link checkTools}. */
export function toolBounds(
  tools: readonly ToolDefinition[],
  choice: ToolChoice = 'auto',
  parallel = false,
): ToolBounds | undefined {
  if (tools.length === 0) return undefined;
  if (choice === 'none') return { tools: [], choice, callsMax: 1 };
  const isNamed = typeof choice === 'object';
  const offered = isNamed ? tools.filter(({ name }) => name === choice.name) : tools;
  return {
    tools: offered.map(({ name, parameters }) => ({ name, parameters: objectSchema(parameters ?? NO_PARAMETERS) })),
    choice: isNamed ? 'required' : choice,
    // Who names the tool wants that call.
    callsMax: parallel && !isNamed ? CALLS_MAX : 1,
  };
}

/** Says that arguments are an object where the schema leaves it open. */
function objectSchema(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isSaid = ['type', '$ref', 'anyOf', 'oneOf', 'allOf', 'enum', 'const'].some((key) => key in schema);
  return isSaid ? schema : { ...schema, type: 'object' };
}

function jsonLength(value: unknown): number | undefined {
  try {
    return JSON.stringify(value).length;
  } catch {
    return undefined;
  }
}

function refusal(param: string, what: string): InvalidRequestError {
  return new InvalidRequestError(`${param}: ${what}`, param);
}
