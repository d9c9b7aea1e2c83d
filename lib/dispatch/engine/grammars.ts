/** Grammars of JSON schemas and of calls of tools. Building one takes some milliseconds and callers send the same again and again. */
import type { Llama, LlamaGrammar } from 'node-llama-cpp';
import { InvalidRequestError } from '../../base/errors.js';
import { compileGrammar, type JsonSchema } from '../../grammar/index.js';
import type { GenerationOptions, ToolBounds } from '../../runtime/backend.js';
import { toolGrammar } from './tool-grammar.js';

/**
 * Follows a value that is complete. Inside a value no line ends, so it can mark the end; where the model ends by its own token
 * instead, that is the only other thing that the grammar lets it do.
 */
export const VALUE_END = '\n';

const KEPT_MAX = 32;

/** What binds an answer. */
export type AnswerBounds = Pick<GenerationOptions, 'jsonSchema' | 'toolBounds'>;

export class Grammars {
  readonly #llama: Llama;
  /** By what binds the answer, as text; the first is the one that was used longest ago. */
  readonly #kept = new Map<string, LlamaGrammar>();

  constructor(llama: Llama) {
    this.#llama = llama;
  }

  /**
   * The grammar of an answer; undefined where it is free.
   * @throws {@link InvalidRequestError} for a schema that no grammar holds
   */
  async of({ jsonSchema, toolBounds }: AnswerBounds): Promise<LlamaGrammar | undefined> {
    if (jsonSchema === undefined && toolBounds === undefined) return undefined;
    const text = JSON.stringify([jsonSchema, toolBounds]);
    const build = () =>
      toolBounds === undefined ? this.#build(jsonSchema!) : this.#buildTools(toolBounds, jsonSchema);
    const grammar = this.#kept.get(text) ?? (await build());
    this.#kept.delete(text);
    this.#kept.set(text, grammar);
    if (this.#kept.size > KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value!);
    return grammar;
  }

  async #buildTools(bounds: ToolBounds, schema: JsonSchema | undefined): Promise<LlamaGrammar> {
    const grammar = toolGrammar(bounds, schema);
    try {
      return await this.#llama.createGrammar({ grammar });
    } catch {
      throw new InvalidRequestError('The tools are too many or too large for a grammar.', 'tools');
    }
  }

  async #build(schema: JsonSchema): Promise<LlamaGrammar> {
    const { gbnf } = compileGrammar(schema, { lineEnd: true });
    try {
      return await this.#llama.createGrammar({ grammar: gbnf });
    } catch {
      // Its parser has limits of its own.
      throw new InvalidRequestError('The JSON schema is too large for a grammar of the engine.', 'jsonSchema');
    }
  }
}
