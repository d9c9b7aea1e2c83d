/** `agentyard run NAME`: one call of an agent. */
import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import type { AgentService } from '../agents/index.js';
import { InvalidInputError, UnknownAgentError } from '../base/agent-errors.js';
import { InvalidOptionError } from '../base/index.js';
import { faceErrorOf } from '../mcp/face-error.js';
import { type AgentSources, loadAgents } from './load-agents.js';
import { type ModelChoice, modelOption, modelPaths } from './model-options.js';
import { collect, wholeNumber } from './option-values.js';
import { takeStandardOutput } from './quiet-output.js';
import { FORCED_EXIT, type StopSignal } from './stop-signal.js';

export interface RunAgentOptions extends AgentSources {
  input?: string | undefined;
  inputFile?: string | undefined;
  model?: ModelChoice;
  stream?: boolean | undefined;
  timeout?: number | undefined;
}

const EPILOG = `
The input is JSON: of --input, of --input-file, else of standard input. The output goes to standard output as one line of JSON; with
--stream a line {"text":…} for each part of it comes first, and the output is the last line, {"output":…}. Progress, what the agent prints and the error, as
{"error":{"code","message","issues"}}, go to standard error.
Without --model the generated stand-in is used; --no-model runs agents that need none.
Exit code: 0 with an output, 1 when the call failed, 2 when it was refused before it ran (no such agent, wrong input, a wrong option), 130 or 143 when it
was stopped by a signal.`;

const EXIT = { done: 0, failed: 1, refused: 2 } as const;
const TIMER_MS_MAX = 2 ** 31 - 1;

/** @param run - what carries the command out; resolves with the exit code */
export function runCommand(run: (name: string, options: RunAgentOptions) => Promise<number>): Command {
  return new Command('run')
    .description('run an agent once')
    .argument('<name>', 'its name, or name@version')
    .option('-i, --input <json>', 'the input')
    .option('--input-file <file>', 'file that holds the input')
    .option('--agents <file>', 'a module that exports agents; repeat for more', collect)
    .option('--no-built-ins', 'leave the built-in agents out')
    .addOption(modelOption('a model that agents may use'))
    .option('--no-model', 'use no model')
    .option('--stream', 'write parts of the output as they come')
    .option('--timeout <ms>', 'longest run', wholeNumber(1, TIMER_MS_MAX))
    .addHelpText('after', EPILOG)
    .action(async (name: string, options: RunAgentOptions) => {
      process.exitCode = await run(name, options);
    });
}

/** Loads agents and models, runs, and ends what it started. @returns the exit code */
export async function runAgent(name: string, options: RunAgentOptions): Promise<number> {
  const out = takeStandardOutput();
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const { Yard } = await import('../yard.js');
  const interrupted = new AbortController();
  let code: number | undefined;
  const onSignal = (signal: StopSignal) => {
    code ??= FORCED_EXIT[signal];
    interrupted.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  // An agent may wait for nothing that keeps a process alive.
  const alive = setInterval(() => undefined, TIMER_MS_MAX);
  let yard: InstanceType<typeof Yard> | undefined;
  try {
    const agents = await loadAgents(options);
    const input = await readInput(options);
    const models = await modelPaths(options.model, say);
    yard = new Yard({ agents, models });
    const { stream, timeout } = options;
    const exit = await callAgent(yard, { name, input, stream, timeout, signal: interrupted.signal }, out, say);
    return code ?? exit;
  } catch (error) {
    return code ?? complain(error, say);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await yard?.close();
    await flushed(out);
    clearInterval(alive);
  }
}

interface Call {
  name: string;
  input: unknown;
  stream?: boolean | undefined;
  timeout?: number | undefined;
  signal: AbortSignal;
}

async function callAgent(
  service: AgentService,
  { name, input, stream, timeout, signal }: Call,
  out: Writable,
  say: (line: string) => void,
): Promise<number> {
  const agent = service.agents.find(name);
  if (agent.deprecated !== undefined) say(`Deprecated: ${agent.id}. ${agent.deprecated}`);
  const output: unknown = await service.run(agent, input, {
    signal,
    timeoutMs: timeout,
    onProgress: ({ done, total, message }) => {
      say(
        `Progress: ${done}${total === undefined ? '' : ` of ${total}`}${message === undefined ? '' : `, ${message}`}`,
      );
    },
    ...(stream === true ? { onPart: (text) => void out.write(`${JSON.stringify({ text })}\n`) } : {}),
  });
  out.write(`${JSON.stringify(stream === true ? { output: output ?? null } : (output ?? null))}\n`);
  return EXIT.done;
}

function complain(error: unknown, say: (line: string) => void): number {
  say(JSON.stringify({ error: faceErrorOf(error) }));
  const isRefused = [InvalidInputError, UnknownAgentError, InvalidOptionError].some((kind) => error instanceof kind);
  return isRefused ? EXIT.refused : EXIT.failed;
}

/** @throws InvalidOptionError when there is none, or it is no JSON */
async function readInput({ input, inputFile }: RunAgentOptions): Promise<unknown> {
  if (input !== undefined && inputFile !== undefined) {
    throw new InvalidOptionError('input', '--input and --input-file are two inputs: give one.');
  }
  if (input !== undefined) return parse(input, '--input');
  if (inputFile !== undefined) return parse(readText(inputFile), `"${inputFile}"`);
  return parse(await readAll(process.stdin), 'Standard input');
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InvalidOptionError('input-file', `--input-file: "${file}" cannot be read (${code}).`);
  }
}

function parse(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own words quote the input.
    throw new InvalidOptionError('input', `${where}: expected JSON; a text is written with its quotes, as '"text"'.`);
  }
}

/** What was written has left the process, which ends after this. */
function flushed(out: Writable): Promise<void> {
  return new Promise((resolve) => {
    out.end(resolve);
  });
}
