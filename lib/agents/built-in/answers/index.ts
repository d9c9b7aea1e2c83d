export { type AnswersOptions, answers } from './answers.js';
export type { SourceDocument } from './documents.js';
export { type RetrievalOptions, retrieval } from './retrieval.js';
