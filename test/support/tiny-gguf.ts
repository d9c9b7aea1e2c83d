/** Generated llama models for tests and benchmarks: any shape, byte-identical for a seed, no download. */
import { type GgufTensor, type GgufValue, type WritableTensorType, writeGguf } from '../../lib/memory/gguf-writer.js';

export interface TinyGgufOptions {
  /** Embedding length: a multiple of 32 and of `heads`. Default 64. */
  dim?: number;
  /** Default 2. */
  layers?: number;
  /** Default 4. */
  heads?: number;
  /** Default: `heads`. */
  kvHeads?: number;
  /** A multiple of 32. Default 2 · dim. */
  feedForward?: number;
  /** Default 4,096. */
  contextTokens?: number;
  /** Number of tokens, at least 384, a multiple of 32. Default 384. */
  vocabulary?: number;
  /** How matrices are stored; norms are always F32. Default F32. */
  type?: Exclude<WritableTensorType, 'F16'>;
  /** Default 1. */
  seed?: number;
  /**
   * `random`: weights are noise, so that the output depends on every token before it (identity, KV and preemption tests).
   * `successor`: 'a' is followed by 'b', … 'z' by the end, with probability 1 (text tests): the prompt "abc" gives "defg…xyz".
   * Default random.
   */
  kind?: 'random' | 'successor';
  /** Jinja template; default none. */
  chatTemplate?: string;
}

/** Written to the file at `path`, atomically. */
export async function writeTinyGguf(path: string, options: TinyGgufOptions = {}): Promise<void> {
  const dim = options.dim ?? 64;
  const layers = options.layers ?? 2;
  const heads = options.heads ?? 4;
  const kvHeads = options.kvHeads ?? heads;
  const feedForward = options.feedForward ?? 2 * dim;
  const type = options.type ?? 'F32';
  const tokens = vocabulary(options.vocabulary ?? 384);
  const draw = uniform(options.seed ?? 1);
  const kvDim = (dim / heads) * kvHeads;
  const successor = options.kind === 'successor';

  const tensors: GgufTensor[] = [];
  const matrix = (name: string, inner: number, outer: number, deviation: number): void => {
    tensors.push({ name, dimensions: [inner, outer], type, elements: () => noise(inner * outer, deviation, draw) });
  };
  const ones = (name: string): void => {
    tensors.push({ name, dimensions: [dim], type: 'F32', elements: () => new Float32Array(dim).fill(1) });
  };

  if (successor) {
    const embeddings = unitRows(tokens.length, dim, draw);
    tensors.push({
      name: 'token_embd.weight',
      dimensions: [dim, tokens.length],
      type: 'F32',
      elements: () => embeddings,
    });
    tensors.push({
      name: 'output.weight',
      dimensions: [dim, tokens.length],
      type: 'F32',
      elements: () => successorRows(tokens, embeddings, dim),
    });
  } else {
    matrix('token_embd.weight', dim, tokens.length, 0.5);
    matrix('output.weight', dim, tokens.length, 0.5 / Math.sqrt(dim));
  }
  ones('output_norm.weight');
  for (let layer = 0; layer < layers; layer++) {
    const block = `blk.${layer}`;
    ones(`${block}.attn_norm.weight`);
    matrix(`${block}.attn_q.weight`, dim, dim, 1 / Math.sqrt(dim));
    matrix(`${block}.attn_k.weight`, dim, kvDim, 1 / Math.sqrt(dim));
    matrix(`${block}.attn_v.weight`, dim, kvDim, 1 / Math.sqrt(dim));
    // With these two at zero nothing is added to the embedding of the last token: the successor table alone speaks.
    matrix(`${block}.attn_output.weight`, dim, dim, successor ? 0 : 1 / Math.sqrt(dim));
    ones(`${block}.ffn_norm.weight`);
    matrix(`${block}.ffn_gate.weight`, dim, feedForward, 1 / Math.sqrt(dim));
    matrix(`${block}.ffn_up.weight`, dim, feedForward, 1 / Math.sqrt(dim));
    matrix(`${block}.ffn_down.weight`, feedForward, dim, successor ? 0 : 1 / Math.sqrt(feedForward));
  }

  const keys = new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['general.name', { type: 'string', value: `tiny ${options.kind ?? 'random'}` }],
    ['llama.context_length', { type: 'uint32', value: options.contextTokens ?? 4096 }],
    ['llama.embedding_length', { type: 'uint32', value: dim }],
    ['llama.block_count', { type: 'uint32', value: layers }],
    ['llama.feed_forward_length', { type: 'uint32', value: feedForward }],
    ['llama.attention.head_count', { type: 'uint32', value: heads }],
    ['llama.attention.head_count_kv', { type: 'uint32', value: kvHeads }],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
    ['llama.rope.dimension_count', { type: 'uint32', value: dim / heads }],
    ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: tokens.map((token) => token.text) }],
    ['tokenizer.ggml.scores', { type: 'float32s', value: tokens.map((_, id) => -id) }],
    ['tokenizer.ggml.token_type', { type: 'int32s', value: tokens.map((token) => token.type) }],
    ['tokenizer.ggml.unknown_token_id', { type: 'uint32', value: 0 }],
    ['tokenizer.ggml.bos_token_id', { type: 'uint32', value: 1 }],
    ['tokenizer.ggml.eos_token_id', { type: 'uint32', value: END_ID }],
  ]);
  if (options.chatTemplate !== undefined) {
    keys.set('tokenizer.chat_template', { type: 'string', value: options.chatTemplate });
  }
  await writeGguf(path, keys, tensors);
}

interface Token {
  text: string;
  /** As in the key `tokenizer.ggml.token_type`. */
  type: number;
}

const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const UNUSED = 5;
const BYTE = 6;
const END_ID = 2;

/** Bytes and single characters: any UTF-8 text tokenises, one token per ASCII character. */
function vocabulary(count: number): Token[] {
  const tokens: Token[] = [
    { text: '<unk>', type: UNKNOWN },
    { text: '<s>', type: CONTROL },
    { text: '</s>', type: CONTROL },
  ];
  for (let byte = 0; byte < 256; byte++) {
    tokens.push({ text: `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, type: BYTE });
  }
  tokens.push({ text: '\u2581', type: NORMAL });
  for (let code = 0x21; code < 0x7f; code++) tokens.push({ text: String.fromCharCode(code), type: NORMAL });
  if (tokens.length > count) throw new RangeError(`The vocabulary needs at least ${tokens.length} tokens.`);
  while (tokens.length < count) tokens.push({ text: `<unused${tokens.length}>`, type: UNUSED });
  return tokens;
}

/** Row of successor(t) = 8 · embedding(t): after the final norm (length √dim) the successor's logit is 8·√dim, others are noise. */
function successorRows(tokens: readonly Token[], embeddings: Float32Array, dim: number): Float32Array {
  const rows = new Float32Array(tokens.length * dim);
  const idOf = new Map(tokens.map((token, id) => [token.text, id]));
  for (let code = 0x61; code <= 0x7a; code++) {
    const from = idOf.get(String.fromCharCode(code))!;
    const to = code === 0x7a ? END_ID : idOf.get(String.fromCharCode(code + 1))!;
    for (let i = 0; i < dim; i++) rows[to * dim + i] = 8 * embeddings[from * dim + i]!;
  }
  return rows;
}

/** Uniform in [-1, 1): xorshift32, integers only, so that every machine draws the same. */
function uniform(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  };
}

/** Uniform noise of the given standard deviation (a uniform on [-1, 1) has 1/√3). */
function noise(count: number, deviation: number, draw: () => number): Float32Array {
  const elements = new Float32Array(count);
  if (deviation === 0) return elements;
  const scale = deviation * Math.sqrt(3);
  for (let i = 0; i < count; i++) elements[i] = draw() * scale;
  return elements;
}

function unitRows(rows: number, dim: number, draw: () => number): Float32Array {
  const elements = noise(rows * dim, 1, draw);
  for (let row = 0; row < rows; row++) {
    const cells = elements.subarray(row * dim, (row + 1) * dim);
    const length = Math.sqrt(cells.reduce((sum, value) => sum + value * value, 0));
    for (let i = 0; i < dim; i++) cells[i]! /= length;
  }
  return elements;
}
