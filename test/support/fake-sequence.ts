/** A sequence of a context that holds numbers and computes nothing. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { LlamaContextSequence, Token } from 'node-llama-cpp';

/** Magic number and version of llama.cpp's file of a sequence. */
const HEAD = [0x67677371, 2];

/** A sequence whose model says 65, 66, 67… for ever. It fails on the token 13. */
export class FakeSequence {
  tokens: number[] = [];
  needsCheckpoints = false;
  /** Bytes of a saved token, its number included. */
  bytesPerToken = 100;
  /** The next save leaves half a file behind and fails, as on a full disk. */
  failsToSave = false;

  /** As the code under test takes it. */
  get asSequence(): LlamaContextSequence {
    return this as unknown as LlamaContextSequence;
  }

  get nextTokenIndex(): number {
    return this.tokens.length;
  }

  get contextTokens(): Token[] {
    return [...this.tokens] as Token[];
  }

  compareContextTokens(tokens: readonly number[]) {
    const at = this.tokens.findIndex((token, index) => token !== tokens[index]);
    return { firstDifferentIndex: at < 0 ? this.tokens.length : at };
  }

  /** Tokens that would be computed again to go back to `index`: none where any prefix can be kept. */
  recomputedAt: (index: number) => number = () => 0;

  getRestoreToPrefixIndexEvaluationSize(index: number): number {
    return this.recomputedAt(index);
  }

  async eraseContextTokenRanges([{ start, end }]: [{ start: number; end: number }]): Promise<void> {
    this.tokens.splice(start, end - start);
  }

  async evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void> {
    if (tokens.includes(13)) throw new Error('decode failed');
    this.tokens.push(...tokens);
  }

  async *evaluate(tokens: readonly number[]): AsyncGenerator<number, void> {
    await this.evaluateWithoutGeneratingNewTokens(tokens);
    for (let next = 65; ; next++) {
      yield next;
      this.tokens.push(next);
    }
  }

  async clearHistory(): Promise<void> {
    this.tokens = [];
  }

  async saveStateToFile(path: string): Promise<{ fileSize: number }> {
    const head = Uint32Array.of(...HEAD, this.tokens.length, ...this.tokens);
    const file = Buffer.alloc(12 + this.tokens.length * this.bytesPerToken);
    Buffer.from(head.buffer).copy(file);
    if (this.failsToSave) {
      writeFileSync(path, file.subarray(0, file.length / 2));
      throw new Error('Failed to save state to file');
    }
    writeFileSync(path, file);
    return { fileSize: file.length };
  }

  async loadStateFromFile(path: string): Promise<void> {
    this.tokens = [];
    const file = readFileSync(path);
    const count = file.readUInt32LE(8);
    this.tokens = Array.from({ length: count }, (_, i) => file.readUInt32LE(12 + 4 * i));
  }
}
