/** One run of the responsiveness suite: calibrate, load the machine with batch work, probe, disconnect. */
import type { ChatStream } from '../../lib/index.js';
import { serveContender } from '../contender.js';
import { loadProduct } from '../product.js';
import { quantile } from '../statistics.js';
import type { Measurement } from '../suite.js';

export type ResponsivenessInput = {
  path: string;
  sequences: number;
  probes: number;
  disconnects: number;
  seed: number;
  /** Plain first come, first served with no kept slot, instead of the defaults. */
  firstCome: boolean;
};

const MODEL = 'm';
const BATCH_BACKLOG = 24;
const BATCH_PROMPT_TOKENS = 512;
const BATCH_OUTPUT_TOKENS = 64;
const PROBE_PROMPT_TOKENS = 32;
const CONTEXT_TOKENS = 1_024;

serveContender<ResponsivenessInput>(async (input) => {
  const { Yard, Random } = {
    ...(await loadProduct<typeof import('../../lib/index.js')>('index.js')),
    ...(await loadProduct<typeof import('../../lib/base/random.js')>('base/random.js')),
  };
  const random = new Random(input.seed);
  const yard = new Yard({
    models: {
      [MODEL]: {
        path: input.path,
        sequences: input.sequences,
        contextTokens: CONTEXT_TOKENS,
        keepInteractive: input.firstCome ? 0 : 1,
      },
    },
    ...(input.firstCome && { order: 'fcfs' as const, share: 'none' as const }),
  });
  // Token ids of ordinary words; every prompt is another one, so that no prefix is reused.
  const prompt = (tokens: number) => Array.from({ length: tokens }, () => 300 + random.below(20_000));
  const ask = (tokens: number, maxTokens: number, hints: { class: 'interactive' | 'batch'; signal?: AbortSignal }) =>
    yard.complete({ model: MODEL, prompt: prompt(tokens), maxTokens, temperature: 0, ...hints });

  try {
    await yard.ready();
    await ask(BATCH_PROMPT_TOKENS, 4, { class: 'batch' }).result();
    const chunkMs = await measureChunkMs();
    const stepMs = await measureStepMs();

    const load = new BatchLoad(() => ask(BATCH_PROMPT_TOKENS, BATCH_OUTPUT_TOKENS, { class: 'batch' }));
    await load.begin();
    const firstTokenMs: number[] = [];
    let overtaken = 0;
    for (let probe = 0; probe < input.probes; probe++) {
      const notBegun = load.notBegun();
      const submittedMs = performance.now();
      const stream = ask(PROBE_PROMPT_TOKENS, 8, { class: 'interactive' });
      let isFirst = true;
      for await (const _ of stream) {
        if (!isFirst) continue;
        isFirst = false;
        firstTokenMs.push(performance.now() - submittedMs);
        overtaken += notBegun.filter((batch) => batch.hasBegun).length;
      }
      await load.nextEnd();
    }
    const freedMs: number[] = [];
    for (let round = 0; round < input.disconnects; round++) freedMs.push(await disconnect(load));
    const gaps = load.end();

    const row = (metric: string, unit: string, value: number): Measurement => ({ metric, unit, value });
    const rows = [
      row('first token, median', 'ms', quantile(firstTokenMs, 0.5)),
      row('first token, worst', 'ms', Math.max(...firstTokenMs)),
      row('batch prompts that began later and were first', 'prompts', overtaken),
      row('one planned chunk', 'ms', chunkMs),
      row('one decode step, all sequences', 'ms', stepMs),
      row('gap between tokens of a running stream, p50', 'ms', quantile(gaps, 0.5)),
      row('gap between tokens of a running stream, p99', 'ms', quantile(gaps, 0.99)),
      row('gap p99 / (chunk + step)', 'ratio', quantile(gaps, 0.99) / (chunkMs + stepMs)),
    ];
    if (freedMs.length > 0)
      rows.push(row('disconnect in prefill, slot in use again, p95', 'ms', quantile(freedMs, 0.95)));
    return rows;
  } finally {
    await yard.close();
  }

  /** Median time of one chunk of the planned size, from prompts of many chunks on the idle machine. */
  async function measureChunkMs(): Promise<number> {
    const { chunkTokens = 64 } = yard.models()[0]!;
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const chunks = Math.floor((CONTEXT_TOKENS - 16) / chunkTokens);
      const result = await ask(chunks * chunkTokens, 1, { class: 'batch' }).result();
      times.push((result.firstTokenMs! - result.waitMs) / chunks);
    }
    return quantile(times, 0.5);
  }

  /** Median time of a step in which every sequence generates and nothing is read. */
  async function measureStepMs(): Promise<number> {
    const streams = Array.from({ length: input.sequences }, () => ask(16, 48, { class: 'interactive' }));
    const gaps: number[] = [];
    let running = 0;
    await Promise.all(
      streams.map(async (stream) => {
        let lastMs: number | undefined;
        for await (const _ of stream) {
          const nowMs = performance.now();
          if (lastMs === undefined) running++;
          else if (running === input.sequences) gaps.push(nowMs - lastMs);
          lastMs = nowMs;
        }
        running = Number.NEGATIVE_INFINITY;
      }),
    );
    return quantile(gaps, 0.5);
  }

  /** A caller leaves in the middle of a long prompt while another waits for a slot: how long until that one starts? */
  async function disconnect(load: BatchLoad): Promise<number> {
    const controller = new AbortController();
    const victim = ask(CONTEXT_TOKENS - 64, 8, { class: 'interactive', signal: controller.signal });
    await victim.started();
    const heir = ask(PROBE_PROMPT_TOKENS, 2, { class: 'interactive' });
    await heir.accepted();
    // Steps end while its prompt is read: two of them, and it is in the middle.
    for (let step = 0; step < 2; step++) await load.nextStep();
    const leftMs = performance.now();
    controller.abort();
    await heir.started();
    const freedMs = performance.now() - leftMs;
    await heir.result();
    return freedMs;
  }
});

interface Batch {
  stream: ChatStream;
  /** In a slot: its prompt is being read or it generates. */
  isStarted: boolean;
  hasBegun: boolean;
}

/** Keeps a backlog of batch work at its size and notes the gaps between the parts of each stream. */
class BatchLoad {
  readonly #make: () => ChatStream;
  readonly #batches = new Set<Batch>();
  readonly #gaps: number[] = [];
  #isOver = false;
  #onEnd: (() => void)[] = [];
  #onStep: (() => void)[] = [];

  constructor(make: () => ChatStream) {
    this.#make = make;
  }

  /** Resolves when the first of them have generated: the machine is full. */
  async begin(): Promise<void> {
    for (let i = 0; i < BATCH_BACKLOG; i++) this.#add();
    await this.nextEnd();
  }

  notBegun(): Batch[] {
    return [...this.#batches].filter(({ isStarted }) => !isStarted);
  }

  nextEnd(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEnd.push(resolve);
    });
  }

  /** Resolves when a running stream got a token: an engine step ended. */
  nextStep(): Promise<void> {
    return new Promise((resolve) => {
      this.#onStep.push(resolve);
    });
  }

  end(): number[] {
    this.#isOver = true;
    for (const { stream } of this.#batches) stream.cancel();
    return this.#gaps;
  }

  #add(): void {
    const batch: Batch = { stream: this.#make(), isStarted: false, hasBegun: false };
    this.#batches.add(batch);
    batch.stream.started().then(
      () => {
        batch.isStarted = true;
      },
      () => {},
    );
    void this.#read(batch);
  }

  async #read(batch: Batch): Promise<void> {
    let lastMs: number | undefined;
    try {
      for await (const _ of batch.stream) {
        const nowMs = performance.now();
        batch.hasBegun = true;
        for (const resolve of this.#onStep.splice(0)) setImmediate(resolve);
        if (lastMs !== undefined) this.#gaps.push(nowMs - lastMs);
        lastMs = nowMs;
      }
    } catch (error) {
      if (!this.#isOver) throw error;
    }
    this.#batches.delete(batch);
    if (this.#isOver) return;
    this.#add();
    for (const resolve of this.#onEnd.splice(0)) resolve();
  }
}
