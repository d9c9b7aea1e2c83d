/** Checks of runs that nobody disturbs: each input alone, again, and all at once. */
import { isDeepStrictEqual } from 'node:util';
import { isAgentyardError } from '../../base/errors.js';
import type { CheckName, Findings } from './check.js';
import { checkOutputs, messageOf } from './static-checks.js';
import { runTrial, type Trial, type TrialBed, type TrialEnd } from './trial.js';

export interface RunCheckOptions {
  sameOutput: (a: unknown, b: unknown) => boolean;
  /** What the parts of a run are when they are put together. */
  partsOf: ((output: unknown) => string) | undefined;
}

/** Luck and date of a second trial that must not matter to a pure agent. */
const OTHER_SEED = 2;
/** Different for neighbours, so that runs of several inputs interleave. */
const latencyOf = (call: number): number => 5 + ((call * 7) % 11);

/** @returns the trials that were made */
export async function checkRuns(
  bed: TrialBed,
  inputs: readonly unknown[],
  options: RunCheckOptions,
  findings: Findings,
): Promise<Trial[]> {
  const alone: Trial[] = [];
  for (const input of inputs) alone.push(await runTrial(bed, [input]));
  for (const [index, trial] of alone.entries()) {
    checkEnd(trial.ends[0]!, index, bed, findings);
    checkConduct(trial, index, options, findings);
  }
  checkOutputs(
    bed.agent,
    alone.flatMap(({ ends: [end] }) => (end?.kind === 'completed' ? [end.output] : [])),
    findings,
  );
  const broken = findings.failedOf('ends', 'output-fits');
  if (broken !== undefined) {
    for (const name of COMPARED) findings.skip(name, `It fails "${broken}".`);
    return alone;
  }
  const others = await checkSameness(bed, inputs, alone, options, findings);
  return [...alone, ...others];
}

const COMPARED: readonly CheckName[] = ['pure-is-pure', 'no-state-between-runs', 'runs-side-by-side'];

function checkEnd(end: TrialEnd, index: number, bed: TrialBed, findings: Findings): void {
  if (end.kind === 'hung') {
    findings.fault('ends', `Input ${index}: it has not ended after ${bed.endMs} ms, though every model answers.`);
  } else if (end.kind === 'failed') {
    const { error } = end;
    const code = isAgentyardError(error) ? `${error.code}: ` : '';
    findings.fault('output-fits', `Input ${index}: ${code}${messageOf(error)}`);
  }
}

function checkConduct(trial: Trial, index: number, { partsOf }: RunCheckOptions, findings: Findings): void {
  const [end] = trial.ends;
  for (const run of trial.runs) {
    let done = Number.NEGATIVE_INFINITY;
    for (const report of run.progress) {
      if (!(report.done > done) || !(report.done >= 0)) {
        findings.fault('progress-grows', `Input ${index}: it reports ${report.done} after ${done}.`);
      }
      if (report.total !== undefined && !(report.done <= report.total)) {
        findings.fault('progress-within-total', `Input ${index}: it reports ${report.done} of ${report.total}.`);
      }
      done = report.done;
    }
    if (run.openAtEnd.length > 0) {
      findings.fault(
        'no-open-child',
        `Input ${index}: it ends while its ${listed(run.openAtEnd)} still goes on. Await it, or cancel it.`,
      );
    }
    if (partsOf !== undefined && end?.kind === 'completed' && run.parts.join('') !== partsOf(end.output)) {
      findings.fault(
        'parts-add-up',
        `Input ${index}: its ${run.parts.length} parts, put together, are not what its output says.`,
      );
    }
  }
  if (end?.kind === 'completed' && (trial.timersLeft ?? 0) > 0) {
    findings.fault(
      'no-timer-left',
      `Input ${index}: ${trial.timersLeft} timers are left when it has ended; they keep a process alive.`,
    );
  }
  if (trial.timersLeft === undefined) findings.skip('no-timer-left', 'Nobody knows in real time.');
  if (partsOf === undefined) findings.skip('parts-add-up', 'Nothing is said about what its parts are: see partsOf.');
}

/** What every trial shows, whatever its circumstances. */
export function checkEveryTrial(trials: readonly Trial[], inputs: readonly unknown[], findings: Findings): void {
  const secrets = inputs.flatMap((input) => textsOf(input));
  for (const { runs, ends, rejections } of trials) {
    for (const run of runs) {
      if (run.changedInput)
        findings.fault('input-kept', 'It changes the input that it was given. Make a copy of what is to change.');
      if (run.thrown !== undefined && !(run.thrown.value instanceof Error)) {
        findings.fault('throws-errors', `It throws ${kindOf(run.thrown.value)}, which is no Error.`);
      }
      if (run.callsAfterEnd.length > 0) {
        findings.fault('silent-after-end', `It has ended, and then begins ${listed(run.callsAfterEnd)}.`);
      }
    }
    for (const end of ends) {
      if (end.kind !== 'failed') continue;
      const message = messageOf(end.error);
      if (secrets.some((secret) => message.includes(secret))) {
        findings.fault(
          'errors-tell-no-input',
          'The message of an error repeats text of the input, which may be a secret: errors are logged.',
        );
      }
    }
    for (const reason of rejections) {
      findings.fault('no-unhandled-rejection', `Nobody handles a rejection: ${messageOf(reason)}`);
    }
  }
}

async function checkSameness(
  bed: TrialBed,
  inputs: readonly unknown[],
  alone: readonly Trial[],
  { sameOutput }: RunCheckOptions,
  findings: Findings,
): Promise<Trial[]> {
  const trials: Trial[] = [];
  const again = async (input: unknown, seed: number): Promise<TrialEnd> => {
    const trial = await runTrial(bed, [input], { seed });
    trials.push(trial);
    return trial.ends[0]!;
  };
  let isByChance = false;
  for (const [index, input] of inputs.entries()) {
    const first = alone[index]!.ends[0]!;
    const sameLuck = isSame(first, await again(input, 1), sameOutput);
    const otherLuck = isSame(first, await again(input, OTHER_SEED), sameOutput);
    if (bed.agent.pure && !(sameLuck && otherLuck)) {
      findings.fault(
        'pure-is-pure',
        `Input ${index} gives other outputs at other times, so they must not be kept: it is not pure.`,
      );
    } else if (!sameLuck) {
      findings.fault(
        'no-state-between-runs',
        `Input ${index} gives another output when it runs again, with the same chance and date: something is kept from run to run. ` +
          '(If it makes up ids, say what counts with sameOutput.)',
      );
    }
    isByChance ||= !otherLuck;
  }
  if (!bed.agent.pure) findings.skip('pure-is-pure', 'It is not declared pure.');
  const unsteady = findings.failedOf('pure-is-pure', 'no-state-between-runs');
  if (unsteady !== undefined) {
    for (const name of COMPARED) findings.skip(name, `It fails "${unsteady}".`);
  } else if (isByChance) {
    findings.skip('runs-side-by-side', 'Its output depends on chance or time, so there is nothing to compare.');
  } else {
    trials.push(await checkSideBySide(bed, inputs, alone, sameOutput, findings));
  }
  return trials;
}

async function checkSideBySide(
  bed: TrialBed,
  inputs: readonly unknown[],
  alone: readonly Trial[],
  sameOutput: RunCheckOptions['sameOutput'],
  findings: Findings,
): Promise<Trial> {
  // Twice: those of one input run side by side as well.
  const both = [...inputs, ...inputs];
  const trial = await runTrial(bed, both, { models: { latencyMs: ({ call }) => latencyOf(call) } });
  for (const [index, end] of trial.ends.entries()) {
    const input = index % inputs.length;
    if (isSame(alone[input]!.ends[0]!, end, sameOutput)) continue;
    findings.fault(
      'runs-side-by-side',
      `Input ${input} gives another output when other runs go on beside it: they share something.`,
    );
  }
  return trial;
}

function isSame(a: TrialEnd, b: TrialEnd, sameOutput: RunCheckOptions['sameOutput']): boolean {
  if (a.kind === 'completed' && b.kind === 'completed') return sameOutput(a.output, b.output);
  if (a.kind === 'failed' && b.kind === 'failed') return isDeepStrictEqual(messageOf(a.error), messageOf(b.error));
  return a.kind === b.kind;
}

/** Shorter texts are found in messages by chance. */
const SECRET_LENGTH_MIN = 12;

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return value.length >= SECRET_LENGTH_MIN ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

function listed(names: readonly string[]): string {
  return [...new Set(names)].map((name) => `ctx.${name}`).join(', ');
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : `a ${typeof value}`;
}
