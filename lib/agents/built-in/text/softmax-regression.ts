/**
 * Multinomial logistic regression (softmax regression) with L2 regularisation, for tens to thousands of labelled vectors.
 *
 * Minimises  Σᵢ −log p(labelᵢ | xᵢ)  +  ‖W‖² / (2·C)  over the weights W and the offsets b, where p = softmax(W·x + b). C (`strength`, > 0) says
 * how much the examples are trusted; offsets are not regularised. The function is convex: the result depends on nothing but the
 * examples and C. C is found by cross-validation on the examples alone.
 *
 * Cost: one evaluation takes at most 4 · examples · labels · dimensions operations (770 × 77 × 384: 0.07 s), a fit 15 to 45 of them,
 * {@link learnSoftmax} about four times that in all. It runs in slices that leave the event loop free.
 * Source: Bishop, Pattern Recognition and Machine Learning, section 4.3.4; C as scikit-learn's LogisticRegression has it.
 */
import type { Breather } from './breather.js';
import { minimise } from './minimise.js';
import type { Vector } from './vectors.js';

/** Labelled vectors: `labels[i]`, from 0 to `labelCount` − 1, belongs to `vectors[i]`. All vectors are of one length. */
export interface LabelledVectors {
  vectors: readonly Vector[];
  labels: readonly number[];
  labelCount: number;
}

export interface SoftmaxModel {
  labelCount: number;
  dimensions: number;
  /** One row of `dimensions` weights for each label, then the offsets. */
  weights: Float64Array;
}

/** What {@link learnSoftmax} tries, weakest trust first. On vectors of length 1 less learns nothing, and more changes nothing. */
export const STRENGTHS: readonly number[] = [0.5, 2, 8, 32, 128];
const FOLDS = 3;

/** Largest element of the gradient, for each example. To compare strengths ten times as much will do. */
const TOLERANCE_PER_EXAMPLE = 1e-4;
const ROUGH_TOLERANCE_PER_EXAMPLE = 1e-3;
const MAX_ITERATIONS = 200;
/** An error of a probability that is not worth the time to learn from: far below the tolerance. */
const NEGLIGIBLE_ERROR = 1e-7;

/**
 * @param strength - C, > 0
 * @param from - where to begin: a model of the same examples with another strength saves most of the work
 * @param tolerancePerExample - of the gradient's largest element
 */
export async function fitSoftmax(
  data: LabelledVectors,
  strength: number,
  breather: Breather,
  from?: SoftmaxModel,
  tolerancePerExample: number = TOLERANCE_PER_EXAMPLE,
): Promise<SoftmaxModel> {
  const { labelCount } = data;
  const dimensions = data.vectors[0]!.length;
  const weights = from?.weights.slice() ?? new Float64Array(labelCount * (dimensions + 1));
  const scores = new Float64Array(labelCount);
  await minimise(
    weights,
    async (point, gradient) => {
      const offsets = labelCount * dimensions;
      let loss = 0;
      gradient.fill(0);
      for (let i = 0; i < offsets; i++) {
        gradient[i] = point[i]! / strength;
        loss += (point[i]! * point[i]!) / (2 * strength);
      }
      for (let i = 0; i < data.vectors.length; i++) {
        if (breather.isDue) await breather.breathe();
        loss += addExample(point, gradient, scores, data.vectors[i]!, data.labels[i]!);
      }
      return loss;
    },
    { tolerance: tolerancePerExample * data.vectors.length, maxIterations: MAX_ITERATIONS },
  );
  return { labelCount, dimensions, weights };
}

/** One example's part of the loss and of the gradient. */
function addExample(
  point: Float64Array,
  gradient: Float64Array,
  scores: Float64Array,
  vector: Vector,
  label: number,
): number {
  const dimensions = vector.length;
  const offsets = scores.length * dimensions;
  scoresInto(scores, point, vector);
  const normaliser = logSumExp(scores);
  for (let other = 0; other < scores.length; other++) {
    const error = Math.exp(scores[other]! - normaliser) - (other === label ? 1 : 0);
    if (Math.abs(error) < NEGLIGIBLE_ERROR) continue;
    gradient[offsets + other]! += error;
    const row = other * dimensions;
    for (let i = 0; i < dimensions; i++) gradient[row + i]! += error * vector[i]!;
  }
  return normaliser - scores[label]!;
}

function scoresInto(scores: Float64Array, weights: Float64Array, vector: Vector): void {
  const dimensions = vector.length;
  const offsets = scores.length * dimensions;
  for (let label = 0; label < scores.length; label++) {
    const row = label * dimensions;
    let sum = weights[offsets + label]!;
    for (let i = 0; i < dimensions; i++) sum += weights[row + i]! * vector[i]!;
    scores[label] = sum;
  }
}

function logSumExp(scores: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const score of scores) largest = Math.max(largest, score);
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - largest);
  return largest + Math.log(sum);
}

/** Probability of each label; they add up to 1. @throws RangeError for a vector of another length than the examples' */
export function predictSoftmax({ labelCount, dimensions, weights }: SoftmaxModel, vector: Vector): Float64Array {
  if (vector.length !== dimensions) {
    throw new RangeError(
      `A vector of ${vector.length} numbers was given to a model of ${dimensions}: they come from different embedding models.`,
    );
  }
  const scores = new Float64Array(labelCount);
  scoresInto(scores, weights, vector);
  const normaliser = logSumExp(scores);
  return scores.map((score) => Math.exp(score - normaliser));
}

/** A model and the strength that was found for it. */
export interface LearntSoftmax {
  strength: number;
  model: SoftmaxModel;
}

/**
 * Fits with the strength whose probabilities for held-out examples are best (log loss, which minds how sure they are), by
 * stratified cross-validation. Folds follow the order of the examples, so that the same examples give the same model. Every label
 * needs two examples or more.
 */
export async function learnSoftmax(data: LabelledVectors, breather: Breather): Promise<LearntSoftmax> {
  const folds = Math.min(FOLDS, fewestExamples(data));
  const losses = new Float64Array(STRENGTHS.length);
  const inFold = foldOfEach(data, folds);
  let models: SoftmaxModel[] = [];
  for (let fold = 0; fold < folds; fold++) {
    const kept = subset(data, (i) => inFold[i] !== fold);
    const held = subset(data, (i) => inFold[i] === fold);
    models = await fitAll(kept, breather);
    for (const [at, model] of models.entries()) losses[at]! += await lossOf(model, held, breather);
  }
  const best = losses.indexOf(Math.min(...losses));
  const strength = STRENGTHS[best]!;
  return { strength, model: await fitSoftmax(data, strength, breather, models[best]) };
}

/** Roughly, from weak to strong, each fit beginning where the last ended. */
async function fitAll(data: LabelledVectors, breather: Breather): Promise<SoftmaxModel[]> {
  const models: SoftmaxModel[] = [];
  for (const strength of STRENGTHS) {
    models.push(await fitSoftmax(data, strength, breather, models.at(-1), ROUGH_TOLERANCE_PER_EXAMPLE));
  }
  return models;
}

async function lossOf(model: SoftmaxModel, { vectors, labels }: LabelledVectors, breather: Breather): Promise<number> {
  let loss = 0;
  for (const [i, vector] of vectors.entries()) {
    if (breather.isDue) await breather.breathe();
    loss -= Math.log(Math.max(predictSoftmax(model, vector)[labels[i]!]!, Number.MIN_VALUE));
  }
  return loss;
}

/** Of the label that has fewest. */
export function fewestExamples({ labels, labelCount }: Pick<LabelledVectors, 'labels' | 'labelCount'>): number {
  const counts = new Uint32Array(labelCount);
  for (const label of labels) counts[label]!++;
  return Math.min(...counts);
}

/** The examples of each label are dealt to the folds in turn. */
function foldOfEach({ labels, labelCount }: LabelledVectors, folds: number): number[] {
  const dealt = new Uint32Array(labelCount);
  return labels.map((label) => dealt[label]!++ % folds);
}

function subset({ vectors, labels, labelCount }: LabelledVectors, keep: (index: number) => boolean): LabelledVectors {
  return {
    vectors: vectors.filter((_, i) => keep(i)),
    labels: labels.filter((_, i) => keep(i)),
    labelCount,
  };
}
