export { compileGrammar, type Grammar } from './compile.js';
export { DEFAULT_OPTIONS, type GrammarOptions } from './parts.js';
export type { JsonSchema } from './schema.js';
