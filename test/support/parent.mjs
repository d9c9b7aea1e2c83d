// A program with a yard, to be ended by its test. Sends its engine's process id once the engine generates.
import { Yard } from '../../dist/index.js';

const yard = new Yard({ models: { m: { path: process.argv[2], sequences: 1, contextTokens: 2_048 } } });
const stream = yard.complete({ model: 'm', prompt: [300], maxTokens: 2_000, temperature: 1 });
let isFirst = true;
for await (const _ of stream) {
  if (isFirst) process.send(yard.models()[0].enginePid);
  isFirst = false;
}
