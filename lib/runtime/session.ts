/** Sessions as numbers: equal numbers mean that a slot may hold a task's earlier turns; named ones are worth more than others. */
import { createHash } from 'node:crypto';
import type { ModelJob } from './backend.js';

/** Bytes of the digest that are used: 48 bits are exact in a double. A collision costs one recomputed prompt, never a wrong answer. */
const DIGEST_BYTES = 6;

/**
 * The number of a session: positive when the caller named it, negative when it was recognised, 0 for none. Tenants never share one, so that nobody can probe another's prompts by timing.
 * Without a name, a chat is recognised by everything up to its first user message, which later turns repeat; so does every other chat
 * that begins alike, which is why nothing is kept for it at another's cost.
 */
export function sessionNumber(tenant: string, name: string | undefined, job: ModelJob): number {
  if (name === undefined && job.kind !== 'chat') return 0;
  const hash = createHash('sha256').update(tenant).update('\0');
  if (name !== undefined) {
    hash.update('name\0').update(name);
  } else if (job.kind === 'chat') {
    for (const message of job.messages) {
      hash.update(`${message.role}\0`).update(message.content).update('\0');
      if (message.role === 'user') break;
    }
  }
  const digest = hash.digest().readUIntBE(0, DIGEST_BYTES);
  return name === undefined ? -digest : digest;
}
