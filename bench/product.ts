/** Where the package is, and the shipped code in it: benchmarks measure `dist/`, never their own copy of the sources. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The folder of agentyard's `package.json`, found upwards from this file wherever it was compiled to. */
export function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (
      existsSync(manifest) &&
      (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'agentyard'
    ) {
      return folder;
    }
    if (folder === dirname(folder)) throw new Error('The benchmark is not inside the agentyard package.');
  }
}

/**
 * Imports a module of the build, for instance `loadProduct<typeof import('../lib/heap/index.js')>('heap/index.js')`.
 * @throws when the package was not compiled
 */
export async function loadProduct<Module>(path: string): Promise<Module> {
  return (await import(pathToFileURL(join(packageRoot(), 'dist', path)).href)) as Module;
}

/** The folder with real models and traces: `AGENTYARD_SHARED`, default `../shared` beside the package; undefined when absent. */
export function sharedFolder(): string | undefined {
  const folder = process.env.AGENTYARD_SHARED ?? join(packageRoot(), '..', 'shared');
  return existsSync(folder) ? folder : undefined;
}
