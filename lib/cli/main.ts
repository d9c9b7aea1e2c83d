#!/usr/bin/env node
/** The `agentyard` command. */
import { isAgentyardError } from '../base/index.js';
import { createProgram } from './program.js';

// Whoever read our output may be gone; a server does not die of that.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

createProgram()
  .parseAsync()
  // Explicitly: a socket that a client left open must not keep a process alive whose work is done.
  .then(() => process.exit())
  .catch((error: unknown) => {
    process.stderr.write(`agentyard: ${isAgentyardError(error) ? error.message : (error as Error).stack}\n`);
    process.exit(1);
  });
