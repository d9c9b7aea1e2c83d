/**
 * How long a model will work on a task, in seconds: C = c · prompt + s · output.
 *
 * c seconds per prompt token and s seconds per output token come from the engine's own measurement; the output length is
 * the smaller of the request's limit and the running mean of what the model's answers took (weight 1/16 for the newest).
 * Clamped to [0.05 s, 600 s], so that the ratio of any two densities, and with it every overtaking bound, is finite.
 * Source: docs/policies.md, "Service estimate".
 */
export const SERVICE_SECONDS_MIN = 0.05;
export const SERVICE_SECONDS_MAX = 600;

const NEWEST_WEIGHT = 1 / 16;

export class ServicePredictor {
  /** Before an engine measured itself: a small model on two CPU cores. */
  secondsPerPromptToken = 0.002;
  secondsPerOutputToken = 0.02;
  #meanOutputTokens = 128;

  measured(secondsPerPromptToken: number, secondsPerOutputToken: number): void {
    if (secondsPerPromptToken > 0) this.secondsPerPromptToken = secondsPerPromptToken;
    if (secondsPerOutputToken > 0) this.secondsPerOutputToken = secondsPerOutputToken;
  }

  completed(outputTokens: number): void {
    this.#meanOutputTokens += (outputTokens - this.#meanOutputTokens) * NEWEST_WEIGHT;
  }

  /** @returns seconds, in [SERVICE_SECONDS_MIN, SERVICE_SECONDS_MAX] */
  estimate(promptTokens: number, outputLimit: number): number {
    const output = Math.min(outputLimit, this.#meanOutputTokens);
    return clampServiceSeconds(promptTokens * this.secondsPerPromptToken + output * this.secondsPerOutputToken);
  }
}

export function clampServiceSeconds(seconds: number): number {
  return Math.min(SERVICE_SECONDS_MAX, Math.max(SERVICE_SECONDS_MIN, seconds));
}
