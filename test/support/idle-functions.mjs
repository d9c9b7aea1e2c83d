// A program whose yards have nothing to do any more, each in another way: it must end by itself although they are open, hours before
// any timer of theirs could fire.
import { Yard } from '../../dist/index.js';

const hour = 3_600_000;
await new Yard().add(() => 1);
await new Yard({ timeoutMs: hour }).add(async () => 1);
await new Yard({ interval: hour, intervalCap: 10 }).add(() => 1);
await new Yard().add(() => 1, { deadlineMs: hour });
await new Yard().add(() => Promise.reject(new Error('no'))).catch(() => {});
const yard = new Yard({ concurrency: 1 });
const ended = yard.add(({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), {
  timeoutMs: 10,
});
await ended.catch(() => {});
// A function that never settles keeps nothing alive either.
void yard.add(() => new Promise(() => {}));
console.log('done');
