// A program whose engine is killed before its task gave a token: it must live until the task was repeated.
import { Yard } from '../../dist/index.js';

const yard = new Yard({
  models: { m: { path: process.argv[2], sequences: 1, contextTokens: 2_048, chunkTokens: 32 } },
});
await yard.ready();
const prompt = Array.from({ length: 1_500 }, (_, i) => 270 + ((i * 17) % 90));
const stream = yard.complete({ model: 'm', prompt, maxTokens: 3 });
await stream.started();
process.kill(yard.models()[0].enginePid, 'SIGKILL');
const { usage } = await stream.result();
process.send(usage.outputTokens, () => process.disconnect());
