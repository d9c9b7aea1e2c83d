/**
 * Rows of the agents that work by embeddings: classification, sentiment, retrieval (which `answers` is built on), recommendation.
 * Each function takes the yard and the data, so that a test can run it on a few generated rows.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyAgent } from '../../lib/agents/agent.js';
import type { Yard } from '../../lib/index.js';
import { loadProduct, packageRoot } from '../product.js';
import type { QualityContext, QualityRow } from './quality-row.js';
import {
  type Banking,
  type Editorial,
  firstOfEach,
  type LabelledText,
  readBanking,
  readEditorials,
} from './support/data-sets.js';
import { type DocumentQuestion, isAnsweredBy, isOnPage, readPages, readQuestions } from './support/questions.js';
import { shuffled, uniform } from './support/random.js';

type BuiltIn = typeof import('../../lib/agents/built-in/index.js');
type Index = typeof import('../../lib/agents/built-in/answers/retrieval-index.js');
type Main = typeof import('../../lib/index.js');

/** What is measured: of the build, or of the sources in a test. */
export interface Product {
  builtIn: Pick<BuiltIn, 'classification' | 'sentiment' | 'recommendation' | 'retrieval'>;
  RetrievalIndex: Index['RetrievalIndex'];
  defineAgent: Main['defineAgent'];
}

const EMBEDDER = 'models/all-minilm-l6-v2/all-minilm-l6-v2-q8_0.gguf';
const GENERATOR = 'models/smollm2-135m-instruct/smollm2-135m-instruct-q8_0.gguf';
/** Texts of one call. */
const BATCH = 500;

const BANKING_DATA = 'Banking77';
const EDITORIAL_DATA = 'sentences of newspaper editorials';

export async function vectorRows(context: QualityContext): Promise<QualityRow[]> {
  const embedder = context.shared && join(context.shared, EMBEDDER);
  if (embedder === undefined || !existsSync(embedder)) {
    context.skip(
      'classification, sentiment, answers, recommendation',
      'the real embedding model is not here (set AGENTYARD_SHARED)',
    );
    return [];
  }
  const { Yard, defineAgent } = await loadProduct<Main>('index.js');
  const builtIn = await loadProduct<BuiltIn>('agents/built-in/index.js');
  const { RetrievalIndex } = await loadProduct<Index>('agents/built-in/answers/retrieval-index.js');
  const product: Product = { builtIn, RetrievalIndex, defineAgent };
  const generator = join(context.shared!, GENERATOR);
  const yard = new Yard({
    models: {
      embedder: { path: embedder, sequences: 2 },
      ...(existsSync(generator) && { generator: { path: generator, sequences: 4, contextTokens: 2_048 } }),
    },
  });
  try {
    await yard.ready();
    const rows: QualityRow[] = [];
    const root = packageRoot();
    context.note('retrieval …');
    rows.push(...(await retrievalRows(product, yard, readQuestions(root), readPages(root), context)));
    const banking = readBanking(context.shared);
    if (banking === undefined) context.skip('classification, recommendation', `${BANKING_DATA} is not here`);
    else {
      context.note('classification …');
      rows.push(...(await classificationRows(product, yard, banking, existsSync(generator), context)));
      context.note('recommendation …');
      rows.push(...(await recommendationRows(product, yard, banking, context)));
    }
    const editorials = readEditorials(context.shared);
    if (editorials === undefined) context.skip('sentiment', 'the editorials are not here');
    else {
      context.note('sentiment …');
      rows.push(...(await sentimentRows(product, yard, editorials, context)));
    }
    return rows;
  } finally {
    await yard.close();
  }
}

const EXAMPLES_EACH = 10;
/** Texts that the model is asked about: a tenth of a second of prompt each. */
const CLOSE_TEXTS = 60;
const CLOSE_MARGIN = 0.1;

export async function classificationRows(
  { builtIn }: Product,
  yard: Yard,
  banking: Banking,
  hasGenerator: boolean,
  { smoke, seed, skip }: QualityContext,
): Promise<QualityRow[]> {
  const names = [...new Set(banking.train.map(({ label }) => label))].slice(0, smoke ? 5 : undefined);
  const known = (rows: readonly LabelledText[]) => rows.filter(({ label }) => names.includes(label));
  const test = known(banking.test).slice(0, smoke ? 50 : undefined);
  const examples = firstOfEach(known(banking.train), EXAMPLES_EACH);
  const labels = Object.fromEntries(
    names.map((name) => [name, examples.filter(({ label }) => label === name).map(({ text }) => text)]),
  );
  const classify = async (agent: AnyAgent, rows: readonly LabelledText[]) => {
    const results = await inBatches(
      yard,
      agent,
      rows.map(({ text }) => text),
    );
    return results.map((result, i) => ({ ...result, isRight: result.label === rows[i]!.label }));
  };
  const byRegression = await classify(builtIn.classification({ labels }), test);
  const byCentroid = await classify(builtIn.classification({ labels, method: 'centroid' }), test);
  const common = { agent: 'classification', data: BANKING_DATA, seed } as const;
  const learnt = `learnt: the first ${EXAMPLES_EACH} train rows of each of ${names.length} intents`;
  const rows: QualityRow[] = [
    {
      ...common,
      task: 'intents of bank customers',
      split: `${learnt}; tested: ${count(test.length)} test rows`,
      metric: 'accuracy',
      value: rightShare(byRegression),
      baseline: { name: 'nearest centroid', value: rightShare(byCentroid) },
    },
  ];
  if (!hasGenerator) {
    skip('classification with a language model', 'the real language model is not here');
    return rows;
  }
  const isClose = (at: number) => {
    const [first, second] = byRegression[at]!.top;
    return first!.confidence - (second?.confidence ?? 0) < CLOSE_MARGIN;
  };
  const close = shuffled(test.map((_, at) => at).filter(isClose), uniform(seed)).slice(0, smoke ? 5 : CLOSE_TEXTS);
  if (close.length === 0) {
    skip('classification with a language model', 'no text is close to two labels');
    return rows;
  }
  const asked = await classify(
    builtIn.classification({ labels, llm: 'close', closeMargin: CLOSE_MARGIN }),
    close.map((at) => test[at]!),
  );
  rows.push({
    ...common,
    task: 'close texts decided by a small language model (llm: close)',
    split: `${learnt}; tested: ${close.length} texts whose two likeliest labels are within ${CLOSE_MARGIN}`,
    metric: 'accuracy',
    value: rightShare(asked),
    baseline: { name: 'the examples alone', value: rightShare(close.map((at) => byRegression[at]!)) },
    note: 'SmolLM2-135M',
  });
  return rows;
}

const STRONG_SCORE = 1;
const SEEDS = 5;

export async function sentimentRows(
  { builtIn }: Product,
  yard: Yard,
  editorials: readonly Editorial[],
  { smoke, seed }: QualityContext,
): Promise<QualityRow[]> {
  const strong = editorials.filter(({ score }) => Math.abs(score) >= STRONG_SCORE).slice(0, smoke ? 60 : undefined);
  const each = smoke ? 10 : 100;
  const seeds = Array.from({ length: smoke ? 1 : SEEDS }, (_, at) => seed + at);
  const signs = (rows: readonly Editorial[]) => ({
    positive: rows.filter(({ score }) => score > 0),
    negative: rows.filter(({ score }) => score < 0),
  });
  const accuracy = async (agent: AnyAgent, rows: readonly Editorial[]) => {
    const results = await inBatches(
      yard,
      agent,
      rows.map(({ text }) => text),
    );
    return rightShare(results.map(({ label }, i) => ({ isRight: (label === 'positive') === rows[i]!.score > 0 })));
  };
  const ours: number[] = [];
  const centroids: number[] = [];
  let tested = 0;
  for (const one of seeds) {
    const random = uniform(one);
    const { positive, negative } = signs(strong);
    const drawn = { positive: shuffled(positive, random), negative: shuffled(negative, random) };
    const texts = (rows: readonly Editorial[]) => rows.slice(0, each).map(({ text }) => text);
    const examples = { positive: texts(drawn.positive), negative: texts(drawn.negative) };
    const rest = [...drawn.positive.slice(each), ...drawn.negative.slice(each)];
    tested = rest.length;
    ours.push(await accuracy(builtIn.sentiment({ examples, neutralBelow: 0 }), rest));
    centroids.push(await accuracy(builtIn.classification({ labels: examples, method: 'centroid' }), rest));
  }
  const { negative } = signs(strong);
  const common = { agent: 'sentiment', data: `${EDITORIAL_DATA}, |score| ≥ ${STRONG_SCORE}`, seed } as const;
  return [
    {
      ...common,
      task: 'tone of editorials, examples of their kind',
      split: `learnt: ${each} of each sign, drawn anew for each of ${seeds.length} seeds; tested: the other ${count(tested)}`,
      metric: 'accuracy',
      value: mean(ours),
      spread: Math.max(...ours) - Math.min(...ours),
      baseline: { name: 'nearest of two centroids', value: mean(centroids) },
    },
    {
      ...common,
      task: 'tone of editorials, with the examples of the package',
      split: `learnt: no editorial; tested: all ${count(strong.length)}`,
      metric: 'accuracy',
      value: await accuracy(builtIn.sentiment({ neutralBelow: 0 }), strong),
      baseline: { name: 'always negative', value: negative.length / strong.length },
    },
  ];
}

const RECALL_AT = 5;

export async function retrievalRows(
  { builtIn, RetrievalIndex, defineAgent }: Product,
  yard: Yard,
  questions: readonly DocumentQuestion[],
  documents: readonly { id: string; text: string }[],
  { smoke, seed }: QualityContext,
): Promise<QualityRow[]> {
  const asked = questions.slice(0, smoke ? 5 : undefined);
  type Found = readonly { document: string; section: string }[];
  const judges = {
    page: (found: Found, question: DocumentQuestion) => found.some((passage) => isOnPage(question, passage)),
    section: (found: Found, question: DocumentQuestion) => found.some((passage) => isAnsweredBy(question, passage)),
  };
  const recall = (all: readonly Found[], judge: keyof typeof judges) =>
    asked.filter((question, at) => judges[judge](all[at]!, question)).length / asked.length;

  // What users get: the agent itself, with its defaults.
  const agent = builtIn.retrieval({ documents });
  const ours: Found[] = [];
  for (const { question } of asked) ours.push((await yard.run(agent, { question })).passages);
  // Each of the two rankings alone, over the same passages.
  const alone: Record<'words' | 'embeddings', Found[]> = { words: [], embeddings: [] };
  const schema = anything();
  await yard.run(
    defineAgent({
      name: 'rankings',
      version: '1',
      description: 'Compares rankings.',
      input: schema,
      output: schema,
      run: async (_, ctx) => {
        const index = await RetrievalIndex.build(ctx, documents, { charactersMax: 400, overlapCharacters: 80 });
        for (const { question } of asked) {
          const [vector] = await ctx.embed([question]);
          for (const ranking of ['words', 'embeddings'] as const) {
            const options = { count: RECALL_AT, minSimilarity: -1 };
            alone[ranking].push(index.search(question, vector!, options, ranking));
          }
        }
        return {};
      },
    }),
    {},
  );
  const row = (judge: keyof typeof judges): QualityRow => ({
    agent: 'answers',
    task: `retrieval: a ${judge} that answers is among the first ${RECALL_AT} sources`,
    data: `docs/ of this project, ${documents.length} pages; bench/questions/docs.json`,
    split: `${asked.length} questions`,
    seed,
    metric: `recall at ${RECALL_AT}, by ${judge}`,
    value: recall(ours, judge),
    baseline: { name: 'BM25 alone', value: recall(alone.words, judge) },
    note: `embeddings alone: ${recall(alone.embeddings, judge).toFixed(3)}`,
  });
  return [row('page'), row('section')];
}

/** A schema that accepts everything; benchmarks bring no library of schemas. */
function anything() {
  const form = () => ({ type: 'object' });
  return {
    '~standard': {
      version: 1,
      vendor: 'bench',
      validate: (value: unknown) => ({ value: value as Record<string, never> }),
      jsonSchema: { input: form, output: form },
    },
  } as const;
}

const CATALOGUE_EACH = 20;
const LIKES_PER_INTEREST = 3;
const INTERESTS = 3;
const RECOMMENDED = 10;
/** Interests are not equally common: the n-th has a weight of 1/n, so that what is popular is a fair guess. */
const USERS = { measured: 150, history: 450 } as const;

interface User {
  interests: string[];
  liked: string[];
}

export async function recommendationRows(
  { builtIn }: Product,
  yard: Yard,
  banking: Banking,
  { smoke, seed }: QualityContext,
): Promise<QualityRow[]> {
  const random = uniform(seed);
  const names = shuffled([...new Set(banking.test.map(({ label }) => label))], random).slice(0, smoke ? 8 : undefined);
  const pool = firstOfEach(
    banking.test.filter(({ label }) => names.includes(label)),
    smoke ? 5 : CATALOGUE_EACH,
  );
  const items = pool.map(({ text, label }, at) => ({ id: String(at), text, label }));
  const labelOf = new Map(items.map(({ id, label }) => [id, label]));
  const users = Array.from({ length: smoke ? 20 : USERS.measured + USERS.history }, () =>
    drawUser(items, names, random),
  );
  const [measured, history] = smoke
    ? [users.slice(0, 5), users.slice(5)]
    : [users.slice(0, USERS.measured), users.slice(USERS.measured)];
  const popularity = new Map<string, number>();
  for (const { liked } of history) for (const id of liked) popularity.set(id, (popularity.get(id) ?? 0) + 1);
  const mostPopular = items.map(({ id }) => id).sort((a, b) => (popularity.get(b) ?? 0) - (popularity.get(a) ?? 0));

  const agent = builtIn.recommendation({ items: items.map(({ id, text }) => ({ id, text })) });
  const judge = async (recommend: (user: User) => Promise<string[]> | string[]) => {
    const precisions: number[] = [];
    const coverages: number[] = [];
    for (const user of measured) {
      const labels = (await recommend(user)).map((id) => labelOf.get(id)!);
      const hits = labels.filter((label) => user.interests.includes(label));
      precisions.push(hits.length / RECOMMENDED);
      coverages.push(new Set(hits).size / INTERESTS);
    }
    return { precision: mean(precisions), coverage: mean(coverages) };
  };
  const ours = async ({ liked }: User, diversity?: number) => {
    const { items } = await yard.run(agent, { liked, count: RECOMMENDED, diversity });
    return items.map(({ id }) => id);
  };
  const popular = ({ liked }: User) => mostPopular.filter((id) => !liked.includes(id)).slice(0, RECOMMENDED);
  const [byUs, byRelevance, byPopularity] = [
    await judge((user) => ours(user)),
    await judge((user) => ours(user, 0)),
    await judge(popular),
  ];
  const common = {
    agent: 'recommendation',
    task: `people with ${INTERESTS} hidden interests, ${LIKES_PER_INTEREST} likes of each`,
    data: `${BANKING_DATA}, test: ${count(items.length)} texts as items, intents as interests`,
    split: `${measured.length} people measured; popularity counted from ${history.length} others`,
    seed,
  } as const;
  return [
    {
      ...common,
      metric: 'precision at 10',
      value: byUs.precision,
      baseline: { name: 'most popular', value: byPopularity.precision },
      note: `without diversity: ${byRelevance.precision.toFixed(3)}`,
    },
    {
      ...common,
      metric: 'interests met by the ten',
      value: byUs.coverage,
      baseline: { name: 'most popular', value: byPopularity.coverage },
      note: `without diversity: ${byRelevance.coverage.toFixed(3)}`,
    },
  ];
}

function drawUser(
  items: readonly { id: string; label: string }[],
  names: readonly string[],
  random: () => number,
): User {
  const interests = new Set<string>();
  const total = names.reduce((sum, _, at) => sum + 1 / (at + 1), 0);
  while (interests.size < Math.min(INTERESTS, names.length)) {
    interests.add(drawByRank(names, random() * total));
  }
  const liked = [...interests].flatMap((interest) =>
    shuffled(
      items.filter(({ label }) => label === interest),
      random,
    )
      .slice(0, LIKES_PER_INTEREST)
      .map(({ id }) => id),
  );
  return { interests: [...interests], liked };
}

interface Sorted {
  label: string;
  /** Of classification. */
  top: { label: string; confidence: number }[];
}

/** The name in whose stretch of the weights `at` lies. */
function drawByRank(names: readonly string[], at: number): string {
  let end = 0;
  for (const [index, name] of names.entries()) {
    end += 1 / (index + 1);
    if (at < end) return name;
  }
  return names.at(-1)!;
}

/** Results of an agent that sorts texts, in their order. */
async function inBatches(yard: Yard, agent: AnyAgent, texts: readonly string[]): Promise<Sorted[]> {
  const results: Sorted[] = [];
  for (let from = 0; from < texts.length; from += BATCH) {
    const output = (await yard.run(agent, { texts: texts.slice(from, from + BATCH) })) as { results: Sorted[] };
    results.push(...output.results);
  }
  return results;
}

function rightShare(results: readonly { isRight: boolean }[]): number {
  return results.filter(({ isRight }) => isRight).length / results.length;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
