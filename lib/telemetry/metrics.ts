/**
 * The yard in Prometheus' text format. Where vLLM has a metric of the same meaning, its stem and label name are used, so that its
 * dashboards work after `vllm:` is replaced by `agentyard:`. Labels are bounded: served models, classes, outcomes, pools, rules,
 * routes; never a tenant, and never anything that a client wrote.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { TaskRecord, YardService, YardStats } from '../runtime/service.js';

export interface Metrics {
  /** Content type of {@link Metrics.text}. */
  readonly contentType: string;
  /** All metrics, as of now. */
  text(): Promise<string>;
  /** Counts a request that ended. `route` is the route's pattern. */
  httpRequest(route: string, status: number): void;
  /** Stops listening to the yard. */
  close(): void;
}

const PREFIX = 'agentyard:';

/** Seconds. From a cached first token to a batch job of an hour; vLLM's buckets, thinned. */
const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600];

/** vLLM's words for how an answer ended. */
const FINISHED_REASON = { stop: 'stop', length: 'length', cancelled: 'abort' } as const;

/** Starts to observe `yard`; every call makes a registry of its own. */
export function createMetrics(yard: YardService): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const observe = registerHistograms(registry, yard);
  registerSnapshot(registry, yard);
  const requests = new Counter({
    name: `${PREFIX}http_requests_total`,
    help: 'HTTP requests that ended, by route pattern and status.',
    labelNames: ['route', 'status'],
    registers: [registry],
  });
  const unsubscribe = yard.onSettled(observe);
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    httpRequest: (route, status) => requests.inc({ route, status: String(status) }),
    close: () => {
      unsubscribe();
      registry.clear();
    },
  };
}

/** Distributions come from the record of each settled task. Returns what takes a record. */
function registerHistograms(registry: Registry, yard: YardService): (record: TaskRecord) => void {
  const labelNames = ['model_name', 'class'] as const;
  const histogram = (stem: string, help: string) =>
    new Histogram({ name: PREFIX + stem, help, labelNames, buckets: LATENCY_BUCKETS, registers: [registry] });
  const queueTime = histogram(
    'request_queue_time_seconds',
    'From submission to the start in a slot, of tasks that were answered.',
  );
  const firstToken = histogram('time_to_first_token_seconds', 'From submission to the first token.');
  const endToEnd = histogram('e2e_request_latency_seconds', 'From submission to the end, of tasks that were answered.');
  const success = new Counter({
    name: `${PREFIX}request_success_total`,
    help: 'Generations that were answered, by how the answer ended.',
    labelNames: ['model_name', 'finished_reason'],
    registers: [registry],
  });
  const ended = new Counter({
    name: `${PREFIX}tasks_total`,
    help: 'Settled tasks by outcome.',
    labelNames: ['model_name', 'class', 'outcome'],
    registers: [registry],
  });
  const served = new Set<string>();
  const nameOf = (model: string | undefined): string => {
    // Functions have no model; Prometheus takes an empty label for none.
    if (model === undefined) return '';
    // A refused task may name a model that is not served: such names are the clients' and have no bound.
    if (!served.has(model)) for (const { name } of yard.models()) served.add(name);
    return served.has(model) ? model : 'unknown';
  };
  return (record) => {
    const model_name = nameOf(record.model);
    const labels = { model_name, class: record.class };
    ended.inc({ ...labels, outcome: record.outcome });
    if (record.firstTokenMs !== undefined) firstToken.observe(labels, record.firstTokenMs / 1000);
    if (record.outcome !== 'completed') return;
    queueTime.observe(labels, record.waitMs / 1000);
    endToEnd.observe(labels, record.totalMs / 1000);
    if (record.finishReason !== undefined) {
      success.inc({ model_name, finished_reason: FINISHED_REASON[record.finishReason] });
    }
  };
}

/** Computed and cached: the yard's snapshot counts them apart, vLLM's metrics count the prompt. */
function promptTokensOf({ promptTokens, cachedTokens }: YardStats['models'][string]): number {
  return promptTokens + cachedTokens;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Levels and running totals are read from the yard's own snapshot when somebody asks: nothing is counted twice. */
function registerSnapshot(registry: Registry, yard: YardService): void {
  const register = (
    Kind: typeof Gauge | typeof Counter,
    stem: string,
    help: string,
    labelNames: readonly string[],
    samples: (stats: YardStats) => readonly Sample[],
  ) => {
    new Kind({
      name: PREFIX + stem,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        for (const [labels, value] of samples(yard.stats())) this.inc(labels, value);
      },
    });
  };
  const perModel = (
    Kind: typeof Gauge | typeof Counter,
    stem: string,
    help: string,
    value: (model: YardStats['models'][string]) => number,
  ) =>
    register(Kind, stem, help, ['model_name'], ({ models }) =>
      Object.entries(models).map(([model_name, model]) => [{ model_name }, value(model)]),
    );

  perModel(Gauge, 'num_requests_running', 'Tasks in a slot.', (model) => model.running);
  perModel(Gauge, 'num_requests_waiting', 'Tasks that wait for a slot.', (model) => model.queued);
  perModel(Gauge, 'engine_slots', "The model's slots (sequences).", (model) => model.slotsTotal);
  perModel(Gauge, 'engine_slots_used', 'Slots that are leased.', (model) => model.slotsUsed);
  perModel(Counter, 'prompt_tokens_total', 'Prompt tokens, cached ones included.', promptTokensOf);
  perModel(Counter, 'generation_tokens_total', 'Generated tokens.', (model) => model.outputTokens);
  perModel(
    Counter,
    'prefix_cache_queries_total',
    'Prompt tokens looked up in the slots, found or not.',
    promptTokensOf,
  );
  perModel(
    Counter,
    'prefix_cache_hits_total',
    'Prompt tokens that a slot held already.',
    (model) => model.cachedTokens,
  );
  perModel(Counter, 'engine_starts_total', 'Starts of the engine process.', (model) => model.engineStarts);
  perModel(
    Counter,
    'engine_deaths_total',
    'Ends of the engine process that nobody asked for.',
    (model) => model.engineDeaths,
  );
  perModel(
    Gauge,
    'saved_session_bytes',
    'What is kept of named sessions beside the slots.',
    (model) => model.savedSessions?.bytes ?? 0,
  );
  perModel(Counter, 'session_saves_total', 'Sessions saved before their slot was overwritten.', (model) => {
    return model.savedSessions?.saves ?? 0;
  });
  perModel(Counter, 'session_loads_total', 'Sessions brought back into a slot.', (model) => {
    return model.savedSessions?.loads ?? 0;
  });
  register(Gauge, 'pool_capacity', "Capacity of a ledger pool, in the pool's own unit.", ['pool'], ({ pools }) =>
    Object.entries(pools).map(([pool, { capacity }]) => [{ pool }, capacity]),
  );
  register(Gauge, 'pool_leased', "Leased of a ledger pool, in the pool's own unit.", ['pool'], ({ pools }) =>
    Object.entries(pools).map(([pool, { leased }]) => [{ pool }, leased]),
  );
  register(Gauge, 'window_limit', 'Most that may be started in a rate window.', ['window'], ({ windows }) =>
    Object.entries(windows).map(([window, { limit }]) => [{ window }, limit]),
  );
  register(Gauge, 'window_used', 'Counted in the open rate window.', ['window'], ({ windows }) =>
    Object.entries(windows).map(([window, { used }]) => [{ window }, used]),
  );
  register(
    Counter,
    'reuse_lookups_total',
    'Calls of pure agents and texts to embed, by whether the result was kept (hit), awaited with an equal call (join) or computed (miss).',
    ['kind', 'result'],
    ({ reuse: { results, embeddings } }) => [
      [{ kind: 'result', result: 'hit' }, results.hits],
      [{ kind: 'result', result: 'join' }, results.joins],
      [{ kind: 'result', result: 'miss' }, results.misses],
      [{ kind: 'embedding', result: 'hit' }, embeddings.hits],
      [{ kind: 'embedding', result: 'miss' }, embeddings.misses],
    ],
  );
  register(Gauge, 'reuse_entries', 'Results and embeddings that are kept.', ['kind'], ({ reuse }) => [
    [{ kind: 'result' }, reuse.results.entries],
    [{ kind: 'embedding' }, reuse.embeddings.entries],
  ]);
  register(Gauge, 'reuse_bytes', 'Approximate size of what is kept, bytes.', ['kind'], ({ reuse }) => [
    [{ kind: 'result' }, reuse.results.bytes],
    [{ kind: 'embedding' }, reuse.embeddings.bytes],
  ]);
  register(Counter, 'grants_total', 'Grants by the precedence rule that decided them.', ['rule'], ({ grantsByRule }) =>
    Object.entries(grantsByRule).map(([rule, count]) => [{ rule }, count]),
  );
}
