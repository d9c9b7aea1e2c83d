export type { SentimentExamples } from './examples.js';
export { type SentimentOptions, sentiment } from './sentiment.js';
