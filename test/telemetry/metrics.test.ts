/** What Prometheus reads. */
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../lib/telemetry/index.js';
import { CHAT_MODEL, FakeYard } from '../server/fake-yard.js';

/** Samples by name and labels, comments left out. */
function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

async function settle(yard: FakeYard, request: object = {}): Promise<void> {
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  const stream = yard.chat({ model: CHAT_MODEL, messages, ...request });
  await stream.result().catch(() => undefined);
}

describe('metrics', () => {
  it("give vLLM's stems to what means the same", async () => {
    const yard = new FakeYard();
    const metrics = createMetrics(yard);
    await settle(yard, { class: 'interactive' });
    const found = samples(await metrics.text());
    const model = `model_name="${CHAT_MODEL}"`;
    const both = `${model},class="interactive"`;
    expect(
      Object.fromEntries([...found].filter(([name]) => name.startsWith('agentyard:') && !name.includes('_bucket'))),
    ).toEqual({
      [`agentyard:request_queue_time_seconds_sum{${both}}`]: 0.0125,
      [`agentyard:request_queue_time_seconds_count{${both}}`]: 1,
      [`agentyard:time_to_first_token_seconds_sum{${both}}`]: 0.02,
      [`agentyard:time_to_first_token_seconds_count{${both}}`]: 1,
      [`agentyard:e2e_request_latency_seconds_sum{${both}}`]: 0.03,
      [`agentyard:e2e_request_latency_seconds_count{${both}}`]: 1,
      [`agentyard:request_success_total{${model},finished_reason="stop"}`]: 1,
      [`agentyard:tasks_total{${both},outcome="completed"}`]: 1,
      [`agentyard:num_requests_running{${model}}`]: 0,
      [`agentyard:num_requests_waiting{${model}}`]: 1,
      [`agentyard:engine_slots{${model}}`]: 4,
      [`agentyard:engine_slots_used{${model}}`]: 0,
      [`agentyard:prompt_tokens_total{${model}}`]: 100,
      [`agentyard:generation_tokens_total{${model}}`]: 20,
      [`agentyard:prefix_cache_queries_total{${model}}`]: 100,
      [`agentyard:prefix_cache_hits_total{${model}}`]: 30,
      [`agentyard:engine_starts_total{${model}}`]: 2,
      [`agentyard:engine_deaths_total{${model}}`]: 1,
      [`agentyard:saved_session_bytes{${model}}`]: 0,
      [`agentyard:session_saves_total{${model}}`]: 0,
      [`agentyard:session_loads_total{${model}}`]: 0,
      'agentyard:pool_capacity{pool="ram"}': 1000,
      'agentyard:pool_leased{pool="ram"}': 250,
      'agentyard:reuse_lookups_total{kind="result",result="hit"}': 6,
      'agentyard:reuse_lookups_total{kind="result",result="join"}': 2,
      'agentyard:reuse_lookups_total{kind="result",result="miss"}': 3,
      'agentyard:reuse_lookups_total{kind="embedding",result="hit"}': 40,
      'agentyard:reuse_lookups_total{kind="embedding",result="miss"}': 10,
      'agentyard:reuse_entries{kind="result"}': 3,
      'agentyard:reuse_entries{kind="embedding"}': 10,
      'agentyard:reuse_bytes{kind="result"}': 900,
      'agentyard:reuse_bytes{kind="embedding"}': 16_000,
      'agentyard:grants_total{rule="order"}': 5,
      'agentyard:grants_total{rule="overdue"}': 1,
    });
    metrics.close();
  });

  it('read running totals as they are, however often they are asked', async () => {
    const metrics = createMetrics(new FakeYard());
    await metrics.text();
    const found = samples(await metrics.text());
    expect(found.get(`agentyard:prompt_tokens_total{model_name="${CHAT_MODEL}"}`)).toBe(100);
    metrics.close();
  });

  it('count a prompt token that a slot held as asked for and found, so that hits never exceed queries', async () => {
    const yard = new FakeYard();
    const stats = yard.stats();
    const model = { ...stats.models[CHAT_MODEL]!, promptTokens: 10, cachedTokens: 990 };
    yard.stats = () => ({ ...stats, models: { [CHAT_MODEL]: model } });
    const metrics = createMetrics(yard);
    const text = await metrics.text();
    const found = samples(text);
    const label = `{model_name="${CHAT_MODEL}"}`;
    expect(found.get(`agentyard:prefix_cache_queries_total${label}`)).toBe(1000);
    expect(found.get(`agentyard:prefix_cache_hits_total${label}`)).toBe(990);
    expect(found.get(`agentyard:prompt_tokens_total${label}`)).toBe(1000);
    expect(text).toContain('# HELP agentyard:prompt_tokens_total Prompt tokens, cached ones included.');
    metrics.close();
  });

  it('count refused tasks, and put every name that is not served under one label', async () => {
    const yard = new FakeYard();
    const metrics = createMetrics(yard);
    for (let index = 0; index < 100; index++) await settle(yard, { model: `invented-${index}` });
    const text = await metrics.text();
    expect(text).not.toContain('invented');
    expect(samples(text).get('agentyard:tasks_total{model_name="unknown",class="standard",outcome="failed"}')).toBe(
      100,
    );
    metrics.close();
  });

  it('never label by tenant', async () => {
    const yard = new FakeYard();
    const metrics = createMetrics(yard);
    await settle(yard, { tenant: 'tenant-with-a-name' });
    expect(await metrics.text()).not.toContain('tenant-with-a-name');
    metrics.close();
  });

  it('stop counting when closed', async () => {
    const yard = new FakeYard();
    createMetrics(yard).close();
    await settle(yard);
    // A listener that stayed would throw on its cleared registry or keep the metrics alive; none is left.
    expect(yard.listenerCount).toBe(0);
  });
});
