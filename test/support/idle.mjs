// A program that asks once and then has nothing to do: it must end by itself although its yard is open.
import { Yard } from '../../dist/index.js';

const yard = new Yard({ models: { m: { path: process.argv[2], sequences: 1, contextTokens: 256 } } });
const { text } = await yard.complete({ model: 'm', prompt: 'abc', temperature: 0 }).result();
process.send(text, () => process.disconnect());
