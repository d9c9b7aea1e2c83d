/** One contender of the engine suite: loads, warms up, and measures the rate of one round. */
import { serveContender } from '../contender.js';
import { loadProduct } from '../product.js';

export type EngineInput = {
  contender: 'agentyard' | 'free-running';
  path: string;
  sequences: number;
  flashAttention: boolean;
  outputTokens: number;
};

const PROMPT_TOKENS = 16;
const CONTEXT_TOKENS = 512;

type Round = (seed: number) => Promise<number>;

serveContender<EngineInput>(async (input) => {
  const { round, close } = input.contender === 'agentyard' ? await openYard(input) : await openFreeRunning(input);
  try {
    await round(1);
    const begin = performance.now();
    const tokens = await round(2);
    return [{ metric: 'generation rate', unit: 'tok/s', value: (tokens / (performance.now() - begin)) * 1_000 }];
  } finally {
    await close();
  }
});

/** The same prompts for every contender; no two share a prefix. */
function prompts(sequences: number, seed: number, vocabulary: number): number[][] {
  return Array.from({ length: sequences }, (_, sequence) =>
    Array.from(
      { length: PROMPT_TOKENS },
      (_, at) => 10 + ((seed * 31_337 + sequence * 7_919 + at * 104_729) % (vocabulary - 20)),
    ),
  );
}

async function vocabularyOf(path: string): Promise<number> {
  const memory = await loadProduct<typeof import('../../lib/memory/index.js')>('memory/index.js');
  return (await memory.readGgufHeader(path)).vocabSize;
}

async function openYard(input: EngineInput): Promise<{ round: Round; close: () => Promise<void> }> {
  const { Yard } = await loadProduct<typeof import('../../lib/index.js')>('index.js');
  const { path, sequences, flashAttention } = input;
  const vocabulary = await vocabularyOf(path);
  const yard = new Yard({
    models: { m: { path, sequences, flashAttention, contextTokens: CONTEXT_TOKENS, keepInteractive: 0, threads: 2 } },
  });
  await yard.ready();
  const round: Round = async (seed) => {
    const results = await Promise.all(
      prompts(sequences, seed, vocabulary).map((prompt) =>
        yard.complete({ model: 'm', prompt, maxTokens: input.outputTokens, temperature: 0 }).result(),
      ),
    );
    return results.reduce((sum, { usage }) => sum + usage.outputTokens, 0);
  };
  return { round, close: () => yard.close() };
}

async function openFreeRunning(input: EngineInput): Promise<{ round: Round; close: () => Promise<void> }> {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
  const { path, sequences, flashAttention } = input;
  const vocabulary = await vocabularyOf(path);
  const llama = await getLlama({ build: 'never', gpu: false, maxThreads: 2, logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({
    contextSize: CONTEXT_TOKENS,
    sequences,
    batchSize: 512,
    threads: 2,
    flashAttention,
  });
  const all = Array.from({ length: sequences }, () => context.getSequence());
  const round: Round = async (seed) => {
    const each = prompts(sequences, seed, vocabulary);
    const counts = await Promise.all(
      all.map(async (sequence, index) => {
        await sequence.clearHistory();
        let count = 0;
        type Tokens = Parameters<typeof sequence.evaluate>[0];
        for await (const _ of sequence.evaluate(each[index] as Tokens, { temperature: 0 })) {
          if (++count === input.outputTokens) break;
        }
        return count;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
  return { round, close: () => llama.dispose() };
}
