// From CommonJS: Node 20.19 and newer can require ES modules that have no top-level await, and this one has none.
const { tmpdir } = require('node:os');
const { ensureStandIn, Yard } = require('agentyard');

async function main() {
  const yard = new Yard({ models: { chat: await ensureStandIn(tmpdir()) } });
  const { text } = await yard
    .chat({ model: 'chat', messages: [{ role: 'user', content: 'Hello' }], maxTokens: 30, temperature: 0 })
    .result();
  console.log(text);
  await yard.close();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
