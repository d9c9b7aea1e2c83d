/** The models that a command works with: those that were given, else the generated stand-in. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Option } from 'commander';
import { modelsByName, type NamedModel, parseModel } from './model-argument.js';
import { refusing } from './option-values.js';

/** What an option `--model` and its `--no-model` come to. */
export type ModelChoice = NamedModel[] | false | undefined;

const STAND_IN_NAME = 'stand-in';

/** `--model`, any number of times. */
export function modelOption(what: string): Option {
  return new Option('-m, --model <[name=]path.gguf>', `${what}; repeat for more`).argParser(
    (argument: string, previous: NamedModel[] | undefined) => [
      ...(previous ?? []),
      refusing(() => parseModel(argument)),
    ],
  );
}

/** Paths by name. @param say - told when the stand-in is used */
export async function modelPaths(models: ModelChoice, say: (line: string) => void): Promise<Record<string, string>> {
  if (models === false) return {};
  if (models !== undefined) return modelsByName(models);
  const { ensureStandIn } = await import('../memory/stand-in.js');
  const directory = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'agentyard');
  say(`No --model was given: using the generated stand-in from ${directory}.`);
  return { [STAND_IN_NAME]: await ensureStandIn(directory) };
}
