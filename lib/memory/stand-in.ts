/**
 * The model for those who have none yet: a small GGUF file, generated on the spot, that any llama.cpp loads and that answers
 * in readable sentences about agentyard. It lets a stranger try streaming, priorities and cancelling within seconds of
 * installing; its first sentence says what it is.
 *
 * How it works: a llama of one layer in which attention and feed-forward add nothing, so that the output depends on the
 * last token alone. Each token belongs to a state (its place in the corpus); the embedding of a token is √dim times the unit
 * vector of its state; the output matrix holds, for each state, the logits of what may follow. That is a Markov chain with
 * exact probabilities: most states have one follower, ends of sentences have several. Temperature chooses among those;
 * greedy decoding says the opening and the first topic, and ends.
 */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidGgufError } from '../base/errors.js';
import { roundUp } from './gguf-format.js';
import { readRawHeader } from './gguf-reader.js';
import { type GgufTensor, type GgufValue, writeGguf } from './gguf-writer.js';
import { buildChain, type Chain, CONTROL_TOKENS, LIKELY_LOGIT } from './stand-in-chain.js';
import { OPENING, TOPICS } from './stand-in-corpus.js';

/** Name of the generated file in the folder that {@link ensureStandIn} is given. */
export const STAND_IN_FILE = 'agentyard-stand-in.gguf';

/** Raise when a change of this code (not of the corpus) changes the file, so that old copies are replaced. */
const RECIPE = 1;
const RECIPE_KEY = 'agentyard.stand_in_recipe';

const CONTEXT_TOKENS = 8192;
/** One attention head of the smallest useful size: the KV cache takes 128 bytes per token. */
const HEAD_DIM = 32;
const FEED_FORWARD = 32;
const NORM_EPSILON = 1e-5;

/** ChatML. Its header ends in a newline, the token from which an answer starts. */
const CHAT_TEMPLATE =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/**
 * The path of the stand-in model in `directory`, which is made, as is the file, where they do not exist. Takes well under a second
 * the first time and a millisecond later. The same version of agentyard writes the same bytes everywhere. Safe when several
 * processes do it at once: the file appears whole or not at all.
 * @throws the file system's errors, for instance when the folder cannot be written
 */
export async function ensureStandIn(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, STAND_IN_FILE);
  if (!(await isCurrent(path))) await writeStandIn(path);
  return path;
}

function recipe(): string {
  const corpus = createHash('sha256').update(JSON.stringify([OPENING, TOPICS]));
  return `${RECIPE}-${corpus.digest('hex').slice(0, 16)}`;
}

/** Is the file there, whole, and of this recipe? */
async function isCurrent(path: string): Promise<boolean> {
  try {
    const value = (await readRawHeader(path)).keys.get(RECIPE_KEY);
    return value?.kind === 'text' && value.text === recipe();
  } catch (error) {
    if (error instanceof InvalidGgufError) return false;
    throw error;
  }
}

async function writeStandIn(path: string): Promise<void> {
  const chain = buildChain(OPENING, TOPICS);
  const dim = roundUp(chain.stateCount, 32);
  await writeGguf(path, keysOf(chain, dim), tensorsOf(chain, dim));
}

function keysOf(chain: Chain, dim: number): Map<string, GgufValue> {
  const { tokens } = chain;
  return new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['general.name', { type: 'string', value: 'agentyard stand-in' }],
    ['agentyard.stand_in', { type: 'bool', value: true }],
    [RECIPE_KEY, { type: 'string', value: recipe() }],
    ['llama.context_length', { type: 'uint32', value: CONTEXT_TOKENS }],
    ['llama.embedding_length', { type: 'uint32', value: dim }],
    ['llama.block_count', { type: 'uint32', value: 1 }],
    ['llama.feed_forward_length', { type: 'uint32', value: FEED_FORWARD }],
    ['llama.attention.head_count', { type: 'uint32', value: 1 }],
    ['llama.attention.head_count_kv', { type: 'uint32', value: 1 }],
    ['llama.attention.key_length', { type: 'uint32', value: HEAD_DIM }],
    ['llama.attention.value_length', { type: 'uint32', value: HEAD_DIM }],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: NORM_EPSILON }],
    ['llama.rope.dimension_count', { type: 'uint32', value: HEAD_DIM }],
    ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: tokens.map((token) => token.text) }],
    // Pieces were learnt most useful first; the tokenizer merges the highest score first.
    ['tokenizer.ggml.scores', { type: 'float32s', value: tokens.map((_, id) => -id) }],
    ['tokenizer.ggml.token_type', { type: 'int32s', value: tokens.map((token) => token.type) }],
    ['tokenizer.ggml.unknown_token_id', { type: 'uint32', value: CONTROL_TOKENS.unknown }],
    ['tokenizer.ggml.bos_token_id', { type: 'uint32', value: CONTROL_TOKENS.begin }],
    ['tokenizer.ggml.eos_token_id', { type: 'uint32', value: CONTROL_TOKENS.turnEnd }],
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: false }],
    // Otherwise each text between two control tokens would begin with a space that nobody wrote.
    ['tokenizer.ggml.add_space_prefix', { type: 'bool', value: false }],
    ['tokenizer.chat_template', { type: 'string', value: CHAT_TEMPLATE }],
  ]);
}

function tensorsOf(chain: Chain, dim: number): GgufTensor[] {
  const tokenCount = chain.tokens.length;
  const root = Math.sqrt(dim);
  const f32 = (name: string, dimensions: number[], fill: number): GgufTensor => ({
    name,
    dimensions,
    type: 'F32',
    elements: () => new Float32Array(dimensions.reduce((product, dimension) => product * dimension, 1)).fill(fill),
  });
  return [
    {
      name: 'token_embd.weight',
      dimensions: [dim, tokenCount],
      type: 'Q8_0', // one number per row: exact, but for the scale's half precision
      elements: () => embeddingRows(chain, dim, root),
    },
    {
      name: 'output.weight',
      dimensions: [dim, tokenCount],
      type: 'F16', // logits to 0.03, which leaves the chances right to 3 percent
      elements: () => outputRows(chain, dim, 1 / root),
    },
    f32('output_norm.weight', [dim], 1),
    f32('blk.0.attn_norm.weight', [dim], 1),
    f32('blk.0.attn_q.weight', [dim, HEAD_DIM], 0),
    f32('blk.0.attn_k.weight', [dim, HEAD_DIM], 0),
    f32('blk.0.attn_v.weight', [dim, HEAD_DIM], 0),
    f32('blk.0.attn_output.weight', [HEAD_DIM, dim], 0),
    f32('blk.0.ffn_norm.weight', [dim], 1),
    f32('blk.0.ffn_gate.weight', [dim, FEED_FORWARD], 0),
    f32('blk.0.ffn_up.weight', [dim, FEED_FORWARD], 0),
    f32('blk.0.ffn_down.weight', [FEED_FORWARD, dim], 0),
  ];
}

/** √dim in the column of the token's state: a vector of that length passes the final norm unchanged. */
function embeddingRows(chain: Chain, dim: number, root: number): Float32Array {
  const rows = new Float32Array(chain.tokens.length * dim);
  chain.tokens.forEach((token, id) => {
    rows[id * dim + token.state] = root;
  });
  return rows;
}

function outputRows(chain: Chain, dim: number, scale: number): Float32Array {
  const rows = new Float32Array(chain.tokens.length * dim);
  chain.followers.forEach((followers, state) => {
    for (const { token, penalty } of followers) rows[token * dim + state] = (LIKELY_LOGIT - penalty) * scale;
  });
  return rows;
}
