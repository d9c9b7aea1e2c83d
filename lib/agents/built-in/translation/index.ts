export type { Glossary } from './glossary.js';
export type { Loss } from './losses.js';
export { type TranslationOptions, translation } from './translation.js';
