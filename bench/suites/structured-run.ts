/** Generations under schemas, judged by ajv; and the rate of bound and free generation side by side. */
import { createRequire } from 'node:module';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { serveContender } from '../contender.js';
import { loadProduct } from '../product.js';
import type { Measurement } from '../suite.js';
import { CASES, type StructuredCase } from './structured-schemas.js';

export type StructuredInput = { path: string; sequences: number; maxTokens: number } & (
  | { kind: 'validity'; perCase: number; seed: number }
  | { kind: 'rate'; bound: 'free' | 'string' | 'objects' }
);

const MODEL = 'm';
const CONTEXT_TOKENS = 1_024;
const TEMPERATURE = 0.8;

const addFormats = createRequire(import.meta.url)('ajv-formats') as (ajv: Ajv2020) => void;

serveContender<StructuredInput>(async (input) => {
  const { Yard } = await loadProduct<typeof import('../../lib/index.js')>('index.js');
  const { path, sequences, maxTokens } = input;
  const yard = new Yard({
    models: { [MODEL]: { path, sequences, contextTokens: CONTEXT_TOKENS, keepInteractive: 0 } },
  });
  const ask = (content: string, seed: number, jsonSchema?: Readonly<Record<string, unknown>>) =>
    yard
      .chat({
        model: MODEL,
        messages: [{ role: 'user', content }],
        temperature: TEMPERATURE,
        maxTokens,
        seed,
        ...(jsonSchema !== undefined && { jsonSchema }),
      })
      .result();
  try {
    await yard.ready();
    await ask('Say hello.', 1, { type: 'string', maxLength: 10 });
    return input.kind === 'validity' ? await validity(input) : await rate(input.bound);
  } finally {
    await yard.close();
  }

  async function validity({ perCase, seed }: StructuredInput & { kind: 'validity' }): Promise<Measurement[]> {
    const tallies = CASES.map((one) => new Tally(one));
    const began = performance.now();
    let tokens = 0;
    const todo = tallies.flatMap((tally, at) =>
      Array.from({ length: perCase }, (_, i) => async () => {
        const { prompt, schema } = tally.case;
        const result = await ask(`${prompt} Answer with one JSON object.`, seed + at * perCase + i, schema);
        tokens += result.usage.outputTokens;
        tally.add(result.text, result.finishReason);
      }),
    );
    // Twice as many as there are sequences: none stands idle, and nobody waits for longer than the queue lets them.
    const worker = async () => {
      for (let next = todo.shift(); next !== undefined; next = todo.shift()) await next();
    };
    await Promise.all(Array.from({ length: 2 * sequences }, worker));
    const seconds = (performance.now() - began) / 1_000;
    const sum = (of: (tally: Tally) => number) => tallies.reduce((all, one) => all + of(one), 0);
    const total = perCase * tallies.length;
    return [
      share('valid, all schemas', sum(({ valid }) => valid) / total),
      share('ended by the limit, all schemas', sum(({ cut }) => cut) / total),
      { metric: 'invalid, all schemas', unit: 'answers', value: sum(({ invalid }) => invalid) },
      share(
        'optional properties left out, all schemas',
        sum(({ absent }) => absent) /
          Math.max(
            1,
            sum(({ offered }) => offered),
          ),
      ),
      { metric: 'generation rate', unit: 'tok/s', value: tokens / seconds },
      ...tallies.flatMap((tally) => tally.measurements(perCase)),
    ];
  }

  async function rate(bound: 'free' | 'string' | 'objects'): Promise<Measurement[]> {
    const schema = { free: undefined, string: LONG_STRING, objects: MANY_OBJECTS }[bound];
    const began = performance.now();
    const results = await Promise.all(
      Array.from({ length: sequences * 2 }, (_, i) =>
        ask(`${i}. Tell a long story about a town by the sea, as a list of what happens.`, i + 1, schema),
      ),
    );
    const tokens = results.reduce((all, { usage }) => all + usage.outputTokens, 0);
    return [{ metric: 'generation rate', unit: 'tok/s', value: tokens / ((performance.now() - began) / 1_000) }];
  }
});

/** Neither ends before the limit of tokens, so that all contenders generate alike. */
const LONG_STRING = { type: 'string', minLength: 4_000, maxLength: 8_000 };
const MANY_OBJECTS = {
  type: 'array',
  minItems: 200,
  maxItems: 400,
  items: {
    type: 'object',
    properties: {
      day: { type: 'integer', minimum: 1, maximum: 365 },
      what: { type: 'string', maxLength: 40 },
      kind: { enum: ['good', 'bad', 'strange'] },
    },
    required: ['what', 'kind'],
  },
};

class Tally {
  readonly case: StructuredCase;
  readonly #isValid: ReturnType<Ajv2020['compile']>;
  readonly #absent = new Map<string, number>();
  valid = 0;
  cut = 0;
  invalid = 0;

  constructor(one: StructuredCase) {
    this.case = one;
    const ajv = new Ajv2020({ strict: false });
    addFormats(ajv);
    this.#isValid = ajv.compile(one.schema);
    const { properties = {}, required = [] } = one.schema as { properties?: object; required?: string[] };
    for (const name of Object.keys(properties)) if (!required.includes(name)) this.#absent.set(name, 0);
  }

  /** Optional properties of the outermost object, in all valid answers, and how often they were left out. */
  get offered(): number {
    return this.#absent.size * this.valid;
  }

  get absent(): number {
    return [...this.#absent.values()].reduce((all, one) => all + one, 0);
  }

  add(text: string, finishReason: string): void {
    if (finishReason !== 'stop') {
      this.cut++;
      return;
    }
    const value = parsed(text);
    if (!this.#isValid(value)) {
      this.invalid++;
      process.stderr.write(`${this.case.name}: ${text}\n`);
      return;
    }
    this.valid++;
    for (const [name, count] of this.#absent) {
      if (!Object.hasOwn(value as object, name)) this.#absent.set(name, count + 1);
    }
  }

  measurements(asked: number): Measurement[] {
    const { name } = this.case;
    return [
      share(`${name}: valid`, this.valid / asked),
      share(`${name}: ended by the limit`, this.cut / asked),
      share(`${name}: invalid`, this.invalid / asked),
      ...[...this.#absent].map(([field, count]) =>
        share(`${name}: without "${field}"`, count / Math.max(1, this.valid)),
      ),
    ];
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function share(metric: string, ratio: number): Measurement {
  return { metric, unit: '%', value: ratio * 100 };
}
