/**
 * From labelled texts to probabilities of labels, through their embeddings.
 *
 * `regression`: softmax regression (`text/softmax-regression.ts`), for two examples of each label or more; its probabilities are rather too cautious.
 * `centroid`: cosine with the mean vector of a label's examples, or with the vector of its description where it has none; the
 * probabilities say which label is closer, not how often that is right.
 */
import type { AgentContext } from '../../agent-context.js';
import { Breather } from '../text/breather.js';
import { embedAll } from '../text/embed-all.js';
import { learnSoftmax, predictSoftmax } from '../text/softmax-regression.js';
import { centroid, dot, softmax } from '../text/vectors.js';

export type Method = 'regression' | 'centroid';

/** A label with the texts that it is learnt from, at least one. */
export interface TaughtLabel {
  label: string;
  texts: readonly string[];
}

export interface Predictor {
  method: Method;
  /** Probability of each label, in the order of the labels; they add up to 1. */
  predict(vector: Float32Array): readonly number[];
}

/** Regression needs one example to learn from and one to be tested with. */
export const EXAMPLES_FOR_REGRESSION = 2;

/**
 * A cosine that is 0.05 higher makes a label e times as likely. It sets how sharp the numbers look and never changes which label wins.
 */
const CENTROID_SCALE = 20;

/** Embeds the texts of all labels and learns from them. */
export async function learnPredictor(
  ctx: AgentContext,
  labels: readonly TaughtLabel[],
  method: Method,
): Promise<Predictor> {
  const texts = labels.flatMap(({ texts }) => texts);
  const vectors = await embedAll(ctx, texts, (done) => ctx.progress(done, texts.length, 'examples embedded'));
  const labelOf = labels.flatMap(({ texts }, label) => texts.map(() => label));
  if (method === 'regression') {
    const data = { vectors, labels: labelOf, labelCount: labels.length };
    const { model } = await learnSoftmax(data, new Breather(ctx.signal));
    return { method, predict: (vector) => [...predictSoftmax(model, vector)] };
  }
  const centroids = labels.map((_, label) => centroid(vectors.filter((_, i) => labelOf[i] === label)));
  return {
    method,
    predict: (vector) => softmax(centroids.map((center) => dot(center, vector) * CENTROID_SCALE)),
  };
}
