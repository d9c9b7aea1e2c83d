/** The JSON Schema form of a schema: asked for once, kept as plain frozen data. */
import { InvalidAgentError } from '../base/agent-errors.js';
import type { AgentSchema, InferIn, InferOut, JsonSchema, StandardJson } from './schema.js';

/** A schema has two forms: of what is put in, and of what comes out of its validation. */
export type SchemaSide = 'input' | 'output';

const TARGET = { target: 'draft-2020-12' } as const;

/** JSON Schemas for what goes into and comes out of a schema that has no form of its own. */
export interface JsonForms {
  input: JsonSchema;
  output: JsonSchema;
}

/**
 * `schema` with a JSON Schema that is given by hand: for schemas without one of their own (a date, a custom check, a transformation).
 * It validates as before; the JSON Schema is what callers, tools and grammars are told.
 * @param json - JSON Schema of both sides, or of each
 */
export function withJsonSchema<S extends AgentSchema>(
  schema: S,
  json: JsonSchema | JsonForms,
): AgentSchema<InferIn<S>, InferOut<S>> & StandardJson {
  const { input, output } = isForms(json) ? json : { input: json, output: json };
  const standard = {
    ...schema['~standard'],
    jsonSchema: { input: () => ({ ...input }), output: () => ({ ...output }) },
  };
  return { '~standard': standard } as AgentSchema<InferIn<S>, InferOut<S>> & StandardJson;
}

function isForms(json: JsonSchema | JsonForms): json is JsonForms {
  const keys = Object.keys(json);
  return keys.length === 2 && isObject(json.input) && isObject(json.output);
}

/** @throws {@link InvalidAgentError} naming `field` when it is no Standard Schema */
export function checkSchema(field: string, schema: unknown): asserts schema is AgentSchema {
  const standard = isObject(schema) ? (schema['~standard'] as unknown) : undefined;
  if (isObject(standard) && standard.version === 1 && typeof standard.validate === 'function') return;
  throw new InvalidAgentError(
    field,
    `"${field}" is no Standard Schema: expected a schema of zod, valibot, arktype or another library that speaks it.`,
  );
}

/**
 * The form of one side of a schema, as plain frozen data.
 * @throws {@link InvalidAgentError} naming `field` when the schema has none, with the cure
 */
export function jsonFormOf(field: string, schema: AgentSchema, side: SchemaSide): JsonSchema {
  checkSchema(field, schema);
  const standard = schema['~standard'] as Partial<StandardJson['~standard']>;
  const converter = standard.jsonSchema;
  if (!isObject(converter) || typeof converter[side] !== 'function') {
    throw new InvalidAgentError(
      field,
      `"${field}" has no JSON Schema form. ${CURES[schema['~standard'].vendor] ?? CURE}`,
    );
  }
  try {
    return frozenCopy(converter[side](TARGET));
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidAgentError(field, `"${field}" has no JSON Schema form: ${said.split('\n')[0]}. ${CURE}`, cause);
  }
}

const CURE =
  'Describe it by what JSON has (a date as a text, say), or give the JSON Schema by hand: withJsonSchema(schema, {…}).';
const CURES: Readonly<Record<string, string>> = {
  valibot: 'Wrap it: toStandardJsonSchema(schema) of "@valibot/to-json-schema".',
  zod: 'It needs zod 4.2 or later.',
  arktype: 'It needs arktype 2.1.28 or later.',
};

/** Schema libraries attach functions; what is handed on is JSON and nothing else. */
function frozenCopy(schema: unknown): JsonSchema {
  const copy: unknown = JSON.parse(JSON.stringify(schema));
  if (!isObject(copy) || Array.isArray(copy)) throw new TypeError('it is no object');
  return deepFreeze(copy);
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}

/** Also a function: arktype's schemas are callable. */
function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
