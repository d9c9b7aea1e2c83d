/**
 * A fake model that embeds: each word of a text adds ±1 to one of `dims` places, both chosen by a hash of the word, and the sum is
 * brought to unit length. Texts with the same words have the same vector, and the more words they share the closer they are.
 * Source: feature hashing, Weinberger et al. 2009.
 */
import { FakeModel, type FakeModelOptions } from './fake-model.js';

export const HASHED_DIMS = 256;

export interface HashedEmbedderOptions extends FakeModelOptions {
  /** Length of a vector, ≥ 1. Default 256. */
  dims?: number | undefined;
}

/** A model that only embeds, the same on every machine. */
export function hashedEmbedder({ dims = HASHED_DIMS, ...options }: HashedEmbedderOptions = {}): FakeModel {
  return new FakeModel({ embed: (text) => hashedVector(text, dims), dims }, options);
}

/** The vector of a text: unit length, also that of a text without words. */
export function hashedVector(text: string, dims: number): Float32Array {
  const vector = new Float32Array(dims);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const hash = fnv1a(word);
    vector[hash % dims]! += hash >>> 31 === 0 ? 1 : -1;
  }
  const length = Math.hypot(...vector);
  // No words, or words that cancel each other out: any direction will do, as long as it is always the same.
  if (length === 0) vector[0] = 1;
  else for (let index = 0; index < dims; index++) vector[index]! /= length;
  return vector;
}

/** 32 bits of FNV-1a over UTF-16 code units. */
function fnv1a(word: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < word.length; index++) hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
