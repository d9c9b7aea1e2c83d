/** What a fake model does with one request. */
export interface FakeAnswer {
  text: string;
  /** Instead of "stop", or "length" where the limit of tokens cuts it off. */
  finishReason?: 'stop' | 'length' | undefined;
  /** What it fails with after the text. */
  error?: Error | undefined;
  /** Instead of the model's. */
  latencyMs?: number | undefined;
}
