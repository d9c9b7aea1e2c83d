/**
 * Fields that clients send by habit and that this server does not act on. Each is accepted with the values that leave the answer
 * as it would be without the field, and refused with any other: what was asked for is never silently left out.
 */

interface NeutralField {
  accepts(value: unknown): boolean;
  /** The accepted values in words, after "only". */
  only: string;
}

const anything: NeutralField = { accepts: () => true, only: 'any value' };
const nothing: NeutralField = { accepts: () => false, only: 'null' };

function exactly(...values: readonly (string | number | boolean)[]): NeutralField {
  return {
    accepts: (value) => (values as readonly unknown[]).includes(value),
    only: values.map((value) => JSON.stringify(value)).join(' or '),
  };
}

const emptyList: NeutralField = {
  accepts: (value) => Array.isArray(value) && value.length === 0,
  only: 'an empty list',
};

const emptyObject: NeutralField = {
  accepts: (value) => typeof value === 'object' && value !== null && Object.keys(value).length === 0,
  only: 'an empty object',
};

const textOnly: NeutralField = {
  accepts: (value) => Array.isArray(value) && value.length === 1 && value[0] === 'text',
  only: '["text"]',
};

/** Bookkeeping that never reaches a model, or changes only the speed. */
const BOOKKEEPING = {
  metadata: anything,
  safety_identifier: anything,
  prompt_cache_retention: anything,
  prediction: anything,
  cache_prompt: anything,
  service_tier: exactly('auto', 'default'),
  store: exactly(false),
};

/** Sampling that the engine does not do, of OpenAI's own and of other servers' extensions. */
const SAMPLING = {
  n: exactly(1),
  best_of: exactly(1),
  presence_penalty: exactly(0),
  frequency_penalty: exactly(0),
  repetition_penalty: exactly(1),
  repeat_penalty: exactly(1),
  length_penalty: exactly(1),
  logit_bias: emptyObject,
  top_k: exactly(-1, 0),
  min_p: exactly(0),
  min_tokens: exactly(0),
  ignore_eos: exactly(false),
  use_beam_search: exactly(false),
  stop_token_ids: emptyList,
  bad_words: emptyList,
  include_stop_str_in_output: exactly(false),
  skip_special_tokens: exactly(true),
  echo: exactly(false),
  guided_json: nothing,
  guided_regex: nothing,
  guided_choice: nothing,
  guided_grammar: nothing,
  grammar: nothing,
};

/** `POST /v1/chat/completions`. */
export const CHAT_NEUTRAL: Readonly<Record<string, NeutralField>> = {
  ...BOOKKEEPING,
  ...SAMPLING,
  logprobs: exactly(false),
  top_logprobs: exactly(0),
  functions: emptyList,
  function_call: exactly('none', 'auto'),
  modalities: textOnly,
  audio: nothing,
  reasoning_effort: exactly('none'),
  verbosity: exactly('medium'),
  web_search_options: nothing,
  chat_template: nothing,
  chat_template_kwargs: emptyObject,
  add_generation_prompt: exactly(true),
  continue_final_message: exactly(false),
};

/** `POST /v1/completions`. */
export const COMPLETION_NEUTRAL: Readonly<Record<string, NeutralField>> = {
  ...BOOKKEEPING,
  ...SAMPLING,
  parallel_tool_calls: anything,
  logprobs: nothing,
  suffix: exactly(''),
};

/** `POST /v1/embeddings`. */
export const EMBEDDING_NEUTRAL: Readonly<Record<string, NeutralField>> = {
  ...BOOKKEEPING,
  parallel_tool_calls: anything,
  truncate_prompt_tokens: nothing,
};
