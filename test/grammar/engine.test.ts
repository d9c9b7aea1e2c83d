/** The engine's own reader of grammars takes what is written for it, and agrees about every value. */
import { getLlama, type Llama, type LlamaGrammar, LlamaLogLevel } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileGrammar } from '../../lib/grammar/index.js';
import { EXAMPLES } from './schemas.js';

let llama: Llama;

beforeAll(async () => {
  llama = await getLlama({ build: 'never', gpu: false, logLevel: LlamaLogLevel.error, skipDownload: true });
});
afterAll(() => llama.dispose());

/** The library has the check, and leaves it out of its types. */
function accepts(grammar: LlamaGrammar, text: string): boolean {
  return (grammar as unknown as { _testText(text: string): boolean })._testText(text);
}

describe.each(EXAMPLES)('$name', ({ schema, valid, invalid = [] }) => {
  it('is read, and means the same', async () => {
    const grammar = await llama.createGrammar({ grammar: compileGrammar(schema, { lineEnd: true }).gbnf });
    for (const value of valid) {
      const text = JSON.stringify(value);
      expect(accepts(grammar, text), text.slice(0, 80)).toBe(true);
      expect(accepts(grammar, `${text}\n`), text.slice(0, 80)).toBe(true);
      expect(accepts(grammar, `${text}\n\n`)).toBe(false);
    }
    for (const value of invalid)
      expect(accepts(grammar, JSON.stringify(value)), JSON.stringify(value).slice(0, 80)).toBe(false);
  });
});
