/** The engine's process: one model, one loop. Started by `engine-backend.ts`; ends when its parent is gone. */
import { rmSync, writeFileSync } from 'node:fs';
import { EngineHost } from './engine-host.js';
import type { FromEngine, ToEngine } from './protocol.js';
import { toWire } from './wire-error.js';

/** Under memory pressure the kernel should end an engine, which is started again, and not the scheduler. */
const OOM_SCORE = '500';

let host: EngineHost | undefined;
let folder: string | undefined;

function report(message: FromEngine): void {
  // The parent may be gone already; `disconnect` ends this process then.
  if (process.connected) process.send?.(message);
}

function endBroken(error: unknown, what: string): void {
  const message: FromEngine = { type: 'broken', error: toWire(error, what) };
  if (process.send === undefined) process.exit(1);
  process.send(message, undefined, undefined, () => process.exit(1));
}

process.on('message', (message: ToEngine) => {
  switch (message.type) {
    case 'launch':
      folder = message.settings.savedSessions?.folder;
      host = new EngineHost(message.settings, report);
      host.launch().catch((error: unknown) => endBroken(error, 'The engine could not be started'));
      break;
    case 'load':
      host?.load().catch((error: unknown) => endBroken(error, 'The model could not be loaded'));
      break;
    case 'ping':
      report({ type: 'pong' });
      break;
    default:
      host?.take(message);
  }
});

process.on('exit', () => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});
// `exit` in mid-decode is clean; waiting for the decode is not needed.
process.on('disconnect', () => process.exit(0));
// Ctrl-C and a closed terminal reach the whole process group, a service manager's SIGTERM the whole service: the parent, which
// may want to drain, decides when an engine ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

try {
  writeFileSync('/proc/self/oom_score_adj', OOM_SCORE);
} catch {
  // Not Linux, or not permitted: the default score it is.
}
report({ type: 'up' });
