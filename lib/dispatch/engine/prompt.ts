/** From a job to tokens: the library's chat template and stop rules, never our own. */
import type { ChatHistoryItem, ChatWrapper, LlamaModel, Token } from 'node-llama-cpp';
import { InvalidRequestError } from '../../base/errors.js';
import type { ChatTurn, ModelJob } from '../../runtime/backend.js';

/** A tokenised prompt and what ends the answer to it. */
export interface Prompt {
  tokens: Token[];
  /** Tokens that end the answer, beside the model's own end tokens. */
  stopTokens: ReadonlySet<number>;
  /** Texts that end the answer: the request's and the template's. */
  stopTexts: readonly string[];
}

/** What tokenising needs of the model; the vocabulary alone is enough. */
export interface PromptMaker {
  model: LlamaModel;
  chatWrapper: ChatWrapper;
}

export function makePrompt(maker: PromptMaker, job: ModelJob): Prompt {
  switch (job.kind) {
    case 'chat':
      return chatPrompt(maker, job.messages, job.options.stop);
    case 'completion':
      return { tokens: plainTokens(maker.model, job.prompt), stopTokens: new Set(), stopTexts: job.options.stop };
    case 'embedding':
      return { tokens: embeddingTokens(maker.model, job.input), stopTokens: new Set(), stopTexts: [] };
    default:
      return job satisfies never;
  }
}

function chatPrompt(maker: PromptMaker, messages: readonly ChatTurn[], stop: readonly string[]): Prompt {
  const { model, chatWrapper } = maker;
  const history: ChatHistoryItem[] = messages.map(({ role, content }) => {
    if (role === 'assistant') return { type: 'model', response: [content] };
    return { type: role, text: content };
  });
  // The template ends with an open answer of the model.
  history.push({ type: 'model', response: [] });
  const { contextText, stopGenerationTriggers } = generateContext(chatWrapper, history);
  const stopTokens = new Set<number>();
  const stopTexts = [...stop];
  for (const trigger of stopGenerationTriggers) {
    // A special token ends the answer wherever the template puts it: the model never says one for its own sake.
    const tokens = trigger.tokenize(model.tokenizer);
    const special = tokens.find((token) => model.isSpecialToken(token));
    if (special !== undefined) stopTokens.add(special);
    else if (tokens.length > 0) stopTexts.push(trigger.toString());
  }
  return {
    tokens: contextText.tokenize(model.tokenizer),
    stopTokens,
    stopTexts: stopTexts.filter((text) => text !== ''),
  };
}

/** @throws {@link InvalidRequestError} when the model's own template refuses the messages, as some do for two of one role in a row */
function generateContext(chatWrapper: ChatWrapper, chatHistory: ChatHistoryItem[]) {
  try {
    return chatWrapper.generateContextState({ chatHistory });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new InvalidRequestError(`The model's chat template refuses these messages: ${detail}`, 'messages');
  }
}

function plainTokens(model: LlamaModel, prompt: string | readonly number[]): Token[] {
  if (typeof prompt !== 'string') return knownTokens(model, prompt, 'prompt');
  const tokens = model.tokenize(prompt);
  const { bos } = model.tokens;
  return model.tokens.shouldPrependBosToken && bos !== null ? [bos, ...tokens] : tokens;
}

function embeddingTokens(model: LlamaModel, input: string | readonly number[]): Token[] {
  const tokens = typeof input === 'string' ? [...model.tokenize(input)] : knownTokens(model, input, 'input');
  const { bos, eos } = model.tokens;
  if (model.tokens.shouldPrependBosToken && bos !== null && tokens[0] !== bos) tokens.unshift(bos);
  if (model.tokens.shouldAppendEosToken && eos !== null && tokens.at(-1) !== eos) tokens.push(eos);
  return tokens;
}

/** @throws {@link InvalidRequestError} for an id outside the vocabulary: the engine would read beyond its tables */
function knownTokens(model: LlamaModel, ids: readonly number[], param: string): Token[] {
  const size = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  for (const id of ids) {
    if (!Number.isInteger(id) || id < 0 || id >= size) {
      throw new InvalidRequestError(`Token ${id} is not in this model's vocabulary of ${size} tokens.`, param);
    }
  }
  return [...ids] as Token[];
}
