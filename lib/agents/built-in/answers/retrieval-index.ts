/**
 * An index of documents that finds passages by meaning and by words: cosines of embeddings and BM25. Each catches what the other misses:
 * the first a question in other words, the second names, options and codes.
 *
 * score = (cosine + L · coverage · BM25 / largest BM25) / (1 + L), at most 1. Coverage: the share of the question, each word weighed by how rare
 * it is, that the passage with the largest BM25 has; where the best passage has little of the question, its words say little. A sum of scores, as
 * Bruch, Gai and Ingber 2023 found better than fusion by rank ("An Analysis of Fusion Functions for Hybrid Retrieval").
 *
 * Cost: one embedding per passage when it is built; a search is one embedding, a cosine with every passage (100,000 take 0.1 s) and a lookup of words.
 */
import MiniSearch from 'minisearch';
import type { AgentContext } from '../../agent-context.js';
import { Breather } from '../text/breather.js';
import { type ChunkOptions, chunksOf } from '../text/chunk.js';
import { embedAll } from '../text/embed-all.js';
import { searchTermsOf } from '../text/search-terms.js';
import { dot, indicesOfLargest } from '../text/vectors.js';
import type { SourceDocument } from './documents.js';

export interface Passage {
  document: string;
  title: string;
  /** Headings above it, joined; empty when there are none. */
  section: string;
  text: string;
}

export interface FoundPassage extends Passage {
  /** By meaning and words; 1 for the same text. */
  score: number;
  /** Cosine of the question and the passage. */
  similarity: number;
}

export interface SearchOptions {
  /** Passages wanted, of different sections. */
  count: number;
  /** Cosine that one passage must reach, or have the question's words, for anything to be found at all. */
  minSimilarity: number;
}

/** How the passages are ranked: both ways, or one of them alone, for comparison. */
export type Ranking = 'hybrid' | 'embeddings' | 'words';

/** L of the formula: words that say all that was asked are worth as much as this cosine. Between 0.2 and 0.5 little changes. */
const WORDS_WEIGHT = 0.35;
/** Beside a passage that is similar enough others are given, down to this part of what is asked of it. */
const COMPANION_RATIO = 0.5;
/** Passages that are looked at to find different sections. */
const DEPTH = 200;
/** A word of a heading counts as much as two of the text. */
const HEADING_BOOST = 2;
/** A passage with half of what the question's words say, weighed by how rare they are, is relevant whatever its similarity. */
const MIN_COVERAGE = 0.5;
/** Passages of one section that are handed out together, when they are found together. */
export const JOINED_MAX = 2;
/** Stands between them. */
export const JOINT = '\n…\n';

export class RetrievalIndex {
  readonly #passages: readonly Passage[];
  readonly #vectors: readonly Float32Array[];
  readonly #words: MiniSearch;
  readonly #documentCounts = new Map<string, number>();

  private constructor(passages: readonly Passage[], vectors: readonly Float32Array[]) {
    this.#passages = passages;
    this.#vectors = vectors;
    this.#words = new MiniSearch({
      fields: ['heading', 'text'],
      tokenize: searchTermsOf,
      processTerm: (term) => term,
      searchOptions: { boost: { heading: HEADING_BOOST }, combineWith: 'OR' },
    });
  }

  /** Cuts and embeds the documents. @param onProgress - told how many of how many passages are embedded */
  static async build(
    ctx: AgentContext,
    documents: readonly SourceDocument[],
    options: ChunkOptions,
    onProgress?: (done: number, total: number) => void,
  ): Promise<RetrievalIndex> {
    const breather = new Breather(ctx.signal);
    const passages: Passage[] = [];
    for (const document of documents) {
      if (breather.isDue) await breather.breathe();
      passages.push(...passagesOf(document, options));
    }
    const texts = passages.map((passage) => `${headingOf(passage)}\n${passage.text}`);
    const vectors = await embedAll(ctx, texts, (done) => onProgress?.(done, texts.length));
    const index = new RetrievalIndex(passages, vectors);
    for (const [id, passage] of passages.entries()) {
      if (breather.isDue) await breather.breathe();
      index.#add(id, passage);
    }
    return index;
  }

  get size(): number {
    return this.#passages.length;
  }

  #add(id: number, passage: Passage): void {
    const heading = headingOf(passage);
    this.#words.add({ id, heading, text: passage.text });
    for (const word of new Set(searchTermsOf(`${heading}\n${passage.text}`))) {
      this.#documentCounts.set(word, (this.#documentCounts.get(word) ?? 0) + 1);
    }
  }

  /**
   * The most relevant passages for a question, best first; fewer than `count`, or none, when no more are relevant.
   * @param vector - of the question, from the model that embedded the passages
   */
  search(question: string, vector: Float32Array, options: SearchOptions, ranking: Ranking = 'hybrid'): FoundPassage[] {
    const similarities = this.#vectors.map((other) => dot(vector, other));
    const hits = this.#words.search(question);
    const coverage = new Map(hits.map(({ id, queryTerms }) => [id as number, this.#coverage(question, queryTerms)]));
    const [best] = hits;
    const wordsWeight = best === undefined ? 0 : (WORDS_WEIGHT * coverage.get(best.id as number)!) / best.score;
    const byWords = new Map(hits.map(({ id, score }) => [id as number, wordsWeight * score]));
    const scores = similarities.map((similarity, item) => {
      const meaning = ranking === 'words' ? 0 : similarity;
      const words = ranking === 'embeddings' ? 0 : (byWords.get(item) ?? 0);
      return (meaning + words) / (1 + WORDS_WEIGHT);
    });
    const isRelevant = (item: number, minSimilarity: number) =>
      similarities[item]! >= minSimilarity || (coverage.get(item) ?? 0) >= MIN_COVERAGE;
    if (!scores.some((_, item) => isRelevant(item, options.minSimilarity))) return [];
    const companions = Math.min(options.minSimilarity, options.minSimilarity * COMPANION_RATIO);
    const ranked = indicesOfLargest(scores, this.size)
      .filter((item) => isRelevant(item, companions))
      .slice(0, DEPTH)
      .map((item) => ({ item, score: scores[item]! }));
    return this.#bySection(ranked, similarities, options.count);
  }

  /** What share of the question, each word weighed by how rare it is in the documents, these words make. */
  #coverage(question: string, found: readonly string[]): number {
    const words = new Set(searchTermsOf(question));
    let all = 0;
    let covered = 0;
    for (const word of words) {
      const count = this.#documentCounts.get(word) ?? 0;
      const weight = Math.log(1 + (this.size - count + 0.5) / (count + 0.5));
      all += weight;
      if (found.includes(word)) covered += weight;
    }
    return all === 0 ? 0 : covered / all;
  }

  /** One entry for each section, by its best passage; its next best one, if it was found too, stands beside it in the order of the document. */
  #bySection(
    ranked: readonly { item: number; score: number }[],
    similarities: readonly number[],
    count: number,
  ): FoundPassage[] {
    const sections = new Map<string, { item: number; score: number }[]>();
    for (const [place, found] of ranked.entries()) {
      const { document, section } = this.#passages[found.item]!;
      const key = JSON.stringify([document, section]);
      const members = sections.get(key);
      if (members !== undefined) {
        if (members.length < JOINED_MAX && place < JOINED_MAX * count) members.push(found);
      } else if (sections.size < count) {
        sections.set(key, [found]);
      }
    }
    return [...sections.values()].map((members) => {
      const best = members[0]!;
      const inOrder = members.map(({ item }) => item).sort((a, b) => a - b);
      const text = inOrder.map((item) => this.#passages[item]!.text).join(JOINT);
      return { ...this.#passages[best.item]!, text, score: best.score, similarity: similarities[best.item]! };
    });
  }
}

function passagesOf({ id, title, text }: SourceDocument, options: ChunkOptions): Passage[] {
  const chunks = chunksOf(text, options);
  const named = title ?? chunks[0]?.section[0] ?? id;
  return chunks.map((chunk) => ({
    document: id,
    title: named,
    section: chunk.section.join(' › '),
    text: chunk.text,
  }));
}

/** Title and section, each once. */
function headingOf({ title, section }: Passage): string {
  if (section === '') return title;
  return section.startsWith(title) ? section : `${title} › ${section}`;
}
