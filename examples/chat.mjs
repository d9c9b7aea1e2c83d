// A chat, streamed, with the library alone. Usage: node examples/chat.mjs [model.gguf]
// Without a model the generated stand-in answers, which shows the plumbing and nothing else.
import { tmpdir } from 'node:os';
import { ensureStandIn, Yard } from 'agentyard';

const path = process.argv[2] ?? (await ensureStandIn(tmpdir()));

const yard = new Yard({ models: { chat: path } });
const stream = yard.chat({
  model: 'chat',
  messages: [{ role: 'user', content: 'What is the capital of France?' }],
  class: 'interactive',
  maxTokens: 120,
  temperature: 0,
});
for await (const part of stream) process.stdout.write(part.text);

const { finishReason, usage, waitMs, firstTokenMs } = await stream.result();
console.log(`\n[${finishReason}; ${usage.promptTokens} prompt and ${usage.outputTokens} output tokens]`);
console.error(`[waited ${Math.round(waitMs)} ms, first token after ${Math.round(firstTokenMs)} ms]`);
await yard.close();
