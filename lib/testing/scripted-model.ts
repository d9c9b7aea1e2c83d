/** Fake models that generate: by a sequence of answers, by rules on what is asked, or by a function. */
import { EngineError } from '../base/errors.js';
import { NO_PARAMETERS, toolCallText } from '../runtime/tool-prompt.js';
import type { FakeAnswer } from './fake-answer.js';
import { FakeModel, type FakeModelOptions, type ModelRequest } from './fake-model.js';
import { fittingValue } from './fitting-value.js';
import { HASHED_DIMS, hashedVector } from './hashed-embedder.js';

/** One answer: its text, a failure, or both and more. */
export type ScriptedAnswer = string | Error | FakeAnswer;

/** Whoever answers. It may hand out a promise: the request runs until that is settled. */
export type AnswerFunction = (request: ModelRequest) => ScriptedAnswer | PromiseLike<ScriptedAnswer>;

export interface ScriptedModelOptions extends FakeModelOptions {
  /**
   * A list: one answer after another, and a failure when there are no more. A function: asked each time.
   * Default: {@link obligingAnswer}.
   */
  answers?: readonly ScriptedAnswer[] | AnswerFunction | undefined;
  /** May it also embed, as {@link hashedEmbedder} does? Default false. */
  embeds?: boolean | undefined;
  /** Length of its vectors. Default 256. */
  dims?: number | undefined;
}

/**
 * A model that answers by script. A token is a word: `maxTokens` cuts the answer off there (`finishReason` "length"), and with
 * `tokensPerSecond` they come one by one. Each yard begins its list of answers anew.
 */
export function scriptedModel(options: ScriptedModelOptions = {}): FakeModel {
  const { answers = obligingAnswer, embeds = false, dims = HASHED_DIMS, ...rest } = options;
  return new FakeModel(
    {
      makeAnswer: () => {
        const next = typeof answers === 'function' ? answers : sequence(answers);
        return async (request) => asAnswer(await next(request));
      },
      ...(embeds ? { embed: (text: string) => hashedVector(text, dims), dims } : {}),
    },
    rest,
  );
}

/**
 * Answers by the first rule whose pattern is in the last message (a string: contains it), with `otherwise` for the rest.
 * Without `otherwise` a message that fits no rule is a failure.
 */
export function whenAsked(
  rules: readonly (readonly [pattern: string | RegExp, answer: ScriptedAnswer | AnswerFunction])[],
  otherwise?: ScriptedAnswer | AnswerFunction,
): AnswerFunction {
  return (request) => {
    const { lastMessage } = request;
    const rule = rules.find(([pattern]) =>
      typeof pattern === 'string' ? lastMessage.includes(pattern) : lastMessage.search(pattern) >= 0,
    );
    const answer = rule === undefined ? otherwise : rule[1];
    if (answer === undefined) return new EngineError('The script has no rule for what was asked.');
    return typeof answer === 'function' ? answer(request) : answer;
  };
}

/**
 * The answer of a model without a script: a call of the first tool where there has to be one, a value that fits the schema it is bound to, else
 * what was asked, word by word.
 */
export function obligingAnswer({ options, lastMessage }: ModelRequest): string {
  const { jsonSchema, toolBounds } = options ?? {};
  const tool = toolBounds?.choice === 'required' ? toolBounds.tools[0] : undefined;
  if (tool !== undefined) return toolCall(tool.name, fittingValue(tool.parameters ?? NO_PARAMETERS) as Arguments);
  return jsonSchema === undefined ? lastMessage : JSON.stringify(fittingValue(jsonSchema));
}

type Arguments = Readonly<Record<string, unknown>>;

/** What a model says to have a tool called; several calls are several of these, after one another. */
export function toolCall(name: string, args: Readonly<Record<string, unknown>>): string {
  return toolCallText({ name, arguments: args });
}

function sequence(answers: readonly ScriptedAnswer[]): AnswerFunction {
  let next = 0;
  return ({ call }) => {
    const answer = answers[next++];
    if (answer !== undefined) return answer;
    return new EngineError(`The script has ${answers.length} answers; this was request ${call}.`);
  };
}

function asAnswer(answer: ScriptedAnswer): FakeAnswer {
  if (typeof answer === 'string') return { text: answer };
  return answer instanceof Error ? { text: '', error: answer } : answer;
}
