/** Recommends items by what somebody likes, dislikes or says, not too alike, and says why. */
import { z } from 'zod';
import type { AgentContext } from '../../agent-context.js';
import { defineAgent } from '../../define-agent.js';
import { textSchema } from '../common/input-text.js';
import { mapParallel } from '../common/map-parallel.js';
import { type BuiltInOptions, builtInShape, readOptions } from '../common/options.js';
import { Breather } from '../text/breather.js';
import { diversify } from '../text/diversify.js';
import { embedAll } from '../text/embed-all.js';
import { Taught } from '../text/taught.js';
import { dot, indicesOfLargest } from '../text/vectors.js';
import { type RecommendedItem, WordRarity } from './items.js';
import { type Profile, relevanceOf } from './profile.js';
import { reasonPrompt } from './prompt.js';

export interface RecommendationOptions extends BuiltInOptions {
  /** 1 to 100,000. */
  items: readonly RecommendedItem[];
  /** How many are recommended when a caller does not say, 1 to 100. Default 10. */
  count?: number | undefined;
  /** How much they are kept from being alike, in [0, 1]: 0 is relevance alone. Callers may say otherwise. Default 0.3. */
  diversity?: number | undefined;
  /** `words`: a plain English sentence. `model`: the reason is written by a language model, one call an item. Default `words`. */
  reasons?: 'words' | 'model' | undefined;
  /** Longest text of an item or of a caller in UTF-16 units; a longer one is refused. Default 4,000. */
  charactersMax?: number | undefined;
  /** Default: the first of the yard that embeds. An instance serves yards whose vectors come from the same model. */
  embeddingModel?: string | undefined;
}

const COUNT_MAX = 100;
const LIKES_MAX = 1_000;
/** Diversity chooses among so many times as many as are wanted: what is further down is not relevant enough to be diverse with. */
const CANDIDATES_PER_PICK = 10;
const WORDS_SHOWN = 3;
const REASONS_AT_ONCE = 8;
const REASON_TOKENS_MAX = 60;

const count = z.int().min(1).max(COUNT_MAX);
const diversity = z.number().min(0).max(1);

const optionsSchema = z.object({
  ...builtInShape,
  items: z
    .array(z.object({ id: z.string().min(1).max(500), title: z.string().trim().min(1).optional(), text: textSchema() }))
    .min(1)
    .max(100_000)
    .refine((items) => new Set(items.map(({ id }) => id)).size === items.length, { error: 'two have the same id' }),
  count: count.default(10),
  diversity: diversity.default(0.3),
  reasons: z.enum(['words', 'model']).default('words'),
  charactersMax: z.int().min(1).default(4_000),
  embeddingModel: z.string().optional(),
});

const reasonSchema = z.object({
  text: z.string(),
  nearest: z.string().optional().describe('Id of the liked item that is nearest; none when it is the text.'),
  similarity: z.number().describe('Cosine with what is nearest.'),
  words: z.array(z.string()).describe('Rare words that both have.'),
});

/** Something that somebody likes: an item, or what they said. */
interface Like {
  id: string | undefined;
  title: string;
  text: string;
  vector: Float32Array;
}

/**
 * An agent that recommends: `{liked, disliked, text}` → `{items}`, best first, each with its reason; never what was liked or disliked.
 *
 * Costs a cosine of every item with every like, and an embedding of the text; once per instance one embedding for each item.
 * @throws {@link InvalidAgentError} naming the option that is wrong
 */
export function recommendation(options: RecommendationOptions) {
  const settings = readOptions('recommendation', optionsSchema, options);
  const { items, version, embeddingModel, reasons, charactersMax, name = 'recommendation' } = settings;
  const texts = items.map(({ title, text }) => (title === undefined ? text : `${title}\n${text}`));
  const placeOf = new Map(items.map(({ id }, index) => [id, index]));
  const rarity = new WordRarity(texts);
  const taught = new Taught({
    name,
    version,
    embeddingModel,
    texts: texts.length,
    learn: (ctx) => embedAll(ctx, texts, (done) => ctx.progress(done, texts.length, 'items embedded')),
  });

  const itemId = z.string().refine((id) => placeOf.has(id), { error: 'is no item of this agent' });
  const input = z
    .object({
      liked: z.array(itemId).max(LIKES_MAX).default([]).describe('Ids of items.'),
      disliked: z.array(itemId).max(LIKES_MAX).default([]).describe('Ids of items.'),
      text: textSchema(charactersMax).optional().describe('What somebody looks for, in their own words.'),
      count: count.default(settings.count),
      diversity: diversity.default(settings.diversity),
    })
    .refine(({ liked, text }) => liked.length > 0 || text !== undefined, {
      path: ['liked'],
      error: 'something that is liked is needed: an item, or a text',
    });

  async function ranked(ctx: AgentContext, vectors: readonly Float32Array[], profile: Profile): Promise<Float64Array> {
    const breather = new Breather(ctx.signal);
    const relevance = new Float64Array(vectors.length);
    for (const [index, vector] of vectors.entries()) {
      if (breather.isDue) await breather.breathe();
      relevance[index] = relevanceOf(vector, profile);
    }
    return relevance;
  }

  async function reasonFor(ctx: AgentContext, place: number, likes: readonly Like[], vector: Float32Array) {
    const similarities = likes.map((like) => dot(like.vector, vector));
    const nearest = indicesOfLargest(similarities, 1)[0]!;
    const like = likes[nearest]!;
    const words = rarity.shared(texts[place]!, like.text, WORDS_SHOWN);
    let text = plainReason(like, words);
    if (reasons === 'model') {
      const messages = reasonPrompt({ item: texts[place]!, because: like.text, words });
      const { text: said } = await ctx.chat({ messages, temperature: 0, maxTokens: REASON_TOKENS_MAX }).result();
      if (said.trim() !== '') text = said.trim();
    }
    return { text, ...(like.id !== undefined && { nearest: like.id }), similarity: similarities[nearest]!, words };
  }

  const agent = defineAgent({
    name,
    version,
    description: `Recommends some of ${items.length} items by what somebody likes, and says why.`,
    input,
    output: z.object({
      items: z.array(
        z.object({
          id: z.string(),
          title: z.string(),
          score: z.number().describe('Relevance, in about [-1, 1].'),
          reason: reasonSchema,
        }),
      ),
    }),
    model: settings.model,
    embeddingModel,
    timeoutMs: settings.timeoutMs,
    pure: true,
    async run({ liked, disliked, text, count, diversity }, ctx) {
      const vectors = await taught.get(ctx);
      const likes: Like[] = [...new Set(liked)].map((id) => {
        const place = placeOf.get(id)!;
        return { id, title: items[place]!.title ?? id, text: texts[place]!, vector: vectors[place]! };
      });
      if (text !== undefined) {
        const [vector] = await ctx.embed([text]);
        likes.push({ id: undefined, title: text, text, vector: vector! });
      }
      const dislikes = [...new Set(disliked)].map((id) => vectors[placeOf.get(id)!]!);
      const known = new Set([...liked, ...disliked].map((id) => placeOf.get(id)!));
      const relevance = await ranked(ctx, vectors, { likes: likes.map((like) => like.vector), dislikes });
      const wanted = CANDIDATES_PER_PICK * count;
      const candidates = indicesOfLargest(relevance, wanted + known.size)
        .filter((place) => !known.has(place))
        .slice(0, wanted);
      const picked = diversify(
        candidates.map((place) => relevance[place]!),
        (a, b) => dot(vectors[candidates[a]!]!, vectors[candidates[b]!]!),
        count,
        diversity,
      ).map((index) => candidates[index]!);
      let done = 0;
      const recommended = await mapParallel(picked, REASONS_AT_ONCE, async (place) => {
        const reason = await reasonFor(ctx, place, likes, vectors[place]!);
        ctx.progress(++done, picked.length, 'reasons given');
        const { id, title = id } = items[place]!;
        return { id, title, score: relevance[place]!, reason };
      });
      return { items: recommended };
    },
  });
  return taught.attach(agent);
}

function plainReason({ id, title }: Like, words: readonly string[]): string {
  const because = id === undefined ? 'Close to what you look for' : `Close to “${title}”, which you liked`;
  return words.length === 0 ? `${because}.` : `${because}: both speak of ${listOf(words)}.`;
}

const englishList = new Intl.ListFormat('en', { type: 'conjunction' });

function listOf(words: readonly string[]): string {
  return englishList.format(words);
}
