/** How many tokens a text will take, before any model has counted. */

/**
 * UTF-8 bytes that one token stands for, at least, in running text. Byte-pair vocabularies take 3.5 to 4.5 in English and 2.5 to 3 in other
 * European languages; SmolLM2, whose vocabulary is English, takes 2.2 in German and 1.3 in Chinese.
 */
export const BYTES_PER_TOKEN = 2.5;

/** Rounded up, and meant to be too large rather than too small. */
export function estimateTokens(text: string): number {
  return tokensOfBytes(Buffer.byteLength(text));
}

export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}
