/** Makes an agent out of its definition: whatever can be wrong with it is found here, and not when it runs. */
import { InvalidAgentError } from '../base/agent-errors.js';
import { nearest } from '../base/nearest.js';
import type { Agent, AgentDefinition, AnyAgent } from './agent.js';
import { jsonFormOf } from './json-form.js';
import type { AgentSchema } from './schema.js';

const BRAND = Symbol.for('agentyard.agent');

const NAME = /^[a-z][a-z0-9_-]{0,63}$/;
/** One to three numbers without leading zeros, of at most nine digits. */
const VERSION = /^(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){0,2}$/;

interface Rule {
  accepts(value: unknown): boolean;
  expected: string;
  isRequired?: boolean;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isPositive = (value: unknown): boolean => typeof value === 'number' && value > 0;
const isFinitePositive = (value: unknown): boolean => isPositive(value) && value !== Number.POSITIVE_INFINITY;
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const modelName: Rule = { accepts: isText, expected: 'the name of a model' };

const RULES: Readonly<Record<keyof AgentDefinition<AgentSchema, AgentSchema>, Rule>> = {
  name: {
    accepts: (value) => typeof value === 'string' && NAME.test(value),
    expected: '1 to 64 of a-z, 0-9, "_" and "-", beginning with a letter',
    isRequired: true,
  },
  version: {
    accepts: (value) => typeof value === 'string' && VERSION.test(value),
    expected: 'a text of one to three numbers, as "2" or "1.4.0"',
    isRequired: true,
  },
  description: { accepts: isText, expected: 'a text that says what it does', isRequired: true },
  // Looked at more closely when their JSON Schema is asked for.
  input: { accepts: () => true, expected: 'a Standard Schema', isRequired: true },
  output: { accepts: () => true, expected: 'a Standard Schema', isRequired: true },
  model: modelName,
  embeddingModel: modelName,
  demand: {
    accepts: (value) => isFunction(value) || (isObject(value) && Object.values(value).every(isAmount)),
    expected: 'amounts of at least 0 by pool name, or a function of the input',
  },
  weight: {
    accepts: (value) => isFunction(value) || isFinitePositive(value),
    expected: 'a finite number, more than 0, or a function of the input',
  },
  estimateMs: {
    accepts: (value) => isFunction(value) || isFinitePositive(value),
    expected: 'milliseconds, more than 0, or a function of the input',
  },
  timeoutMs: { accepts: isPositive, expected: 'milliseconds, more than 0' },
  pure: { accepts: (value) => typeof value === 'boolean', expected: 'true or false' },
  deprecated: { accepts: isText, expected: 'a text that says why, and what to use instead' },
  run: { accepts: isFunction, expected: 'a function', isRequired: true },
};

class DefinedAgent<I extends AgentSchema, O extends AgentSchema> implements Agent<I, O> {
  readonly name: string;
  readonly version: string;
  readonly id: string;
  readonly description: string;
  readonly input: I;
  readonly output: O;
  readonly inputJsonSchema: Agent<I, O>['inputJsonSchema'];
  readonly outputJsonSchema: Agent<I, O>['outputJsonSchema'];
  readonly model: string | undefined;
  readonly embeddingModel: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly pure: boolean;
  readonly deprecated: string | undefined;
  readonly demand: Agent<I, O>['demand'];
  readonly weight: Agent<I, O>['weight'];
  readonly estimateMs: Agent<I, O>['estimateMs'];
  readonly run: Agent<I, O>['run'];

  constructor(definition: AgentDefinition<I, O>) {
    const { name, version, input, output, demand } = definition;
    this.name = name;
    this.version = version;
    this.id = `${name}@${version}`;
    this.description = definition.description;
    this.input = input;
    this.output = output;
    // Callers send what is not validated yet, and get what is.
    this.inputJsonSchema = jsonFormOf('input', input, 'input');
    this.outputJsonSchema = jsonFormOf('output', output, 'output');
    this.model = definition.model;
    this.embeddingModel = definition.embeddingModel;
    this.timeoutMs = definition.timeoutMs;
    this.pure = definition.pure ?? false;
    this.deprecated = definition.deprecated;
    this.demand = typeof demand === 'object' ? Object.freeze({ ...demand }) : demand;
    this.weight = definition.weight;
    this.estimateMs = definition.estimateMs;
    // Also one that is a method of the definition, and uses `this`.
    this.run = definition.run.bind(definition);
    Object.freeze(this);
  }
}

// On the prototype and by name, so that two copies of the package recognise each other's agents.
Object.defineProperty(DefinedAgent.prototype, BRAND, { value: true });

/** Was `value` made by {@link defineAgent} of any copy of this package? */
export function isAgent(value: unknown): value is AnyAgent {
  return isObject(value) && (value as Record<symbol, unknown>)[BRAND] === true;
}

/**
 * Defines an agent: a named, versioned, typed function that a yard runs as one task, and that all its faces offer.
 *
 * ```ts
 * const shout = defineAgent({
 *   name: 'shout', version: '1', description: 'Says it loudly.',
 *   input: z.object({ text: z.string() }), output: z.object({ text: z.string() }),
 *   run: ({ text }) => ({ text: text.toUpperCase() }),
 * });
 * const { text } = await yard.run(shout, { text: 'hello' });
 * ```
 * @throws {@link InvalidAgentError} naming the field, what came and what is expected; also for a schema without a JSON Schema form
 */
export function defineAgent<I extends AgentSchema, O extends AgentSchema>(
  definition: AgentDefinition<I, O>,
): Agent<I, O> {
  if (!isObject(definition)) {
    throw new InvalidAgentError('definition', `The definition of an agent is an object; got ${kindOf(definition)}.`);
  }
  const whose = isText(definition.name) ? `agent "${definition.name}"` : 'an agent';
  for (const field in definition) {
    if (Object.hasOwn(RULES, field)) continue;
    const known = Object.keys(RULES);
    const guess = nearest(field, known);
    const hint = guess === undefined ? '' : ` Did you mean "${guess}"?`;
    throw new InvalidAgentError(field, `Unknown field "${field}" of ${whose}; known: ${known.join(', ')}.${hint}`);
  }
  for (const [field, rule] of Object.entries(RULES)) {
    const value = (definition as unknown as Record<string, unknown>)[field];
    if (value === undefined && rule.isRequired !== true) continue;
    if (value !== undefined && rule.accepts(value)) continue;
    const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : kindOf(value);
    const got = typeof value === 'number' ? String(value) : shown;
    throw new InvalidAgentError(
      field,
      `Field "${field}" of ${whose} is wrong (got ${got}): expected ${rule.expected}.`,
    );
  }
  return new DefinedAgent(definition);
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : value === undefined ? 'nothing' : typeof value;
}
