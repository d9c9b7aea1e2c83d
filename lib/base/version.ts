/** Which version of the package this is. */
import { readFileSync } from 'node:fs';

let version: string | undefined;

/** The package's version, from its package.json; undefined when that is not there (code that was bundled). */
export function packageVersion(): string | undefined {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    version ??= (JSON.parse(text) as { version: string }).version;
  } catch {
    // Only said in logs: nothing depends on it.
  }
  return version;
}
