/**
 * What named sessions left in slots that others needed: the states of sequences, in files of this engine's own, brought back when a
 * session goes on in whatever slot.
 *
 * A state is saved only when it is about to be overwritten, and only where reading it again would cost more. Saving and loading hold
 * the whole context, so the caller is told beforehand how long a swap will take and may leave it out.
 *
 * Invariants: 1. The files together take at most `bytesMax`; the least recently used go first. 2. A file is loaded only while it is the
 * one that was saved: the same size, not written since, with the same tokens in its head. Anything else is dropped and the prompt is
 * read. 3. What is kept never changes an answer: whatever is loaded is compared with the prompt token by token.
 * Thread safety: one owner, one call at a time. Cost: O(tokens) per swap.
 */
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import type { SavedSessionStats } from '../../runtime/backend.js';
import { SwapPace } from './swap-pace.js';

/** Is told apart from the files of sessions, whose names are numbers. */
const TRIAL_NAME = 'trial';
/** A session may never come back, so what is saved must bring this many times what saving and loading cost. */
const WORTH_RATIO = 2;
/** Magic number, format version and number of tokens, four bytes each, in llama.cpp's file of a sequence; then the tokens. */
const HEAD_WORDS = 3;

/** What has to happen before a task begins in a slot. */
export interface Swap {
  /** What the slot holds is saved for its session. */
  saves: boolean;
  /** What was saved for the task's session is loaded. */
  loads: boolean;
  saveMs: number;
  loadMs: number;
}

export const NO_SWAP: Swap = { saves: false, loads: false, saveMs: 0, loadMs: 0 };

/** What a slot holds, or a task brings. */
export interface SessionTokens {
  /** Number of a named session; anything else is not saved. */
  session: number;
  tokens: readonly Token[];
}

export interface SavedSessionsOptions {
  /** Exists, and is private to this engine. */
  folder: string;
  /** Most bytes of all files together. */
  bytesMax: number;
  /** What reading one prompt token takes, ms. */
  msPerPromptToken: number;
  /** Called after each change. */
  onChange: (stats: SavedSessionStats) => void;
}

interface SavedState {
  path: string;
  tokens: readonly Token[];
  bytes: number;
  /** When the file was changed last, ns. */
  changedNs: bigint;
}

export class SavedSessions {
  readonly #folder: string;
  readonly #bytesMax: number;
  readonly #msPerPromptToken: number;
  readonly #onChange: (stats: SavedSessionStats) => void;
  readonly #pace: SwapPace;
  /** By session, least recently used first. */
  readonly #states = new Map<number, SavedState>();
  #bytes = 0;
  #saves = 0;
  #loads = 0;
  #saveMs = 0;
  #loadMs = 0;
  #leftOut = 0;

  private constructor({ folder, bytesMax, msPerPromptToken, onChange }: SavedSessionsOptions, pace: SwapPace) {
    this.#folder = folder;
    this.#bytesMax = bytesMax;
    this.#msPerPromptToken = msPerPromptToken;
    this.#onChange = onChange;
    this.#pace = pace;
  }

  /**
   * Measures saving and loading with what `sequence` holds, some tokens at least.
   * @returns undefined where it does not work: no room, no permission, a model whose state cannot be saved
   */
  static async open(options: SavedSessionsOptions, sequence: LlamaContextSequence): Promise<SavedSessions | undefined> {
    const path = join(options.folder, TRIAL_NAME);
    const pace = new SwapPace();
    try {
      // The second time is what later ones cost: the first touches the folder and the buffers.
      for (let trial = 0; trial < 2; trial++) {
        const tokens = sequence.nextTokenIndex;
        const beginMs = performance.now();
        const { fileSize } = await sequence.saveStateToFile(path);
        const savedMs = performance.now();
        await sequence.loadStateFromFile(path, { acceptRisk: true });
        pace.measured(tokens, fileSize, savedMs - beginMs, performance.now() - savedMs);
      }
      return new SavedSessions(options, pace);
    } catch {
      await sequence.clearHistory();
      return undefined;
    } finally {
      await rm(path, { force: true });
    }
  }

  get stats(): SavedSessionStats {
    return {
      sessions: this.#states.size,
      bytes: this.#bytes,
      saves: this.#saves,
      loads: this.#loads,
      saveMs: this.#saveMs,
      loadMs: this.#loadMs,
      leftOut: this.#leftOut,
    };
  }

  /**
   * What is worth doing before `entering` begins in a slot that holds `leaving`.
   * @param kept - tokens of `entering` that the slot holds already
   * @param canCut - may a prefix of a state be kept? Not with sliding windows and recurrent states
   */
  swapFor(leaving: SessionTokens, entering: SessionTokens, kept: number, canCut: boolean): Swap {
    const isLeaving = leaving.session > 0 && leaving.session !== entering.session;
    const saves = isLeaving && this.#isWorthSaving(leaving);
    const loads = entering.session > 0 && this.#isWorthLoading(entering, kept, canCut);
    if (!saves && !loads) return NO_SWAP;
    return {
      saves,
      loads,
      saveMs: saves ? this.#pace.saveMs(leaving.tokens.length) : 0,
      loadMs: loads ? this.#pace.loadMs(this.#states.get(entering.session)!.tokens.length) : 0,
    };
  }

  /** A swap, or part of one, is left out because it would take too long now. */
  leaveOut(): void {
    this.#leftOut++;
    this.#pace.leftOut();
    this.#onChange(this.stats);
  }

  /** Keeps what `sequence` holds for `session`, if there is room. The sequence is as before. */
  async save(session: number, sequence: LlamaContextSequence): Promise<void> {
    const path = join(this.#folder, String(session));
    const tokens = sequence.contextTokens;
    try {
      await this.#drop(session);
      await this.#makeRoom(this.#pace.bytesOf(tokens.length));
      const beginMs = performance.now();
      await sequence.saveStateToFile(path);
      const ms = performance.now() - beginMs;
      const { size, ctimeNs } = await stat(path, { bigint: true });
      const bytes = Number(size);
      this.#pace.saved(tokens.length, bytes, ms);
      this.#saves++;
      this.#saveMs += ms;
      await this.#makeRoom(bytes);
      if (this.#bytes + bytes > this.#bytesMax) {
        await rm(path, { force: true });
        return;
      }
      this.#states.set(session, { path, tokens, bytes, changedNs: ctimeNs });
      this.#bytes += bytes;
    } catch {
      // No room in the file system, or the folder is gone. The session is read again when it goes on.
      await rm(path, { force: true }).catch(() => {});
    } finally {
      this.#onChange(this.stats);
    }
  }

  /** Replaces what `sequence` holds by what was saved for `session`; where that fails it holds nothing. @returns tokens brought back */
  async load(session: number, sequence: LlamaContextSequence): Promise<number> {
    const state = this.#states.get(session);
    if (state === undefined) return 0;
    try {
      if (await isIntact(state)) {
        const beginMs = performance.now();
        await sequence.loadStateFromFile(state.path, { acceptRisk: true });
        const ms = performance.now() - beginMs;
        this.#pace.loaded(state.bytes, ms);
        this.#loads++;
        this.#loadMs += ms;
        this.#touch(session);
        this.#onChange(this.stats);
        return state.tokens.length;
      }
    } catch {
      // What cannot be loaded is read again.
      await sequence.clearHistory();
    }
    await this.#drop(session).catch(() => {});
    this.#onChange(this.stats);
    return 0;
  }

  #isWorthSaving({ session, tokens }: SessionTokens): boolean {
    if (this.#pace.bytesOf(tokens.length) > this.#bytesMax) return false;
    const saved = this.#states.get(session);
    const gained = tokens.length - (saved === undefined ? 0 : commonPrefix(saved.tokens, tokens));
    const costMs = this.#pace.saveMs(tokens.length) + this.#pace.loadMs(tokens.length);
    return gained * this.#msPerPromptToken > WORTH_RATIO * costMs;
  }

  #isWorthLoading({ session, tokens }: SessionTokens, kept: number, canCut: boolean): boolean {
    const saved = this.#states.get(session);
    if (saved === undefined) return false;
    const common = commonPrefix(saved.tokens, tokens);
    if (common < saved.tokens.length && !canCut) return false;
    // It must not go for the room of what is saved before it is loaded.
    this.#touch(session);
    return (common - kept) * this.#msPerPromptToken > this.#pace.loadMs(saved.tokens.length);
  }

  #touch(session: number): void {
    const state = this.#states.get(session)!;
    this.#states.delete(session);
    this.#states.set(session, state);
  }

  async #makeRoom(bytes: number): Promise<void> {
    for (const session of [...this.#states.keys()]) {
      if (this.#bytes + bytes <= this.#bytesMax) return;
      await this.#drop(session);
    }
  }

  async #drop(session: number): Promise<void> {
    const state = this.#states.get(session);
    if (state === undefined) return;
    this.#states.delete(session);
    await rm(state.path, { force: true });
    this.#bytes -= state.bytes;
  }
}

function commonPrefix(a: readonly Token[], b: readonly Token[]): number {
  const length = Math.min(a.length, b.length);
  let common = 0;
  while (common < length && a[common] === b[common]) common++;
  return common;
}

/** Is the file the one that was saved? The library would load whatever lies there, and a file of another model ends its process. */
async function isIntact({ path, tokens, bytes, changedNs }: SavedState): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { size, ctimeNs } = await file.stat({ bigint: true });
    if (size !== BigInt(bytes) || ctimeNs !== changedNs) return false;
    const head = new Uint32Array(HEAD_WORDS + tokens.length);
    const { bytesRead } = await file.read(new Uint8Array(head.buffer), 0, head.byteLength, 0);
    if (bytesRead < head.byteLength || head[HEAD_WORDS - 1] !== tokens.length) return false;
    return tokens.every((token, index) => head[HEAD_WORDS + index] === token);
  } finally {
    await file.close();
  }
}
