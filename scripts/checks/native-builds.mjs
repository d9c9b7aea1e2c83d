// Builds the addon with cmake-js and with node-gyp, from the one list of sources, on each supported major version of Node; every
// result must load and work on that version, and the oldest version's on all others (that is what Node-API promises).
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { check, copyRepository, nodes, root, run } from './support/workplace.mjs';

const MAJORS = [20, 22, 24];
const user = join(root, 'scripts', 'checks', 'support', 'use-addon.cjs');

await check('native-builds', (folder) => {
  const versions = nodes(folder, MAJORS);
  const tree = copyRepository(join(folder, 'tree'));
  const modules = join(root, 'node_modules');
  const tools = {
    'cmake-js': () => [join(modules, 'cmake-js', 'bin', 'cmake-js'), 'rebuild'],
    'node-gyp': (home) => [join(modules, 'node-gyp', 'bin', 'node-gyp.js'), 'rebuild', `--nodedir=${home}`],
  };
  const oldest = [];
  for (const { version, home, node, path } of versions) {
    for (const [tool, argsOf] of Object.entries(tools)) {
      run(node, argsOf(home), { cwd: tree, path, quiet: true });
      // A name of its own: the next build clears the folder, and a process may keep a library open.
      const file = join(folder, `${tool}-${version}.node`);
      renameSync(join(tree, 'build', 'Release', 'agentyard.node'), file);
      console.log(`  ${tool} on Node ${version}: ${run(node, [user, file], { quiet: true }).trim()}`);
      if (version === versions[0].version) oldest.push(file);
    }
  }
  for (const file of oldest) {
    for (const { version, node } of versions.slice(1)) {
      console.log(
        `  ${file.slice(folder.length + 1)} on Node ${version}: ${run(node, [user, file], { quiet: true }).trim()}`,
      );
    }
  }
});
