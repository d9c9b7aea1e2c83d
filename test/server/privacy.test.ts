/** No prompt and no answer in logs, metrics or errors; no key anywhere. */
import { expect, it } from 'vitest';
import { EngineError } from '../../lib/base/index.js';
import { CHAT_MODEL, EMBED_MODEL } from './fake-yard.js';
import { post, serveFake } from './serve-fake.js';

const CANARY = 'CANARY-4711';
const KEY = 'sk-secret-key';
const USER = 'ann@example.org';

it('keeps what clients write out of logs, metrics and errors', async () => {
  const server = await serveFake();
  const errors: string[] = [];
  const chat = async (change: object, headers: Record<string, string> = {}) => {
    const body = { model: CHAT_MODEL, messages: [{ role: 'user', content: CANARY }], user: USER, ...change };
    const response = await post(`${server.origin}/v1/chat/completions`, body, {
      authorization: `Bearer ${KEY}`,
      ...headers,
    });
    const text = await response.text();
    if (response.status >= 400) errors.push(text);
  };
  server.yard.script = () => ({ parts: [CANARY] });
  await chat({});
  await chat({ stream: true });
  await chat({ stop: [CANARY], [CANARY]: CANARY });
  await chat({ metadata: { CANARY }, prompt_cache_key: CANARY });
  // Refused: texts in places where they do not belong.
  await chat({ messages: CANARY });
  await chat({ messages: [{ role: 'user', content: { text: CANARY } }] });
  await chat({ messages: [{ role: `${CANARY} `.repeat(3), content: '' }] });
  await chat({ temperature: CANARY });
  await chat({ response_format: `${CANARY} is what I want` });
  await chat({ tools: [CANARY] });
  await chat({}, { 'x-agentyard-priority': CANARY });
  server.yard.script = () => ({ failWith: new EngineError('decode failed', new Error(CANARY)) });
  await chat({});
  server.yard.script = () => ({ failWith: new TypeError(`cannot read ${CANARY}`) });
  await chat({});
  await chat({ stream: true });
  for (const body of [`{"model": ${CANARY}}`, `${CANARY}`, `"${CANARY}"`, `["${CANARY}"]`]) {
    errors.push(await (await post(`${server.origin}/v1/chat/completions`, body)).text());
  }
  errors.push(
    await (await post(`${server.origin}/v1/completions`, { model: CHAT_MODEL, prompt: [CANARY, CANARY] })).text(),
  );
  await post(`${server.origin}/v1/embeddings`, { model: EMBED_MODEL, input: CANARY });
  errors.push(await (await fetch(`${server.origin}/v1/${CANARY}`)).text());

  const metrics = await (await fetch(`${server.origin}/metrics`)).text();
  const log = server.logLines.join('');
  await server.close();

  expect(errors.length).toBeGreaterThanOrEqual(14);
  for (const secret of [CANARY, KEY, USER]) {
    expect(errors.join('\n')).not.toContain(secret);
    expect(metrics).not.toContain(secret);
    expect(log).not.toContain(secret);
  }
  // The log did record the requests and the bugs, with what is needed to find them.
  const lines = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.filter(({ route }) => route === '/v1/chat/completions').length).toBeGreaterThanOrEqual(14);
  expect(lines.find(({ error }) => error === 'TypeError')).toMatchObject({
    stack: expect.arrayContaining([expect.stringMatching(/^at /)]),
  });
});

it('logs one line a request with what it cost and who asked', async () => {
  const server = await serveFake();
  await post(
    `${server.origin}/v1/chat/completions`,
    {
      model: CHAT_MODEL,
      messages: [{ role: 'user', content: 'Hi' }],
      agentyard: { tenant: 'acme', class: 'interactive' },
    },
    { 'x-request-id': 'r-1' },
  );
  const line = await server.logged('/v1/chat/completions');
  await server.close();
  expect(line).toMatchObject({
    reqId: 'r-1',
    method: 'POST',
    status: 200,
    model: CHAT_MODEL,
    tenant: 'acme',
    class: 'interactive',
    outcome: 'completed',
    waitMs: 12.5,
    firstTokenMs: 20,
    totalMs: 30,
    promptTokens: 7,
    cachedTokens: 3,
    outputTokens: 2,
  });
  expect(line.bytes).toBeGreaterThan(200);
  expect(line.elapsedMs).toBeGreaterThan(0);
});
