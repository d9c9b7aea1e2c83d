/**
 * The tone of texts: positive, neutral or negative, with a score. Learnt from examples by an embedding model and softmax regression; the
 * package brings some, and a hundred of one's own kind of text make it markedly better (docs/quality.md has both figures).
 */
import { z } from 'zod';
import { defineAgent } from '../../define-agent.js';
import { EXAMPLES_FOR_REGRESSION, learnPredictor } from '../classification/predictor.js';
import { textSchema } from '../common/input-text.js';
import { type BuiltInOptions, builtInShape, readOptions } from '../common/options.js';
import { listOf, textsInput, weightOf } from '../common/texts-input.js';
import { embedAll } from '../text/embed-all.js';
import { Taught } from '../text/taught.js';
import { BUILT_IN_EXAMPLES, type SentimentExamples } from './examples.js';

export interface SentimentOptions extends BuiltInOptions {
  /** At least two texts of each tone; `neutral` may be left out. Default: about thirty English texts each, of news, products and service. */
  examples?: SentimentExamples | undefined;
  /** Scores nearer to 0 than this are neutral, in [0, 1). Default 0.25. */
  neutralBelow?: number | undefined;
  /** Longest text in UTF-16 units; a longer one is refused. Default 4,000. A model with a short context may refuse earlier. */
  charactersMax?: number | undefined;
  /** Default: the first of the yard that embeds. An instance serves yards whose vectors come from the same model. */
  embeddingModel?: string | undefined;
}

const examples = z.array(textSchema()).min(EXAMPLES_FOR_REGRESSION);

const optionsSchema = z.object({
  ...builtInShape,
  examples: z.strictObject({ positive: examples, negative: examples, neutral: examples.optional() }).optional(),
  neutralBelow: z.number().min(0).lt(1).default(0.25),
  charactersMax: z.int().min(1).default(4_000),
  embeddingModel: z.string().optional(),
});

/**
 * An agent that tells the tone: `{texts}` → `{results}` in the order of the texts. The score is the probability of positive minus that of negative.
 *
 * Costs one embedding per text, and once per instance those of its examples and a fit of well under a second.
 * @throws {@link InvalidAgentError} naming the option that is wrong
 */
export function sentiment(options: SentimentOptions = {}) {
  const settings = readOptions('sentiment', optionsSchema, options);
  const { neutralBelow, version, embeddingModel, name = 'sentiment' } = settings;
  const { positive, negative, neutral } = settings.examples ?? BUILT_IN_EXAMPLES;
  const labels = [
    { label: 'positive', texts: positive },
    { label: 'negative', texts: negative },
    ...(neutral === undefined ? [] : [{ label: 'neutral', texts: neutral }]),
  ];
  const taught = new Taught({
    name,
    version,
    embeddingModel,
    texts: labels.reduce((sum, { texts }) => sum + texts.length, 0),
    learn: (ctx) => learnPredictor(ctx, labels, 'regression'),
  });
  const agent = defineAgent({
    name,
    version,
    description: 'Tells the tone of texts: positive, neutral or negative, with a score from -1 to 1.',
    input: textsInput(settings.charactersMax),
    output: z.object({
      results: z
        .array(
          z.object({
            label: z.enum(['positive', 'neutral', 'negative']),
            score: z.number().min(-1).max(1).describe('From -1, surely negative, to 1, surely positive.'),
          }),
        )
        .describe('In the order of the texts.'),
    }),
    model: settings.model,
    embeddingModel,
    timeoutMs: settings.timeoutMs,
    pure: true,
    weight: weightOf,
    async run(input, ctx) {
      const all = listOf(input);
      const predictor = await taught.get(ctx);
      const vectors = await embedAll(ctx, all, (done) => ctx.progress(done, all.length, 'texts embedded'));
      const results = vectors.map((vector) => {
        const [good, bad] = predictor.predict(vector) as [number, number];
        const score = Math.max(-1, Math.min(1, good - bad));
        return { label: toneOf(score, neutralBelow), score };
      });
      return { results };
    },
  });
  return taught.attach(agent);
}

function toneOf(score: number, neutralBelow: number): 'positive' | 'neutral' | 'negative' {
  if (Math.abs(score) < neutralBelow) return 'neutral';
  return score >= 0 ? 'positive' : 'negative';
}
