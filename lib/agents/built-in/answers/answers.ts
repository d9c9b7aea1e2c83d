/** Answers questions from given documents, and says where the answer stands. */
import { z } from 'zod';
import { InvalidAgentError } from '../../../base/agent-errors.js';
import { defineAgent } from '../../define-agent.js';
import { readOptions } from '../common/options.js';
import { readCitations } from './citations.js';
import { answerPrompt, NOT_IN_PASSAGES } from './prompt.js';
import { Library, passageSchema, questionSchema, type RetrievalOptions, retrievalShape } from './retrieval.js';
import { type FoundPassage, JOINED_MAX, JOINT } from './retrieval-index.js';

export interface AnswersOptions extends RetrievalOptions {
  /**
   * Passages that the model is shown, in UTF-16 units together; those that are too many are left out whole, the least relevant first.
   * Not less than two passages and what stands between them. Default 4,000, some 1,000 tokens.
   */
  contextCharacters?: number | undefined;
  /** Longest answer, tokens. Default 400. */
  maxTokens?: number | undefined;
  /** The answer when there is none. Default: an English sentence. */
  notFound?: string | undefined;
}

const optionsSchema = z.object({
  ...retrievalShape,
  contextCharacters: z.int().min(200).default(4_000),
  maxTokens: z.int().min(1).default(400),
  notFound: z.string().trim().min(1).default('The documents do not answer that question.'),
});

/** Passages are found, and the answer is there. */
const STEPS = 2;

/**
 * An agent that answers: `{question}` → `{found, answer, isComplete, sources}`. The answer comes from the passages alone and names them by number
 * in brackets; it is streamed. Nothing relevant: no model is asked, and `found` is false.
 *
 * Costs what {@link retrieval} costs, and one chat.
 * @throws {@link InvalidAgentError} naming the option that is wrong: also for a document that is empty, binary or too large
 */
export function answers(options: AnswersOptions = {}) {
  const settings = readOptions('answers', optionsSchema, options);
  const { name = 'answers', documents, contextCharacters, passageCharacters, maxTokens, notFound } = settings;
  const longestSource = JOINED_MAX * (passageCharacters + JOINT.length);
  if (contextCharacters < longestSource) {
    throw new InvalidAgentError(
      'contextCharacters',
      `Option "contextCharacters" of answers(…) is wrong: got ${contextCharacters}, expected at least ${longestSource}, since two passages of ${passageCharacters} may be found together.`,
    );
  }
  const library = new Library(name, settings);
  const agent = defineAgent({
    name,
    version: settings.version,
    description: 'Answers a question from documents, and cites the passages that the answer comes from.',
    input: questionSchema(documents !== undefined),
    output: z.object({
      found: z.boolean().describe('False when the documents do not answer the question.'),
      answer: z.string().describe('Sources are named by number, as [1].'),
      isComplete: z.boolean().describe('False when the limit of tokens cut the answer off.'),
      sources: z.array(
        passageSchema.extend({
          number: z.int().min(1),
          cited: z.boolean().describe('Does the answer name it?'),
        }),
      ),
    }),
    model: settings.model,
    embeddingModel: settings.embeddingModel,
    timeoutMs: settings.timeoutMs,
    pure: true,
    async run({ question, documents }, ctx) {
      const found = await library.search(ctx, question, documents, STEPS);
      const passages = withinLimit(found.passages, contextCharacters);
      if (passages.length === 0) return { found: false, answer: notFound, isComplete: true, sources: [] };
      const total = found.steps + STEPS;
      ctx.progress(total - 1, total, 'passages found');
      const chat = ctx.chat({ messages: answerPrompt(question, passages), temperature: 0, maxTokens });
      for await (const { text } of chat) ctx.emit(text);
      const { text, finishReason } = await chat.result();
      ctx.progress(total, total, 'answered');
      const answer = readCitations(text, passages.length);
      const isFound = answer.text !== '' && !answer.text.startsWith(NOT_IN_PASSAGES);
      return {
        found: isFound,
        answer: isFound ? answer.text : notFound,
        isComplete: finishReason !== 'length',
        sources: passages.map((passage, index) => ({
          ...passage,
          number: index + 1,
          cited: isFound && answer.cited.includes(index + 1),
        })),
      };
    },
  });
  return library.taught?.attach(agent) ?? agent;
}

function withinLimit(passages: readonly FoundPassage[], charactersMax: number): FoundPassage[] {
  let left = charactersMax;
  return passages.filter(({ text }) => {
    left -= text.length;
    return left >= 0;
  });
}
