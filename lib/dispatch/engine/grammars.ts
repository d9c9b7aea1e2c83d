/** Grammars of JSON schemas. Building one takes some milliseconds and callers send the same schema again and again. */
import type { Llama, LlamaGrammar } from 'node-llama-cpp';
import { InvalidRequestError } from '../../base/errors.js';
import { type Schema, toEngineSchema } from './json-schema.js';

const KEPT_MAX = 32;

export class Grammars {
  readonly #llama: Llama;
  /** By the schema's text; the first is the one that was used longest ago. */
  readonly #kept = new Map<string, LlamaGrammar>();

  constructor(llama: Llama) {
    this.#llama = llama;
  }

  /** @throws {@link InvalidRequestError} for a schema that no grammar holds */
  async of(schema: Schema): Promise<LlamaGrammar> {
    const text = JSON.stringify(schema);
    const grammar = this.#kept.get(text) ?? (await this.#build(schema));
    this.#kept.delete(text);
    this.#kept.set(text, grammar);
    if (this.#kept.size > KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value!);
    return grammar;
  }

  async #build(schema: Schema): Promise<LlamaGrammar> {
    const engineSchema = toEngineSchema(schema);
    try {
      return await this.#llama.createGrammarForJsonSchema(
        engineSchema as Parameters<Llama['createGrammarForJsonSchema']>[0],
      );
    } catch {
      // Its parser has limits of its own, on how often something repeats and on definitions that only name each other.
      throw new InvalidRequestError('The JSON schema is too large for a grammar, or refers to itself.', 'jsonSchema');
    }
  }
}
