/**
 * An agent as a tool of a model or of another program: its name, and schemas that are objects, which is all that the protocols of tools
 * know. An input or output that is none is put into a field of its own.
 */
import type { AnyAgent } from './agent.js';
import type { JsonSchema } from './schema.js';

/** The field that holds an input which is no object. */
const INPUT_FIELD = 'input';
/** The field that holds an output which is no object. */
const OUTPUT_FIELD = 'result';

export interface ToolForm {
  readonly agent: AnyAgent;
  /** The agent's name. */
  readonly name: string;
  /** What it does, beginning with "Deprecated" when it should not be used any more. */
  readonly description: string;
  /** JSON Schema of the arguments: of type "object". */
  readonly inputSchema: JsonSchema;
  /** JSON Schema of the result: of type "object". */
  readonly outputSchema: JsonSchema;
  /** The agent's input that is in a call's arguments. */
  inputOf(args: unknown): unknown;
  /** The agent's output as an object. */
  resultOf(output: unknown): Record<string, unknown>;
}

const forms = new WeakMap<AnyAgent, ToolForm>();

/** The tool that an agent is. Made once per agent. */
export function toolFormOf(agent: AnyAgent): ToolForm {
  let form = forms.get(agent);
  if (form === undefined) {
    form = makeForm(agent);
    forms.set(agent, form);
  }
  return form;
}

function makeForm(agent: AnyAgent): ToolForm {
  const { name, description, deprecated, inputJsonSchema, outputJsonSchema } = agent;
  const isPlainInput = inputJsonSchema.type === 'object';
  const isPlainOutput = outputJsonSchema.type === 'object';
  return {
    agent,
    name,
    description: deprecated === undefined ? description : `Deprecated: ${deprecated} ${description}`,
    inputSchema: isPlainInput ? withoutDialect(inputJsonSchema) : inField(INPUT_FIELD, inputJsonSchema),
    outputSchema: isPlainOutput ? withoutDialect(outputJsonSchema) : inField(OUTPUT_FIELD, outputJsonSchema),
    // What comes instead of an object is handed on as it is: the agent's schema says what is wrong with it.
    inputOf: (args) =>
      isPlainInput || typeof args !== 'object' || args === null ? args : (args as Record<string, unknown>)[INPUT_FIELD],
    resultOf: (output) => (isPlainOutput ? (output as Record<string, unknown>) : { [OUTPUT_FIELD]: output ?? null }),
  };
}

function inField(field: string, schema: JsonSchema): JsonSchema {
  return {
    type: 'object',
    properties: { [field]: rebased(schema, `#/properties/${field}`) },
    required: [field],
    additionalProperties: false,
  };
}

/**
 * `schema` as it reads when it lies at `place` of a larger document: its references to itself are moved along. The note of its dialect
 * is left out.
 * @param place - JSON pointer as a fragment, such as `#/properties/input`
 */
export function rebased(schema: JsonSchema, place: string): JsonSchema {
  return moved(withoutDialect(schema), place) as JsonSchema;
}

function moved(node: unknown, place: string): unknown {
  if (Array.isArray(node)) return node.map((item) => moved(item, place));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) =>
      key === '$ref' && typeof value === 'string' && value.startsWith('#')
        ? [key, place + value.slice(1)]
        : [key, moved(value, place)],
    ),
  );
}

function withoutDialect({ $schema: _, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
