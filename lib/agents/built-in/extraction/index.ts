export { type Extracted, type ExtractionOptions, extraction } from './extraction.js';
export type { Evidence } from './grounding.js';
