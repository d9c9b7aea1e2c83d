/**
 * Sorts texts by labels that are taught with a few examples each, or with a description alone. An embedding model does the
 * work, some milliseconds a text; a language model is asked only about texts between two labels, and only when that is allowed.
 */
import { z } from 'zod';
import { InvalidAgentError, InvalidOutputError, OutputTruncatedError } from '../../../base/agent-errors.js';
import type { AgentContext } from '../../agent-context.js';
import { defineAgent } from '../../define-agent.js';
import { textSchema } from '../common/input-text.js';
import { mapParallel } from '../common/map-parallel.js';
import { type BuiltInOptions, builtInShape, readOptions } from '../common/options.js';
import { listOf, textsInput, weightOf } from '../common/texts-input.js';
import { embedAll } from '../text/embed-all.js';
import { Taught } from '../text/taught.js';
import { indicesOfLargest } from '../text/vectors.js';
import { EXAMPLES_FOR_REGRESSION, learnPredictor, type Method, type TaughtLabel } from './predictor.js';
import { choicePrompt, type LabelChoice } from './prompt.js';

/** What a label is learnt from: texts that have it, a description, or both. With neither its name is taken for its description. */
export interface LabelLesson {
  description?: string | undefined;
  examples?: readonly string[] | undefined;
}

export interface ClassificationOptions<L extends string = string> extends BuiltInOptions {
  /** At least two labels: examples, a description, or both. */
  labels: Readonly<Record<L, LabelLesson | readonly string[] | string>>;
  /**
   * `regression` learns from examples, at least two of each label; `centroid` takes the label whose examples, or whose description, is nearest.
   * Default `auto`: regression where every label has two examples or more, else centroid.
   */
  method?: Method | 'auto' | undefined;
  /**
   * `close`: of texts whose two likeliest labels are within `closeMargin`, a language model is asked, bound to the closest labels.
   * It helps where the model is much larger than the embedding model. Default `never`.
   */
  llm?: 'never' | 'close' | undefined;
  /** Difference of two confidences, in (0, 1]. Default 0.2. */
  closeMargin?: number | undefined;
  /** How many labels are named for each text, 1 to 20. Default 3. */
  top?: number | undefined;
  /** Longest text in UTF-16 units; a longer one is refused. Default 4,000. A model with a short context may refuse earlier. */
  charactersMax?: number | undefined;
  /** Default: the first of the yard that embeds. An instance serves yards whose vectors come from the same model. */
  embeddingModel?: string | undefined;
}

/** A model that has to choose among more is lost in them, and the right label is hardly ever further down. */
const CLOSEST_MAX = 5;
/** Examples of each label that the model is shown. */
const EXAMPLES_SHOWN = 2;
const CHOICES_AT_ONCE = 8;
/** Room for the longest label in JSON. */
const CHOICE_TOKENS_MAX = 128;

const lesson = z.union([
  textSchema(),
  z.array(textSchema()).min(1),
  z.strictObject({ description: textSchema().optional(), examples: z.array(textSchema()).optional() }),
]);

const optionsSchema = z.object({
  ...builtInShape,
  labels: z
    .record(z.string().min(1), lesson)
    .refine((labels) => Object.keys(labels).length >= 2, { error: 'at least two labels are needed' }),
  method: z.enum(['auto', 'regression', 'centroid']).default('auto'),
  llm: z.enum(['never', 'close']).default('never'),
  closeMargin: z.number().positive().max(1).default(0.2),
  top: z.int().min(1).max(20).default(3),
  charactersMax: z.int().min(1).default(4_000),
  embeddingModel: z.string().optional(),
});

interface KnownLabel<L> {
  label: L;
  description: string | undefined;
  examples: readonly string[];
}

/**
 * @throws {@link InvalidAgentError} naming the option that is wrong
 */
export function classification<const L extends string>(options: ClassificationOptions<L>) {
  const settings = readOptions('classification', optionsSchema, options);
  const known = readLabels(options.labels);
  const method = methodFor(known, settings.method);
  const labels = known.map(({ label }) => label);
  const { llm, closeMargin, top, version, embeddingModel, name = 'classification' } = settings;
  const label = z.enum(labels as [L, ...L[]]);
  const confidence = z.number().min(0).max(1);

  const taughtLabels = known.map(textsOf);
  const taught = new Taught({
    name,
    version,
    embeddingModel,
    texts: taughtLabels.reduce((sum, { texts }) => sum + texts.length, 0),
    learn: (ctx) => learnPredictor(ctx, taughtLabels, method),
  });

  interface Verdict {
    label: L;
    confidence: number;
    top: { label: L; confidence: number }[];
    decidedBy: 'examples' | 'model';
  }

  async function askModel(ctx: AgentContext, textToSort: string, verdict: Verdict, closest: readonly L[]) {
    const choices = closest.map((one) => choiceOf(known[labels.indexOf(one)]!));
    const schema = z.object({ label: z.enum(closest as [L, ...L[]]) });
    try {
      const messages = choicePrompt(textToSort, choices);
      const chosen = await ctx.object({ schema, messages, temperature: 0, maxTokens: CHOICE_TOKENS_MAX });
      const confidences = new Map(verdict.top.map((one) => [one.label, one.confidence]));
      return {
        ...verdict,
        label: chosen.label,
        confidence: confidences.get(chosen.label) ?? verdict.confidence,
        decidedBy: 'model' as const,
      };
    } catch (error) {
      // A model that cannot even choose is no reason to have no answer: the examples have one.
      if (error instanceof InvalidOutputError || error instanceof OutputTruncatedError) return verdict;
      throw error;
    }
  }

  const agent = defineAgent({
    name,
    version,
    description: `Sorts texts by label: ${labels.slice(0, 10).join(', ')}${labels.length > 10 ? ' …' : ''}.`,
    input: textsInput(settings.charactersMax),
    output: z.object({
      results: z
        .array(
          z.object({
            label,
            confidence: confidence.describe('Probability of the label, by the examples.'),
            top: z.array(z.object({ label, confidence })).describe('The likeliest labels, likeliest first.'),
            decidedBy: z.enum(['examples', 'model']),
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
      const verdicts = vectors.map((vector): { verdict: Verdict; closest: L[] } => {
        const probabilities = predictor.predict(vector);
        const order = indicesOfLargest(probabilities, Math.max(top, CLOSEST_MAX));
        const ranked = order.map((at) => ({ label: labels[at]!, confidence: Math.min(1, probabilities[at]!) }));
        const [first, second] = ranked;
        const isClose = llm === 'close' && first!.confidence - (second?.confidence ?? 0) < closeMargin;
        const near = ranked.filter((one) => first!.confidence - one.confidence < closeMargin).slice(0, CLOSEST_MAX);
        return {
          verdict: { ...first!, top: ranked.slice(0, top), decidedBy: 'examples' },
          closest: isClose ? near.map((one) => one.label) : [],
        };
      });
      const results = await mapParallel(verdicts, CHOICES_AT_ONCE, ({ verdict, closest }, at) =>
        closest.length < 2 ? Promise.resolve(verdict) : askModel(ctx, all[at]!, verdict, closest),
      );
      return { results };
    },
  });
  return taught.attach(agent);
}

function readLabels<L extends string>(
  labels: Readonly<Record<L, LabelLesson | readonly string[] | string>>,
): KnownLabel<L>[] {
  return (Object.entries(labels) as [L, LabelLesson | readonly string[] | string][]).map(([label, given]) => {
    if (typeof given === 'string') return { label, description: given, examples: [] };
    if (isExamples(given)) return { label, description: undefined, examples: [...given] };
    return { label, description: given.description, examples: [...(given.examples ?? [])] };
  });
}

function isExamples(given: LabelLesson | readonly string[]): given is readonly string[] {
  return Array.isArray(given);
}

function methodFor(known: readonly KnownLabel<string>[], asked: Method | 'auto'): Method {
  const poor = known.find(({ examples }) => examples.length < EXAMPLES_FOR_REGRESSION);
  if (asked === 'regression' && poor !== undefined) {
    throw new InvalidAgentError(
      `labels.${poor.label}`,
      `Label "${poor.label}" has ${poor.examples.length} examples; regression needs at least ${EXAMPLES_FOR_REGRESSION} of each label. Give it more, or use the method "centroid".`,
    );
  }
  if (asked === 'auto') return poor === undefined ? 'regression' : 'centroid';
  return asked;
}

function textsOf({ label, description, examples }: KnownLabel<string>): TaughtLabel {
  if (examples.length > 0) return { label, texts: examples };
  return { label, texts: [description ?? label.replace(/[_-]+/gu, ' ')] };
}

function choiceOf({ label, description, examples }: KnownLabel<string>): LabelChoice {
  return { label, description, examples: examples.slice(0, EXAMPLES_SHOWN) };
}
