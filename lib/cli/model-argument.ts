/** `--model [name=]path.gguf` */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { InvalidOptionError } from '../base/index.js';

export interface NamedModel {
  /** What requests put into `model`. */
  name: string;
  path: string;
}

/**
 * Reads one `--model` argument. What is before the first `=` is a name, unless a file is called so; without a name the file's own is
 * used, less `.gguf`.
 * @throws {@link InvalidOptionError} when the name or the path is empty
 */
export function parseModel(argument: string, fileExists: (path: string) => boolean = existsSync): NamedModel {
  const at = fileExists(argument) ? -1 : argument.indexOf('=');
  const path = argument.slice(at + 1);
  const name = at < 0 ? basename(path).replace(/\.gguf$/i, '') : argument.slice(0, at);
  if (name === '' || path === '') {
    throw new InvalidOptionError('model', `--model: expected path.gguf or name=path.gguf; got "${argument}".`);
  }
  return { name, path };
}

/**
 * Paths by name.
 * @throws {@link InvalidOptionError} when two models have one name
 */
export function modelsByName(models: readonly NamedModel[]): Record<string, string> {
  const byName = new Map<string, string>();
  for (const { name, path } of models) {
    if (byName.has(name)) {
      throw new InvalidOptionError(
        'model',
        `--model: two models are called "${name}". Name one of them: other-name=${path}.`,
      );
    }
    byName.set(name, path);
  }
  return Object.fromEntries(byName);
}
