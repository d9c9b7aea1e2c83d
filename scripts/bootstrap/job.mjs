// The child's side of run-job.mjs: `node job.mjs SCRIPT ARG…` becomes `node SCRIPT ARG…`, and ends when its parent is gone.
// A module of its own instead of `--import`, which the programs that the job forks would inherit.
import { Socket } from 'node:net';
import { pathToFileURL } from 'node:url';

if (process.platform !== 'win32') {
  // The parent holds the other end and never writes: the end of the stream means that the parent has ended, kill -9 included.
  const parent = new Socket({ fd: 3 });
  parent.on('error', () => undefined);
  parent.on('close', () => process.kill(process.pid, 'SIGTERM'));
  parent.resume();
  parent.unref();
}

process.argv.splice(1, 1);
await import(pathToFileURL(process.argv[1]).href);
