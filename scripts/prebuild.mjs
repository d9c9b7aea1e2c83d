// Builds prebuilds/<platform>-<arch>/ for this machine: the addon that the package carries, so that installing compiles nothing.
// One binary serves all supported versions of Node, since it is built against Node-API 8.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'prebuildify', 'bin.js'), '--napi', '--strip', '--tag-libc', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      // The headers that came with the running Node: node-gyp would download them otherwise.
      npm_config_nodedir: dirname(dirname(process.execPath)),
      // Not the one that npm brings along: that is another version with every npm.
      PREBUILD_NODE_GYP: join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node-gyp.cmd' : 'node-gyp'),
    },
  },
);
process.exitCode = status ?? 1;
