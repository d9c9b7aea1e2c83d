// Code written for p-queue, with the import changed: an urgent task passes those that wait, one is aborted, and one times out.
import PQueue, { TimeoutError } from 'agentyard/p-queue';

const queue = new PQueue({ concurrency: 2, timeout: 500 });
const order = [];
queue.on('error', (error) => console.error(`event error: ${error.message}`));

const fetchPage = (name) => async () => {
  order.push(name);
  await new Promise((resolve) => setTimeout(resolve, 20));
  return `<${name}>`;
};

const pages = queue.addAll(['a', 'b', 'c', 'd'].map(fetchPage));
const urgent = queue.add(fetchPage('urgent'), { priority: 1 });

const controller = new AbortController();
const unwanted = queue.add(fetchPage('unwanted'), { signal: controller.signal });
controller.abort();

const stuck = queue.add(() => new Promise(() => {}), { timeout: 30 });
const [, aborted, timedOut] = await Promise.allSettled([pages, unwanted, stuck]);
await queue.onIdle();

console.log(`Started: ${order.join(', ')}. The urgent page: ${await urgent}; all pages: ${(await pages).join(' ')}`);
console.log(`Aborted: ${aborted.reason.name}. Timed out: ${timedOut.reason instanceof TimeoutError}.`);
if (order.indexOf('urgent') !== 2) process.exitCode = 1;
