/** The suites that `npm run bench` knows. Each is loaded when it is asked for, so that one broken suite breaks no other. */
import type { Suite } from '../suite.js';

const LOADERS: Readonly<Record<string, () => Promise<{ suite: Suite }>>> = {
  agents: () => import('./agents.js'),
  engine: () => import('./engine.js'),
  'heap-lock': () => import('./heap-lock.js'),
  news: () => import('./news.js'),
  quality: () => import('./quality.js'),
  queue: () => import('./queue.js'),
  responsiveness: () => import('./responsiveness.js'),
  runs: () => import('./runs.js'),
  service: () => import('./service.js'),
  structured: () => import('./structured.js'),
};

export const SUITE_NAMES: readonly string[] = Object.keys(LOADERS);

/** @throws RangeError for a name that is not in {@link SUITE_NAMES} */
export async function loadSuite(name: string): Promise<Suite> {
  const load = LOADERS[name];
  if (load === undefined) throw new RangeError(`There is no suite "${name}".`);
  return (await load()).suite;
}
