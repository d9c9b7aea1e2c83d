/**
 * How long saving and loading the state of a sequence takes, as measured, in ms.
 *
 * Both grow with the bytes. SmolLM2, 23 kB a token, in a memory file system beside a busy process: 0.9 to 2 ms to save a megabyte and
 * 0.4 to 0.9 to load it; on a disk the same, but one in eight took up to 8 ms a megabyte, when the system was writing back.
 */

/** Weight of the newest measurement. */
const NEWEST_WEIGHT = 1 / 4;
/** Expected is more than usual: a pause that is too long is worse than one prefix that is read again. */
const SAFETY_RATIO = 1.5;
/** After so many swaps that were left out the machine may be faster again: without measuring, one is tried in the end. */
const LEFT_OUT_DECAY = 0.95;

export class SwapPace {
  #bytesPerToken = 0;
  #saveMsPerByte = 0;
  #loadMsPerByte = 0;

  /** Starts from here. */
  measured(tokens: number, bytes: number, saveMs: number, loadMs: number): void {
    this.#bytesPerToken = bytes / tokens;
    this.#saveMsPerByte = saveMs / bytes;
    this.#loadMsPerByte = loadMs / bytes;
  }

  saved(tokens: number, bytes: number, ms: number): void {
    this.#bytesPerToken = bytes / tokens;
    this.#saveMsPerByte += NEWEST_WEIGHT * (ms / bytes - this.#saveMsPerByte);
  }

  loaded(bytes: number, ms: number): void {
    this.#loadMsPerByte += NEWEST_WEIGHT * (ms / bytes - this.#loadMsPerByte);
  }

  leftOut(): void {
    this.#saveMsPerByte *= LEFT_OUT_DECAY;
    this.#loadMsPerByte *= LEFT_OUT_DECAY;
  }

  /** Size of the state of so many tokens. */
  bytesOf(tokens: number): number {
    return Math.ceil(tokens * this.#bytesPerToken);
  }

  saveMs(tokens: number): number {
    return SAFETY_RATIO * this.bytesOf(tokens) * this.#saveMsPerByte;
  }

  loadMs(tokens: number): number {
    return SAFETY_RATIO * this.bytesOf(tokens) * this.#loadMsPerByte;
  }
}
