export { type SummaryOptions, summary } from './summary.js';
