/**
 * The embedding model for those who have none yet: a small GGUF file, generated on the spot, whose vectors say which words two texts share and
 * nothing of what they mean. It lets examples and tests of agents that embed run with no download.
 *
 * How it works: a BERT of one layer in which attention, feed-forward and positions add nothing, and whose pooling is the mean. So the vector of
 * a text is the mean of fixed pseudo-random directions, one for each piece of a word: a hashed bag of pieces. The norms have a large
 * epsilon: x / √(var(x) + ε) leaves short vectors short, so that the tokens' own lengths are the weights of the mean.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidGgufError } from '../base/errors.js';
import { Random } from '../base/random.js';
import { readRawHeader } from './gguf-reader.js';
import { type GgufTensor, type GgufValue, writeGguf } from './gguf-writer.js';
import { EMBEDDER_CONTROL_TOKENS, type EmbedderToken, embedderTokens } from './stand-in-embedder-vocabulary.js';

/** Name of the generated file in the folder that {@link ensureStandInEmbedder} is given. */
export const STAND_IN_EMBEDDER_FILE = 'agentyard-stand-in-embedder.gguf';

/** Raise when a change of this code or of the vocabulary changes the file, so that old copies are replaced. */
const RECIPE = 'embedder-1';
const RECIPE_KEY = 'agentyard.stand_in_recipe';

/** Two texts without a common piece have a cosine of about 0 ± 0.1. */
const DIM = 192;
const HEADS = 6;
const FEED_FORWARD = 32;
const CONTEXT_TOKENS = 512;
const NORM_EPSILON = 0.05;
/** Of the tokens, of the attention's output and of the layer's output. */
const NORMS = 3;
const MEAN_POOLING = 1;

/**
 * The path of the stand-in embedding model in `directory`, which is made, as is the file, where they do not exist. Takes about a second
 * the first time and some milliseconds later. The same version of agentyard writes the same bytes everywhere. Safe when several
 * processes do it at once: the file appears whole or not at all.
 * @throws the file system's errors, for instance when the folder cannot be written
 */
export async function ensureStandInEmbedder(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, STAND_IN_EMBEDDER_FILE);
  if (await isCurrent(path)) return path;
  const tokens = embedderTokens();
  await writeGguf(path, keysOf(tokens), tensorsOf(tokens));
  return path;
}

/** Is the file there, whole, and of this recipe? */
async function isCurrent(path: string): Promise<boolean> {
  try {
    const value = (await readRawHeader(path)).keys.get(RECIPE_KEY);
    return value?.kind === 'text' && value.text === RECIPE;
  } catch (error) {
    if (error instanceof InvalidGgufError) return false;
    throw error;
  }
}

function keysOf(tokens: readonly EmbedderToken[]): Map<string, GgufValue> {
  return new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: 'bert' }],
    ['general.name', { type: 'string', value: 'agentyard stand-in embedder' }],
    ['agentyard.stand_in', { type: 'bool', value: true }],
    [RECIPE_KEY, { type: 'string', value: RECIPE }],
    ['bert.context_length', { type: 'uint32', value: CONTEXT_TOKENS }],
    ['bert.embedding_length', { type: 'uint32', value: DIM }],
    ['bert.block_count', { type: 'uint32', value: 1 }],
    ['bert.feed_forward_length', { type: 'uint32', value: FEED_FORWARD }],
    ['bert.attention.head_count', { type: 'uint32', value: HEADS }],
    ['bert.attention.layer_norm_epsilon', { type: 'float32', value: NORM_EPSILON }],
    ['bert.attention.causal', { type: 'bool', value: false }],
    ['bert.pooling_type', { type: 'uint32', value: MEAN_POOLING }],
    ['tokenizer.ggml.model', { type: 'string', value: 'bert' }],
    // Whose rules make letters small.
    ['tokenizer.ggml.pre', { type: 'string', value: 'jina-v2-en' }],
    ['tokenizer.ggml.token_type_count', { type: 'uint32', value: 1 }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: tokens.map(({ text }) => text) }],
    ['tokenizer.ggml.token_type', { type: 'int32s', value: tokens.map(({ type }) => type) }],
    ['tokenizer.ggml.unknown_token_id', { type: 'uint32', value: EMBEDDER_CONTROL_TOKENS.unknown }],
    ['tokenizer.ggml.bos_token_id', { type: 'uint32', value: EMBEDDER_CONTROL_TOKENS.begin }],
    ['tokenizer.ggml.eos_token_id', { type: 'uint32', value: EMBEDDER_CONTROL_TOKENS.end }],
    ['tokenizer.ggml.seperator_token_id', { type: 'uint32', value: EMBEDDER_CONTROL_TOKENS.end }],
    ['tokenizer.ggml.padding_token_id', { type: 'uint32', value: EMBEDDER_CONTROL_TOKENS.padding }],
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: true }],
    ['tokenizer.ggml.add_eos_token', { type: 'bool', value: true }],
  ]);
}

function tensorsOf(tokens: readonly EmbedderToken[]): GgufTensor[] {
  const filled = (name: string, dimensions: number[], fill = 0): GgufTensor => ({
    name,
    dimensions,
    type: 'F32',
    elements: () => new Float32Array(dimensions.reduce((product, dimension) => product * dimension, 1)).fill(fill),
  });
  const linear = (name: string, from: number, to: number) => [
    filled(`${name}.weight`, [from, to]),
    filled(`${name}.bias`, [to]),
  ];
  const norm = (name: string) => [filled(`${name}.weight`, [DIM], 1), filled(`${name}.bias`, [DIM])];
  return [
    {
      name: 'token_embd.weight',
      dimensions: [DIM, tokens.length],
      type: 'Q8_0',
      elements: () => embeddingRows(tokens),
    },
    filled('position_embd.weight', [DIM, CONTEXT_TOKENS]),
    filled('token_types.weight', [DIM, 1]),
    ...norm('token_embd_norm'),
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].flatMap((name) => linear(`blk.0.${name}`, DIM, DIM)),
    ...norm('blk.0.attn_output_norm'),
    ...linear('blk.0.ffn_up', DIM, FEED_FORWARD),
    ...linear('blk.0.ffn_down', FEED_FORWARD, DIM),
    ...norm('blk.0.layer_output_norm'),
  ];
}

/** A direction for each token: as many positive as negative signs, drawn from a seed that its letters make, so that no token depends on another. */
function embeddingRows(tokens: readonly EmbedderToken[]): Float32Array {
  const rows = new Float32Array(tokens.length * DIM);
  for (const [id, { text, weight }] of tokens.entries()) {
    const random = new Random(hashOf(text));
    const size = sizeBeforeNorms(weight);
    const row = rows.subarray(id * DIM, (id + 1) * DIM);
    // The norms take the mean off, so it has to be 0: a shuffle of half and half.
    row.fill(-size);
    row.fill(size, DIM / 2);
    for (let last = DIM - 1; last > 0; last--) {
      const other = random.below(last + 1);
      const element = row[last]!;
      row[last] = row[other]!;
      row[other] = element;
    }
  }
  return rows;
}

/**
 * Elements of a row of ±r are r / √(r² + ε) after a norm: with u = 1/r², u → 1 + ε·u. This is the r whose elements are ±`weight`
 * after all norms. Weights below 1 / √(1 + ε + ε²) can be had: 0.97.
 */
function sizeBeforeNorms(weight: number): number {
  let inverseSquare = 1 / (weight * weight);
  for (let norm = 0; norm < NORMS; norm++) inverseSquare = (inverseSquare - 1) / NORM_EPSILON;
  return 1 / Math.sqrt(inverseSquare);
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
