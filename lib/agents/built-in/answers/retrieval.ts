/** Finds the passages of given documents that answer a question. For those who write the answer themselves; `answers` is built on the same index. */
import { z } from 'zod';
import type { AgentContext } from '../../agent-context.js';
import { defineAgent } from '../../define-agent.js';
import { textSchema } from '../common/input-text.js';
import { type BuiltInOptions, builtInShape, readOptions } from '../common/options.js';
import { Taught } from '../text/taught.js';
import { documentsSchema, type SourceDocument } from './documents.js';
import { type FoundPassage, RetrievalIndex } from './retrieval-index.js';

export interface RetrievalOptions extends BuiltInOptions {
  /** At most 20,000,000 UTF-16 units together. Without them every call brings its own, of at most 2,000,000. */
  documents?: readonly SourceDocument[] | undefined;
  /** Passages of an answer, of different sections, 1 to 20. Default 5. */
  count?: number | undefined;
  /** Longest passage in UTF-16 units, 100 to 8,000; the embedding model's context must hold it. Default 400, some 100 tokens. */
  passageCharacters?: number | undefined;
  /** What two neighbouring passages of one section share at most, less than half a passage. Default 80. */
  overlapCharacters?: number | undefined;
  /** When no passage has this cosine, in [-1, 1], with the question, or half of its words, nothing is found. Default 0.3. */
  minSimilarity?: number | undefined;
  /** Default: the first of the yard that embeds. An instance serves yards whose vectors come from the same model. */
  embeddingModel?: string | undefined;
}

const OWN_CHARACTERS_MAX = 20_000_000;
const CALLERS_CHARACTERS_MAX = 2_000_000;
const QUESTION_CHARACTERS_MAX = 2_000;

export const retrievalShape = {
  ...builtInShape,
  documents: documentsSchema(OWN_CHARACTERS_MAX).optional(),
  count: z.int().min(1).max(20).default(5),
  passageCharacters: z.int().min(100).max(8_000).default(400),
  overlapCharacters: z.int().min(0).default(80),
  minSimilarity: z.number().min(-1).max(1).default(0.3),
  embeddingModel: z.string().optional(),
};

const optionsSchema = z.object(retrievalShape);
type RetrievalSettings = z.output<typeof optionsSchema>;

export const passageSchema = z.object({
  document: z.string().describe('Id of the document.'),
  title: z.string(),
  section: z.string().describe('Headings above the passage.'),
  text: z.string(),
  score: z.number().describe('By meaning and words; 1 for the same text.'),
  similarity: z.number().describe('Cosine of question and passage.'),
});

/** What a question is asked with; documents are needed exactly when the agent has none. */
export function questionSchema(hasDocuments: boolean) {
  return z
    .object({
      question: textSchema(QUESTION_CHARACTERS_MAX),
      documents: documentsSchema(CALLERS_CHARACTERS_MAX)
        .optional()
        .describe(hasDocuments ? 'Not to be given: the agent has its own.' : 'What is searched; needed.'),
    })
    .refine(({ documents }) => (documents === undefined) === hasDocuments, {
      path: ['documents'],
      error: hasDocuments ? 'must not be given: this agent has its own documents' : 'are needed: this agent has none',
    });
}

/** Searches the agent's own documents, or those that a caller brings. */
export class Library {
  readonly #settings: RetrievalSettings;
  readonly taught: Taught<RetrievalIndex> | undefined;

  constructor(name: string, settings: RetrievalSettings) {
    this.#settings = settings;
    const { documents, version, embeddingModel } = settings;
    if (documents === undefined) return;
    this.taught = new Taught({
      name,
      version,
      embeddingModel,
      texts: documents.length,
      learn: (ctx) => this.#build(ctx, documents),
    });
  }

  /** @param more - steps of the call's progress that come after its passages */
  #build(ctx: AgentContext, documents: readonly SourceDocument[], more = 0): Promise<RetrievalIndex> {
    const { passageCharacters, overlapCharacters } = this.#settings;
    const options = {
      charactersMax: passageCharacters,
      overlapCharacters: Math.min(overlapCharacters, Math.floor(passageCharacters / 2)),
    };
    return RetrievalIndex.build(ctx, documents, options, (done, total) =>
      ctx.progress(done, total + more, 'passages embedded'),
    );
  }

  /**
   * @param documents - of the caller, where there are none of the agent's own
   * @param more - steps of the call's progress that are still to come
   * @returns also how many steps of progress were made
   */
  async search(
    ctx: AgentContext,
    question: string,
    documents: readonly SourceDocument[] | undefined,
    more = 0,
  ): Promise<{ passages: FoundPassage[]; steps: number }> {
    const index = documents === undefined ? await this.taught!.get(ctx) : await this.#build(ctx, documents, more);
    const [vector] = await ctx.embed([question]);
    const passages = index.search(question, vector!, this.#settings);
    return { passages, steps: documents === undefined ? 0 : index.size };
  }
}

/**
 * An agent that finds passages: `{question}` → `{passages}`, best first, none when none is relevant.
 *
 * Costs one embedding per question; once per instance, or per call that brings its documents, one for each of their passages.
 * @throws {@link InvalidAgentError} naming the option that is wrong: also for a document that is empty, binary or too large
 */
export function retrieval(options: RetrievalOptions = {}) {
  const settings = readOptions('retrieval', optionsSchema, options);
  const { name = 'retrieval', documents } = settings;
  const library = new Library(name, settings);
  const agent = defineAgent({
    name,
    version: settings.version,
    description: 'Finds the passages of documents that answer a question.',
    input: questionSchema(documents !== undefined),
    output: z.object({ passages: z.array(passageSchema).describe('Best first; none when none is relevant.') }),
    model: settings.model,
    embeddingModel: settings.embeddingModel,
    timeoutMs: settings.timeoutMs,
    pure: true,
    async run({ question, documents }, ctx) {
      const { passages } = await library.search(ctx, question, documents);
      return { passages };
    },
  });
  return library.taught?.attach(agent) ?? agent;
}
