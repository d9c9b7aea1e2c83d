/** One contender of the engine suite: with flash attention and without, each loaded, warmed up, and measured in one round. */
import { serveContender } from '../contender.js';
import { loadProduct } from '../product.js';

export type EngineInput = {
  contender: 'agentyard' | 'free-running';
  path: string;
  sequences: number;
  outputTokens: number;
  /** Prompts in English; else pseudo-random token ids, for a model that was never trained. */
  isTrained: boolean;
};

type Prompt = string | number[];

interface Opened {
  /** Runs all prompts at once; the number of tokens that were generated. */
  round(prompts: readonly Prompt[], outputTokens: number): Promise<number>;
  close(): Promise<void>;
}

const CONTEXT_TOKENS = 512;
const THREADS = 2;
const WARM_UP_TOKENS = 8;
const PROMPT_TOKENS = 16;
const LOWEST_TOKEN = 300;
const TOKENS_DRAWN_FROM = 64;

serveContender<EngineInput>(async (input) => {
  const open = input.contender === 'agentyard' ? openYard : openFreeRunning;
  const rates: number[] = [];
  for (const flashAttention of [true, false]) {
    const opened = await open(input, flashAttention);
    try {
      await opened.round(promptsOf(input, 1), WARM_UP_TOKENS);
      const begin = performance.now();
      const tokens = await opened.round(promptsOf(input, 2), input.outputTokens);
      rates.push((tokens / (performance.now() - begin)) * 1_000);
    } finally {
      await opened.close();
    }
  }
  const [on, off] = rates as [number, number];
  return [
    { metric: 'generation rate, the better setting', unit: 'tok/s', value: Math.max(on, off) },
    { metric: 'with flash attention', unit: 'tok/s', value: on },
    { metric: 'without flash attention', unit: 'tok/s', value: off },
  ];
});

const HEROES = ['a baker', 'a sailor', 'a young fox', 'an old clock', 'two sisters', 'a gardener', 'a robot', 'a king'];
const PLACES = ['the harbour', 'the mountains', 'a small town', 'the desert', 'the library', 'the night train'];

/** The same for every contender, and no two with a common beginning of more than a few words. */
function promptsOf({ sequences, isTrained }: EngineInput, round: number): Prompt[] {
  return Array.from({ length: sequences }, (_, at) => {
    const number = at + round * sequences;
    if (isTrained) {
      return `${number}. A long story about ${HEROES[number % HEROES.length]} in ${PLACES[number % PLACES.length]}, chapter by chapter: Once upon a time`;
    }
    return Array.from(
      { length: PROMPT_TOKENS },
      (_, place) => LOWEST_TOKEN + ((number * 7_919 + place * 104_729) % TOKENS_DRAWN_FROM),
    );
  });
}

async function openYard({ path, sequences }: EngineInput, flashAttention: boolean): Promise<Opened> {
  const { Yard } = await loadProduct<typeof import('../../lib/index.js')>('index.js');
  const model = {
    path,
    sequences,
    flashAttention,
    contextTokens: CONTEXT_TOKENS,
    keepInteractive: 0,
    threads: THREADS,
  };
  const yard = new Yard({ models: { m: model } });
  await yard.ready();
  return {
    async round(prompts, maxTokens) {
      const results = await Promise.all(
        prompts.map((prompt) => yard.complete({ model: 'm', prompt, maxTokens, temperature: 0 }).result()),
      );
      return results.reduce((sum, { usage }) => sum + usage.outputTokens, 0);
    },
    close: () => yard.close(),
  };
}

async function openFreeRunning({ path, sequences }: EngineInput, flashAttention: boolean): Promise<Opened> {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
  const llama = await getLlama({ build: 'never', gpu: false, maxThreads: THREADS, logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({
    contextSize: CONTEXT_TOKENS,
    sequences,
    batchSize: 512,
    threads: THREADS,
    flashAttention,
  });
  const all = Array.from({ length: sequences }, () => context.getSequence());
  return {
    async round(prompts, outputTokens) {
      const counts = await Promise.all(
        all.map(async (sequence, index) => {
          await sequence.clearHistory();
          const prompt = prompts[index]!;
          const tokens = typeof prompt === 'string' ? model.tokenize(prompt) : prompt;
          let count = 0;
          for await (const _ of sequence.evaluate(tokens as ReturnType<typeof model.tokenize>, { temperature: 0 })) {
            if (++count === outputTokens) break;
          }
          return count;
        }),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
    close: () => llama.dispose(),
  };
}
