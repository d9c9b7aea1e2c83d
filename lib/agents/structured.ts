/** Schemas that a model's answer is bound to: whether a grammar can hold them is known when an agent is defined, not when it runs. */
import { compileGrammar } from '../grammar/index.js';
import { jsonFormOf } from './json-form.js';
import type { AgentSchema, JsonSchema } from './schema.js';

/** Forms that were checked, for as long as somebody has the schema. */
const forms = new WeakMap<AgentSchema, JsonSchema>();

/**
 * Says that answers will be bound to `schema` by `ctx.object`, and checks at once that they can be. Call it where the agent is defined.
 * @returns the schema itself
 * @throws {@link InvalidAgentError} when it has no JSON Schema form; {@link InvalidRequestError} when no grammar can hold that
 */
export function structured<S extends AgentSchema>(schema: S): S {
  grammarFormOf(schema);
  return schema;
}

/** The JSON Schema of what a model is to write: what goes into the schema. Made once for each schema. Throws as {@link structured}. */
export function grammarFormOf(schema: AgentSchema): JsonSchema {
  let form = forms.get(schema);
  if (form === undefined) {
    form = jsonFormOf('schema', schema, 'input');
    // Its text is made again where the model runs; here it only has to be possible.
    compileGrammar(form);
    forms.set(schema, form);
  }
  return form;
}
