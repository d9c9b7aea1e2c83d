/** `agentyard serve`: the options, and what they become. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { LogOptions } from '../server/index.js';
import { readApiKeys } from './api-key-file.js';
import { modelsByName, type NamedModel, parseModel } from './model-argument.js';
import type { ServeSettings, ServeWorld, StopSignal } from './run-serve.js';

export interface ServeOptions {
  model?: NamedModel[];
  port: number;
  host: string;
  sequences?: number;
  context?: number;
  keepInteractive?: number;
  threads?: number;
  gpu?: 'off' | 'auto' | 'cuda' | 'metal' | 'vulkan';
  apiKeys?: string;
  drainSeconds: number;
  logLevel: 'silent' | NonNullable<LogOptions['level']>;
}

/** Free on most machines, and what people try first. */
const DEFAULT_PORT = 8080;

const STAND_IN_NAME = 'stand-in';

const EPILOG = `
Without --model a small generated stand-in is served, to try the server out.
Log lines (JSON, one a request) go to standard output, everything for people to standard error.
Ctrl-C or SIGTERM stops: running and waiting requests get --drain-seconds to end; a second Ctrl-C stops now.
Exit code: 0 after a clean stop, 1 when it could not serve, 130 (143 after SIGTERM) when requests were cut off.`;

/** @param run - what carries the command out; resolves with the exit code */
export function serveCommand(run: (options: ServeOptions) => Promise<number>): Command {
  return new Command('serve')
    .description('serve GGUF models over an OpenAI-compatible HTTP interface')
    .addOption(
      new Option('-m, --model <[name=]path.gguf>', 'a model to serve; repeat for more').argParser(
        (argument: string, previous: NamedModel[] = []) => [...previous, refusing(() => parseModel(argument))],
      ),
    )
    .option('-p, --port <number>', 'port to listen on; 0 takes a free one', wholeNumber(0, 65_535), DEFAULT_PORT)
    .option('--host <address>', 'address to listen on; beyond loopback only with --api-keys', '127.0.0.1')
    .option('--sequences <number>', 'requests that run at once, per model', wholeNumber(1, 256))
    .option('--context <tokens>', 'longest prompt plus answer, per request', wholeNumber(64, 2 ** 31 - 1))
    .option('--keep-interactive <number>', 'sequences that only interactive requests may use', wholeNumber(0, 255))
    .option(
      '--threads <number>',
      'threads per engine; default: what CPU quota and affinity allow',
      wholeNumber(1, 1_024),
    )
    .addOption(
      new Option('--gpu <kind>', 'where to compute; default: auto').choices(['auto', 'cuda', 'metal', 'vulkan', 'off']),
    )
    .option('--api-keys <file>', 'file of tenant=key lines; then every request must show a key')
    .option('--drain-seconds <number>', 'time for open requests when stopping', seconds, 10)
    .addOption(
      new Option('--log-level <level>', 'which log lines to write')
        .choices(['silent', 'error', 'warn', 'info', 'debug'])
        .default('info'),
    )
    .addHelpText('after', EPILOG)
    .action(async (options: ServeOptions) => {
      process.exitCode = await run(options);
    });
}

function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${minimum} to ${maximum}.`);
  };
}

/** A timer of Node holds 2^31 − 1 ms: some 24 days. */
const MAX_SECONDS = 2_000_000;

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= MAX_SECONDS) return value;
  throw new InvalidArgumentError(`Expected seconds from 0 to ${MAX_SECONDS}.`);
}

/** Our typed refusals, in the way commander prints its own. */
function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** How the HTTP side is set up. */
export function serveSettings(options: ServeOptions): ServeSettings {
  return {
    host: options.host,
    port: options.port,
    apiKeys: options.apiKeys === undefined ? {} : readApiKeys(options.apiKeys),
    drainMs: options.drainSeconds * 1000,
    log: options.logLevel === 'silent' ? false : { level: options.logLevel },
  };
}

/** Composes the real yard and serves. The heavy parts are loaded here, so that `--help` and refusals answer at once. */
export async function serve(options: ServeOptions, version: string): Promise<number> {
  const [{ runServe }, { Yard }, { nativeStatus }] = await Promise.all([
    import('./run-serve.js'),
    import('../yard.js'),
    import('../base/native.js'),
  ]);
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const models = await modelOptions(options, say);
  const { core, reason } = nativeStatus();
  const world: ServeWorld = {
    version,
    core: `${core === 'native' ? 'native' : 'TypeScript'} (${reason})`,
    makeYard: () => new Yard({ models }),
    say,
    onSignal,
  };
  return runServe(serveSettings(options), world);
}

/** The models with what all of them share; the stand-in when none was given. */
async function modelOptions(options: ServeOptions, say: (line: string) => void) {
  const shared = {
    ...(options.sequences === undefined ? {} : { sequences: options.sequences }),
    ...(options.context === undefined ? {} : { contextTokens: options.context }),
    ...(options.keepInteractive === undefined ? {} : { keepInteractive: options.keepInteractive }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.gpu === undefined ? {} : { gpu: options.gpu === 'off' ? (false as const) : options.gpu }),
  };
  const paths = options.model === undefined ? await standIn(say) : modelsByName(options.model);
  return Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, { path, ...shared }]));
}

async function standIn(say: (line: string) => void): Promise<Record<string, string>> {
  const { ensureStandIn } = await import('../memory/stand-in.js');
  const directory = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'agentyard');
  say(`No --model was given: serving the generated stand-in from ${directory}.`);
  return { [STAND_IN_NAME]: await ensureStandIn(directory) };
}

function onSignal(listener: (signal: StopSignal) => void): () => void {
  process.on('SIGINT', listener).on('SIGTERM', listener);
  return () => process.off('SIGINT', listener).off('SIGTERM', listener);
}
