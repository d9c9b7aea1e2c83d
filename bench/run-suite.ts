/** Runs one suite with a scratch folder of its own and returns what it recorded. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ContextOptions, createContext } from './compare.js';
import { sharedFolder } from './product.js';
import type { Row, Skip, Suite } from './suite.js';

export type SuiteRunOptions = Pick<ContextOptions, 'smoke' | 'reps' | 'seed' | 'note' | 'workloads' | 'beforeRun'>;

export interface SuiteOutcome {
  rows: readonly Row[];
  skips: readonly Skip[];
  /** What ended the suite early; the rows until then are kept. */
  error: unknown;
}

export async function runSuite(suite: Suite, options: SuiteRunOptions): Promise<SuiteOutcome> {
  const scratch = await mkdtemp(join(tmpdir(), `agentyard-bench-${suite.name}-`));
  const context = createContext({ ...options, suite: suite.name, scratch, shared: sharedFolder() });
  try {
    await suite.run(context);
    return { rows: context.rows, skips: context.skips, error: undefined };
  } catch (error) {
    return { rows: context.rows, skips: context.skips, error };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
