/** `agentyard serve`: the options, and what they become. */
import { Command, Option } from 'commander';
import type { LogOptions } from '../server/index.js';
import { readApiKeys } from './api-key-file.js';
import { loadAgents } from './load-agents.js';
import type { NamedModel } from './model-argument.js';
import { modelOption, modelPaths } from './model-options.js';
import { collect, seconds, wholeNumber } from './option-values.js';
import type { ServeSettings, ServeWorld } from './run-serve.js';
import type { StopSignal } from './stop-signal.js';

export interface ServeOptions {
  model?: NamedModel[];
  /** Modules that export agents. */
  agents?: string[];
  builtIns?: boolean;
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

const EPILOG = `
Without --model a small generated stand-in is served, to try the server out.
Log lines (JSON, one a request) go to standard output, everything for people to standard error.
Ctrl-C or SIGTERM stops: running and waiting requests get --drain-seconds to end; a second Ctrl-C stops now.
Exit code: 0 after a clean stop, 1 when it could not serve, 130 (143 after SIGTERM) when requests were cut off.`;

/** @param run - what carries the command out; resolves with the exit code */
export function serveCommand(run: (options: ServeOptions) => Promise<number>): Command {
  return new Command('serve')
    .description('serve GGUF models over an OpenAI-compatible HTTP interface')
    .addOption(modelOption('a model to serve'))
    .option('--agents <file>', 'a module that exports agents to serve; repeat for more', collect)
    .option('--no-built-ins', 'leave the built-in agents out')
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
  const [models, agents] = await Promise.all([modelOptions(options, say), loadAgents(options)]);
  const { core, reason } = nativeStatus();
  const world: ServeWorld = {
    version,
    core: `${core === 'native' ? 'native' : 'TypeScript'} (${reason})`,
    makeYard: () => new Yard({ models, agents }),
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
  const paths = await modelPaths(options.model, say);
  return Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, { path, ...shared }]));
}

function onSignal(listener: (signal: StopSignal) => void): () => void {
  process.on('SIGINT', listener).on('SIGTERM', listener);
  return () => process.off('SIGINT', listener).off('SIGTERM', listener);
}
