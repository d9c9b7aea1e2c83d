// The official OpenAI client against `agentyard serve`, started here on a free port with the stand-in model.
// With your own server: set OPENAI_BASE_URL, for instance http://127.0.0.1:8080/v1.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import OpenAI from 'openai';

const root = dirname(createRequire(import.meta.url).resolve('agentyard/package.json'));
let server;
let baseURL = process.env.OPENAI_BASE_URL;
if (baseURL === undefined) {
  server = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'serve', '--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  baseURL = await new Promise((resolve, reject) => {
    let printed = '';
    server.stderr.on('data', (chunk) => {
      printed += chunk;
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(printed);
      if (address !== null) resolve(`${address[0]}/v1`);
    });
    server.once('exit', () => reject(new Error(`The server ended: ${printed}`)));
  });
}

const client = new OpenAI({ baseURL, apiKey: 'not-needed-on-loopback' });
const [model] = (await client.models.list()).data;
const stream = await client.chat.completions.create({
  model: model.id,
  messages: [{ role: 'user', content: 'Who are you?' }],
  stream: true,
  stream_options: { include_usage: true },
  temperature: 0,
});
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? '');
  if (chunk.usage)
    console.log(`\n[${chunk.usage.prompt_tokens} prompt and ${chunk.usage.completion_tokens} output tokens]`);
}

if (server !== undefined) {
  server.kill('SIGINT');
  await once(server, 'exit');
}
