/** `--api-keys FILE`: one `tenant=key` a line. A file, because arguments are shown to every user of the machine. */
import { readFileSync } from 'node:fs';
import { InvalidOptionError } from '../base/index.js';

/**
 * Keys by tenant name. Empty lines and lines that start with `#` are skipped.
 * @throws {@link InvalidOptionError} when the file cannot be read, holds no key, or a line is malformed (named by its number: the
 * line itself may be a key)
 */
export function readApiKeys(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidOptionError(
      'api-keys',
      `--api-keys: "${file}" cannot be read (${(error as NodeJS.ErrnoException).code}).`,
    );
  }
  const keys = new Map<string, string>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const at = line.indexOf('=');
    const tenant = line.slice(0, at).trim();
    const key = line.slice(at + 1).trim();
    const where = `--api-keys: line ${index + 1} of "${file}"`;
    if (at < 1 || key === '') throw new InvalidOptionError('api-keys', `${where}: expected tenant=key.`);
    if (keys.has(tenant)) throw new InvalidOptionError('api-keys', `${where}: "${tenant}" has a key already.`);
    keys.set(tenant, key);
  }
  if (keys.size === 0) throw new InvalidOptionError('api-keys', `--api-keys: "${file}" holds no key.`);
  return Object.fromEntries(keys);
}
