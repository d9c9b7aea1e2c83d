/** Real engines for tests: the compiled child process on generated or real models. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Yard } from '../../lib/yard.js';
import type { ModelOptions, YardOptions } from '../../lib/yard-options.js';

/** Engines run compiled code, as they do for users. `npm test` compiles first. */
export function requireCompiledEngine(): void {
  const child = fileURLToPath(new URL('../../dist/dispatch/engine/child.js', import.meta.url));
  if (!existsSync(child)) throw new Error('The package is not compiled. Run `npm test`, which does that first.');
}

/** A yard with one model named "m", ready. Keeps no slot for a class unless told to. */
export async function openYard(model: ModelOptions, options: Partial<YardOptions> = {}): Promise<Yard> {
  requireCompiledEngine();
  const yard = new Yard({ models: { m: { keepInteractive: 0, ...model } }, ...options });
  await yard.ready();
  return yard;
}

/** Is a process of that id alive? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
