/** A yard for agents that embed: vectors that say which words two texts share, and a scripted model beside it. */
import {
  createTestYard,
  hashedEmbedder,
  type ScriptedModelOptions,
  scriptedModel,
} from '../../../lib/testing/index.js';
import type { Yard } from '../../../lib/yard.js';

export interface EmbeddingYard {
  yard: Yard;
  embedder: ReturnType<typeof hashedEmbedder>;
  model: ReturnType<typeof scriptedModel>;
}

const open: Yard[] = [];

export async function openEmbeddingYard(answers?: ScriptedModelOptions['answers']): Promise<EmbeddingYard> {
  const embedder = hashedEmbedder();
  const model = scriptedModel({ answers });
  const yard = await createTestYard({ models: { embedder, model } });
  open.push(yard);
  return { yard, embedder, model };
}

/** For `afterEach`. */
export async function closeYards(): Promise<void> {
  await Promise.all(open.splice(0).map((yard) => yard.close()));
}

export const NUL = 'a\u0000b';
export const LONE_SURROGATE = 'a\ud800b';
