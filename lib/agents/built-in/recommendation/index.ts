export type { RecommendedItem } from './items.js';
export { type RecommendationOptions, recommendation } from './recommendation.js';
