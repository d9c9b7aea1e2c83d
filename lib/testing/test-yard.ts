/** A real yard (same scheduler, ledger and event log) over fake models: no engine process, no model file, no native code. */
import { fileURLToPath } from 'node:url';
import type { Clock } from '../base/clock.js';
import { InvalidOptionError } from '../base/errors.js';
import type { GgufHeader, HostMemory } from '../memory/index.js';
import { Yard, type YardPorts } from '../yard.js';
import type { YardOptions } from '../yard-options.js';
import { DEFAULT_CONTEXT_TOKENS, DEFAULT_SEQUENCES, type FakeModel } from './fake-model.js';

export interface TestYardOptions extends Omit<YardOptions, 'models'> {
  /** Fake models by the name that requests use. Default: none. */
  models?: Readonly<Record<string, FakeModel>> | undefined;
  /** Default: the process's monotonic clock. With a virtual clock time stands still until it is told to go on. */
  clock?: Clock | undefined;
}

/** Every file will do where nobody reads it: a yard asks the system when its models were made. */
const MODEL_FILE = fileURLToPath(import.meta.url);
const MEMORY_BYTES = 2 ** 36;

/**
 * A yard whose models are fakes, all of them ready. Close it as any other.
 * @throws {@link InvalidOptionError}, and what {@link Yard}'s constructor throws
 */
export async function createTestYard(options: TestYardOptions = {}): Promise<Yard> {
  const { models = {}, clock, ...rest } = options;
  const settings = Object.entries(models).map(
    ([
      name,
      {
        options: { sequences, contextTokens },
      },
    ]) => {
      const model = {
        path: MODEL_FILE,
        sequences: sequences ?? DEFAULT_SEQUENCES,
        contextTokens: contextTokens ?? DEFAULT_CONTEXT_TOKENS,
        // A test that says how many requests run at once means it.
        keepInteractive: 0,
      };
      return [name, model] as const;
    },
  );
  const ports: Partial<YardPorts> = {
    createBackend: ({ model, contextTokens }) => modelOf(models, model).makeBackend(model, contextTokens),
    readHeader: async () => HEADER,
    readMemory: () => MEMORY,
    ...(clock === undefined ? {} : { clock }),
  };
  const yard = new Yard({ ...rest, models: Object.fromEntries(settings) }, ports);
  try {
    await yard.ready();
  } catch (error) {
    await yard.close();
    throw error;
  }
  return yard;
}

function modelOf(models: Readonly<Record<string, FakeModel>>, name: string): FakeModel {
  const model = models[name];
  if (model === undefined) throw new InvalidOptionError('models', `There is no fake model "${name}".`);
  return model;
}

const MEMORY: HostMemory = {
  totalBytes: MEMORY_BYTES,
  availableBytes: MEMORY_BYTES,
  machineAvailableBytes: MEMORY_BYTES,
  limitBytes: undefined,
  tightest: undefined,
  source: 'node',
};

/** The smallest header that a yard is content with; only the context counts, which a fake model chooses itself. */
const HEADER: GgufHeader = {
  architecture: 'fake',
  name: 'fake model',
  contextTokens: Number.MAX_SAFE_INTEGER,
  layers: 1,
  heads: 1,
  kvHeads: 1,
  kvHeadsTotal: 1,
  keyDim: 1,
  valueDim: 1,
  embeddingLength: 1,
  feedForward: 1,
  vocabSize: 1,
  hasChatTemplate: true,
  poolingType: undefined,
  causal: true,
  tensorBytes: 0,
  fileBytes: 0,
  tensorCount: 0,
  standIn: false,
};
