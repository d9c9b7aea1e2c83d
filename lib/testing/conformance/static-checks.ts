/** Checks that need no run: what the agent says of itself, its schemas, and the numbers that it declares. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { AnyAgent } from '../../agents/agent.js';
import type { AgentSchema, JsonSchema } from '../../agents/schema.js';
import { virtualClock } from '../virtual-clock.js';
import { seedChance } from './chance.js';
import type { Findings } from './check.js';

const WORDS_MIN = 3;
/** How often a declared number is asked for: chance shows itself in fewer. */
const ASKED = 8;
const DAY_MS = 86_400_000;

export interface ExampleInputs {
  inputs: readonly unknown[];
  invalidInputs: readonly unknown[];
  /** Inputs that are refused by rules which JSON Schema cannot say. */
  refinedInputs: readonly unknown[];
}

export function checkDescription({ name, description }: AnyAgent, findings: Findings): void {
  const words = description.trim().split(/\s+/).length;
  if (words >= WORDS_MIN && description.trim() !== name) return;
  findings.fault(
    'well-described',
    `"${description}" tells neither people nor models when to use it: say so in a sentence.`,
  );
}

/** @returns the inputs that the schema accepts, and what it makes of them */
export async function checkInputs(
  agent: AnyAgent,
  examples: ExampleInputs,
  findings: Findings,
): Promise<{ input: unknown; validated: unknown }[]> {
  const accepted: { input: unknown; validated: unknown }[] = [];
  for (const [index, input] of examples.inputs.entries()) {
    const result = await agent.input['~standard'].validate(input);
    if (result.issues === undefined) accepted.push({ input, validated: result.value });
    else
      findings.fault('accepts-inputs', `Input ${index} is refused: ${result.issues[0]?.message ?? 'no reason given'}.`);
  }
  const invalid = [...examples.invalidInputs, ...examples.refinedInputs];
  if (invalid.length === 0) findings.skip('refuses-invalid-inputs', 'No invalid inputs were given.');
  for (const [index, input] of invalid.entries()) {
    if (await fits(agent.input, input)) findings.fault('refuses-invalid-inputs', `Invalid input ${index} is accepted.`);
  }
  const judge = judgeOf(agent.inputJsonSchema);
  if (typeof judge === 'string') {
    findings.skip('input-json-form-agrees', judge);
    return accepted;
  }
  for (const [index, { input }] of accepted.entries()) {
    if (!judge(input)) {
      findings.fault(
        'input-json-form-agrees',
        `Accepted input ${index} does not fit the JSON Schema: callers that go by it cannot send it.`,
      );
    }
  }
  for (const [index, input] of examples.invalidInputs.entries()) {
    if (judge(input) && !(await fits(agent.input, input))) {
      findings.fault(
        'input-json-form-agrees',
        `Invalid input ${index} fits the JSON Schema: callers that go by it are refused. (If JSON Schema cannot say it, list it as refinedInputs.)`,
      );
    }
  }
  return accepted;
}

export function checkOutputs(agent: AnyAgent, outputs: readonly unknown[], findings: Findings): void {
  const judge = judgeOf(agent.outputJsonSchema);
  if (typeof judge === 'string') findings.skip('output-json-form-agrees', judge);
  for (const [index, output] of outputs.entries()) {
    const fault = jsonFault(output);
    if (fault !== undefined)
      findings.fault('output-is-json', `The output of input ${index} ${fault}: it cannot leave the process.`);
    else if (typeof judge === 'function' && !judge(JSON.parse(JSON.stringify(output)))) {
      findings.fault(
        'output-json-form-agrees',
        `The output of input ${index} does not fit the JSON Schema that callers are told.`,
      );
    }
  }
}

/** Asks for each declared number again and again, on different days and with different luck. */
export function checkDeclarations(agent: AnyAgent, validated: readonly unknown[], findings: Findings): void {
  for (const field of ['demand', 'weight', 'estimateMs'] as const) {
    const declared = agent[field];
    if (typeof declared !== 'function') continue;
    for (const [index, input] of validated.entries()) {
      const given = clone(input);
      const answers: unknown[] = [];
      for (let time = 0; time < ASKED; time++) {
        let answer: unknown;
        try {
          answer = elsewhen(time, () => declared(given as never));
        } catch (error) {
          findings.fault('declarations-in-range', `"${field}" throws for input ${index}: ${messageOf(error)}`);
          break;
        }
        answers.push(clone(answer));
        if (isDeepStrictEqual(given, input)) continue;
        findings.fault('declarations-keep-input', `"${field}" changes input ${index}.`);
        break;
      }
      const wrong = answers.find((answer) => (field === 'demand' ? !isDemand(answer) : !isAmount(answer)));
      if (wrong !== undefined)
        findings.fault('declarations-in-range', `"${field}" of input ${index} is ${shown(wrong)}.`);
      if (answers.some((answer) => !isDeepStrictEqual(answer, answers[0]))) {
        findings.fault(
          'declarations-steady',
          `"${field}" of input ${index} is not always the same: ${shown(answers[0])}, then others.`,
        );
      }
    }
  }
}

/** Amounts by pool, the largest of all inputs: what a yard needs to have so that the agent fits in. */
export function poolsOf(agent: AnyAgent, validated: readonly unknown[]): Record<string, number> {
  const pools: Record<string, number> = {};
  const { demand } = agent;
  for (const input of validated) {
    const amounts: Readonly<Record<string, number>> | undefined =
      typeof demand === 'function' ? demand(clone(input) as never) : demand;
    for (const [name, amount] of Object.entries(amounts ?? {})) {
      if (OWN_POOLS.includes(name)) continue;
      pools[name] = Math.max(pools[name] ?? 1, amount);
    }
  }
  return pools;
}

const OWN_POOLS = ['slots', 'interval'];

async function fits(schema: AgentSchema, value: unknown): Promise<boolean> {
  const { issues } = await schema['~standard'].validate(value);
  return issues === undefined;
}

/** A validator that knows nothing but the JSON Schema; or why there is none. */
function judgeOf(schema: JsonSchema): ((value: unknown) => boolean) | string {
  try {
    // It takes its schema apart, which ours, being frozen, does not like.
    const validator = z.fromJSONSchema(JSON.parse(JSON.stringify(schema)));
    return (value) => validator.safeParse(value).success;
  } catch (error) {
    return `The JSON Schema cannot be judged by: ${messageOf(error)}`;
  }
}

/** What JSON would make of it, if that is something else. Properties that are undefined are as good as absent. */
function jsonFault(value: unknown): string | undefined {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    return `cannot be written as JSON (${messageOf(error).split('\n')[0]})`;
  }
  if (text === undefined) return 'is nothing that JSON knows';
  const at = differenceOf(value, JSON.parse(text), '');
  return at === undefined
    ? undefined
    : `is not what it is once it was written as JSON (at ${at === '' ? 'the top' : at})`;
}

function differenceOf(value: unknown, back: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null)
    return Object.is(value, back) || (value === 0 && back === 0) ? undefined : path;
  if (typeof back !== 'object' || back === null || Array.isArray(value) !== Array.isArray(back)) return path;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return path;
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined && !Array.isArray(value)) continue;
    const found = differenceOf(inner, (back as Record<string, unknown>)[key], path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Calls `ask` on the given day, with the luck of that day. */
function elsewhen<T>(day: number, ask: () => T): T {
  const giveChanceBack = seedChance(day + 1);
  const clock = virtualClock({ epochMs: day * DAY_MS, originMs: day * DAY_MS });
  try {
    return ask();
  } finally {
    clock.restore();
    giveChanceBack();
  }
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isDemand(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((amount) => typeof amount === 'number' && Number.isFinite(amount) && amount >= 0);
}

function clone(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return value;
  }
}

function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? (JSON.stringify(value) ?? typeof value) : String(value);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
