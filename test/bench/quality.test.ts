/** The quality suite on a few generated rows (its real data may not be here), and its table in the documentation. */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Row } from '../../bench/suite.js';
import { qualityTable } from '../../bench/suites/quality.js';
import type { QualityContext } from '../../bench/suites/quality-row.js';
import {
  classificationRows,
  type Product,
  recommendationRows,
  retrievalRows,
  sentimentRows,
} from '../../bench/suites/quality-vectors.js';
import { isAnsweredBy, readPages, readQuestions } from '../../bench/suites/support/questions.js';
import { RetrievalIndex } from '../../lib/agents/built-in/answers/retrieval-index.js';
import * as builtIn from '../../lib/agents/built-in/index.js';
import { defineAgent } from '../../lib/agents/index.js';
import { createTestYard, hashedEmbedder, scriptedModel } from '../../lib/testing/index.js';
import type { Yard } from '../../lib/yard.js';

console.log('The quality suite runs on generated rows here; `npm run bench -- quality` runs it on the real ones.');

const product: Product = { builtIn, RetrievalIndex, defineAgent };
const context: QualityContext = {
  smoke: true,
  seed: 1,
  scratch: '',
  shared: undefined,
  note: () => {},
  skip: () => {},
};
let yard: Yard;

beforeAll(async () => {
  yard = await createTestYard({ models: { embedder: hashedEmbedder(), model: scriptedModel() } });
});
afterAll(() => yard.close());

const SUBJECTS = [
  'card lost',
  'pin forgotten',
  'rate euro',
  'transfer pending',
  'app crash',
  'fee cash',
  'limit top',
  'refund late',
];
const rowsOf = (from: number, to: number) =>
  SUBJECTS.flatMap((label) =>
    Array.from({ length: to - from }, (_, i) => ({ label, text: `${label} number ${from + i} please` })),
  );
const banking = { train: rowsOf(0, 12), test: rowsOf(20, 30) };

it('classification: accuracy beside the nearest centroid', async () => {
  const rows = await classificationRows(product, yard, banking, true, context);
  expect(rows[0]).toMatchObject({ agent: 'classification', metric: 'accuracy', value: 1, seed: 1 });
  expect(rows[0]!.baseline.name).toBe('nearest centroid');
});

it('sentiment: the mean over seeds', async () => {
  const editorials = Array.from({ length: 60 }, (_, i) =>
    i % 2 === 0 ? { text: `lovely thing ${i}`, score: 2 } : { text: `nasty thing ${i}`, score: -2 },
  );
  const [row] = await sentimentRows(product, yard, editorials, context);
  expect(row!.value).toBeGreaterThan(0.9);
});

it('recommendation: better than what is popular', async () => {
  const [precision] = await recommendationRows(product, yard, banking, context);
  expect(precision!.value).toBeGreaterThan(precision!.baseline.value);
});

it('retrieval: recall of questions, BM25 beside it', async () => {
  const documents = [{ id: 'a.md', text: '# Roses\nRoses are cut in March.\n## Soil\nCompost feeds it.' }];
  const questions = [
    { question: 'When are roses cut?', answers: [{ page: 'a.md', section: 'Roses' }] },
    { question: 'What about compost?', answers: [{ page: 'a.md', section: 'No such' }] },
  ];
  const rows = await retrievalRows(product, yard, questions, documents, context);
  expect(rows.map(({ metric, value, baseline }) => [metric, value, baseline])).toEqual([
    ['recall at 5, by page', 1, { name: 'BM25 alone', value: 1 }],
    ['recall at 5, by section', 0.5, { name: 'BM25 alone', value: 0.5 }],
  ]);
});

it('a title stands for what is before the first section, a section for what is below it', () => {
  const question = { question: '', answers: [{ page: 'a.md', section: 'A' }] };
  const below = { question: '', answers: [{ page: 'a.md', section: 'B' }] };
  expect(isAnsweredBy(question, { document: 'a.md', section: 'A' })).toBe(true);
  expect(isAnsweredBy(question, { document: 'a.md', section: 'A › B' })).toBe(false);
  expect(isAnsweredBy(below, { document: 'a.md', section: 'A › B › C' })).toBe(true);
  expect(isAnsweredBy(below, { document: 'b.md', section: 'A › B' })).toBe(false);
});

it('has at least 60 questions, none twice, whose answers are headings of the pages', () => {
  const questions = readQuestions('.');
  expect(new Set(questions.map(({ question }) => question)).size).toBeGreaterThanOrEqual(60);
  const pages = new Map(readPages('.').map(({ id, text }) => [id, text]));
  const missing = questions.flatMap(({ question, answers }) =>
    answers
      .filter(
        ({ page, section }) =>
          !(pages.get(page) ?? '').split('\n').some((line) => line.replace(/^#+ /, '') === section && line !== section),
      )
      .map((place) => ({ question, ...place })),
  );
  expect(missing).toEqual([]);
});

it('docs/quality.md shows the recorded figures and no others, and says so where there are none', () => {
  const recorded = 'bench/results/quality.json';
  const page = readFileSync('docs/quality.md', 'utf8');
  const table = existsSync(recorded)
    ? qualityTable((JSON.parse(readFileSync(recorded, 'utf8')) as { rows: Row[] }).rows)
    : 'No figures of a whole run are committed yet.';
  expect(page).toContain(`\n${table}\n`);
});
