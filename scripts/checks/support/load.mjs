// The random load on the scheduler, compiled: what the soak and the seeded faults have in common.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CheckError, root } from './workplace.mjs';

/** Where lib/ and test/support/ lie compiled, as they lie in the repository. */
export const compiled = join(root, '.agentyard', 'checks');

export function compileLoad() {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = spawnSync(
    process.execPath,
    [compiler, '-p', join(root, 'scripts', 'checks', 'tsconfig.json')],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new CheckError(`the load does not compile\n${stdout}`);
}

/** @param folder - `compiled`, or a copy of it in which something was changed */
export async function importLoad(folder = compiled) {
  const url = (path) => pathToFileURL(join(folder, path)).href;
  const [{ RandomLoad }, { SCENARIOS }, task, { RULE_NAMES }] = await Promise.all([
    import(url('test/support/random-load.js')),
    import(url('test/support/load-scenarios.js')),
    import(url('lib/task/index.js')),
    import(url('lib/scheduler/index.js')),
  ]);
  return { RandomLoad, SCENARIOS, RULE_NAMES, ...task };
}
