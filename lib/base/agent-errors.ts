/** The errors of agents: what is wrong with a definition, an input, an output, or what an agent did. */
import { AgentyardError } from './errors.js';

/** One thing that is wrong with a value, in the words of its schema. Holds no more of the value than what is to blame. */
export interface ValueIssue {
  /** Where, as `items[2].price`; empty for the value itself. */
  path: string;
  message: string;
  /** What the schema wants there, when it says so. */
  expected?: string | undefined;
  /** Kind of what came: "string", "null", "missing" …; never the value itself. */
  got?: string | undefined;
}

const ISSUES_SHOWN = 3;

function issuesText(issues: readonly ValueIssue[]): string {
  const shown = issues.slice(0, ISSUES_SHOWN).map(({ path, message, expected, got }) => {
    const detail = expected === undefined ? message : `expected ${expected}${got === undefined ? '' : `, got ${got}`}`;
    return path === '' ? detail : `${path}: ${detail}`;
  });
  const more = issues.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

/** An agent cannot be defined as it is written: its name, a schema, a number. `field` names what is wrong. */
export class InvalidAgentError extends AgentyardError {
  readonly field: string;

  constructor(field: string, message: string, cause?: unknown) {
    super('AY_INVALID_AGENT', message, cause === undefined ? {} : { cause });
    this.field = field;
  }
}

/** There is an agent of that name and version already. */
export class DuplicateAgentError extends AgentyardError {
  readonly agent: string;

  /** @param agent - `name@version` */
  constructor(agent: string) {
    super('AY_DUPLICATE_AGENT', `There is an agent "${agent}" already. Give it another name, or another version.`);
    this.agent = agent;
  }
}

/** No agent of that name, or not in that version. */
export class UnknownAgentError extends AgentyardError {
  readonly agent: string;
  readonly known: readonly string[];
  readonly suggestion: string | undefined;

  constructor(agent: string, known: readonly string[], suggestion?: string) {
    const list = known.length === 0 ? 'none' : known.join(', ');
    const hint = suggestion === undefined ? '' : ` Did you mean "${suggestion}"?`;
    super('AY_UNKNOWN_AGENT', `Unknown agent "${agent}"; known: ${list}.${hint}`);
    this.agent = agent;
    this.known = known;
    this.suggestion = suggestion;
  }
}

/** The input does not fit the agent's schema. The agent was not run. */
export class InvalidInputError extends AgentyardError {
  readonly agent: string;
  readonly issues: readonly ValueIssue[];

  constructor(agent: string, issues: readonly ValueIssue[]) {
    super('AY_INVALID_INPUT', `The input of agent "${agent}" is wrong: ${issuesText(issues)}.`);
    this.agent = agent;
    this.issues = issues;
  }
}

/** What an agent returned, or a model said, does not fit the schema, not even after the repair that was tried. */
export class InvalidOutputError extends AgentyardError {
  readonly agent: string;
  readonly issues: readonly ValueIssue[];

  constructor(agent: string, issues: readonly ValueIssue[]) {
    super('AY_INVALID_OUTPUT', `The output of agent "${agent}" does not fit its schema: ${issuesText(issues)}.`);
    this.agent = agent;
    this.issues = issues;
  }
}

/** A structured answer was cut off by its limit of tokens, so it is no whole value. */
export class OutputTruncatedError extends AgentyardError {
  readonly agent: string;
  readonly outputTokens: number;

  constructor(agent: string, outputTokens: number) {
    super(
      'AY_OUTPUT_TRUNCATED',
      `A structured answer for agent "${agent}" was cut off after ${outputTokens} tokens. Raise its "maxTokens", or ask for less.`,
    );
    this.agent = agent;
    this.outputTokens = outputTokens;
  }
}

/** An agent threw something that is no error of agentyard. `cause` is what it threw, an error or not. */
export class AgentFailedError extends AgentyardError {
  readonly agent: string;

  constructor(agent: string, cause: unknown) {
    const said = cause instanceof Error ? cause.message : `it threw ${cause === null ? 'null' : typeof cause}`;
    super('AY_AGENT_FAILED', `Agent "${agent}" failed: ${said}`, { cause });
    this.agent = agent;
  }
}

/** An agent waits for itself: each of `chain` awaits the next, and the last awaits the first. */
export class AgentCycleError extends AgentyardError {
  readonly chain: readonly string[];

  constructor(chain: readonly string[]) {
    super('AY_AGENT_CYCLE', `Agents wait for each other in a circle: ${chain.join(' → ')}.`);
    this.chain = chain;
  }
}

/** A server of tools ended, does not answer in time, or answers what the protocol does not allow. */
export class ToolServerError extends AgentyardError {
  readonly server: string;

  constructor(server: string, message: string, cause?: unknown) {
    super('AY_TOOL_SERVER', `The tool server "${server}" ${message}.`, cause === undefined ? {} : { cause });
    this.server = server;
  }
}

/** A message came while an earlier one of the same conversation is still being answered. Nothing of it was kept: send it again. */
export class ConversationBusyError extends AgentyardError {
  readonly conversation: string;

  constructor(conversation: string) {
    super('AY_CONVERSATION_BUSY', `Conversation "${conversation}" is still answering an earlier message.`, {
      retryable: true,
    });
    this.conversation = conversation;
  }
}
