import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Token } from 'node-llama-cpp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SavedSessions } from '../../lib/dispatch/engine/saved-sessions.js';
import { Slot } from '../../lib/dispatch/engine/slot.js';
import { FakeSequence } from '../support/fake-sequence.js';

/** Reading is dear, so that everything is worth saving unless a test says otherwise. */
const DEAR_MS = 1_000;
/** A saved session of so many tokens takes 12 bytes and 100 for each of them. */
const bytesOf = (tokens: number) => 12 + 100 * tokens;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agentyard-saved-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const text = (start: number, length: number) => Array.from({ length }, (_, i) => start + i) as Token[];

async function open(bytesMax = 1e6, msPerPromptToken = DEAR_MS) {
  const sequence = new FakeSequence();
  sequence.tokens = text(1_000, 10);
  const changes: number[] = [];
  const saved = (await SavedSessions.open(
    { folder, bytesMax, msPerPromptToken, onChange: ({ bytes }) => changes.push(bytes) },
    sequence.asSequence,
  ))!;
  /** Leaves `tokens` in the sequence and saves them. */
  const save = async (session: number, tokens: Token[]) => {
    sequence.tokens = [...tokens];
    await saved.save(session, sequence.asSequence);
  };
  const load = async (session: number) => {
    sequence.tokens = [7, 8, 9];
    const tokens = await saved.load(session, sequence.asSequence);
    return { tokens, held: sequence.tokens };
  };
  /** Is it worth saving `tokens` of session 1 when session 2 comes? */
  const isWorthSaving = (tokens: Token[]) =>
    saved.swapFor({ session: 1, tokens }, { session: 2, tokens: text(1, 3) }, 0, true).saves;
  const isWorthLoading = (session: number, tokens: Token[], kept = 0, canCut = true) =>
    saved.swapFor({ session: 0, tokens: [] }, { session, tokens }, kept, canCut).loads;
  return { saved, sequence, save, load, isWorthSaving, isWorthLoading, changes };
}

describe('a saved session', () => {
  it('comes back as it was, in any sequence, as often as it is wanted', async () => {
    const { saved, sequence, save, load } = await open();
    await save(1, text(100, 20));
    expect(sequence.tokens).toEqual(text(100, 20));
    await save(2, text(500, 5));
    expect(await load(1)).toEqual({ tokens: 20, held: text(100, 20) });
    expect(await load(2)).toEqual({ tokens: 5, held: text(500, 5) });
    expect(await load(1)).toEqual({ tokens: 20, held: text(100, 20) });
    expect(saved.stats).toMatchObject({ sessions: 2, bytes: bytesOf(20) + bytesOf(5), saves: 2, loads: 3 });
  });

  it('is replaced by its next save', async () => {
    const { saved, save, load } = await open();
    await save(1, text(100, 20));
    await save(1, text(100, 30));
    expect((await load(1)).tokens).toBe(30);
    expect(saved.stats).toMatchObject({ sessions: 1, bytes: bytesOf(30) });
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('lies in no file that is not counted, whatever is saved, loaded and read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 40 })), {
          maxLength: 30,
        }),
        async (steps) => {
          const { saved, save, load } = await open(bytesOf(60));
          const known = new Map<number, Token[]>();
          for (const [isSave, session, length] of steps) {
            if (isSave) {
              known.set(session, text(session * 1_000, length));
              await save(session, known.get(session)!);
            } else {
              const { tokens, held } = await load(session);
              // Whatever comes back is the last that was saved; it may be gone, but never old or another's.
              if (tokens > 0) expect(held).toEqual(known.get(session));
            }
            const files = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
            expect(files.reduce((sum, size) => sum + size, 0)).toBe(saved.stats.bytes);
            expect(files).toHaveLength(saved.stats.sessions);
            expect(saved.stats.bytes).toBeLessThanOrEqual(bytesOf(60));
          }
          for (const name of readdirSync(folder)) rmSync(join(folder, name));
        },
      ),
      { numRuns: 30, seed: 11 },
    );
  });
});

describe('the room', () => {
  it('goes to those used last; looking one up before others are saved is use', async () => {
    const { save, load, isWorthLoading } = await open(bytesOf(20) * 3);
    for (const session of [1, 2, 3]) await save(session, text(session * 100, 20));
    expect(isWorthLoading(1, text(100, 30))).toBe(true);
    await save(4, text(400, 20));
    expect((await load(1)).tokens).toBe(20);
    expect((await load(2)).tokens).toBe(0);
    expect((await load(3)).tokens).toBe(20);
  });

  it('is not given to what would not fit into all of it', async () => {
    const { saved, save, isWorthSaving } = await open(bytesOf(20));
    expect(isWorthSaving(text(1, 15))).toBe(true);
    expect(isWorthSaving(text(1, 25))).toBe(false);
    await save(1, text(1, 25));
    expect(saved.stats).toMatchObject({ sessions: 0, bytes: 0 });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the choice', () => {
  it('saves only named sessions, and only for another', async () => {
    const { saved } = await open();
    const swap = (leaving: number, entering: number) =>
      saved.swapFor({ session: leaving, tokens: text(1, 50) }, { session: entering, tokens: text(1, 60) }, 50, true);
    expect(swap(1, 2).saves).toBe(true);
    expect(swap(1, 0).saves).toBe(true);
    expect(swap(1, 1).saves).toBe(false);
    expect(swap(0, 1).saves).toBe(false);
    expect(swap(-1, 1).saves).toBe(false);
  });

  it('saves nothing that is read faster than it is saved and loaded', async () => {
    const { isWorthSaving } = await open(1e6, 1e-9);
    expect(isWorthSaving(text(1, 500))).toBe(false);
  });

  it('saves again only what has grown by enough', async () => {
    const { save, isWorthSaving } = await open();
    await save(1, text(1, 100));
    expect(isWorthSaving(text(1, 100))).toBe(false);
    expect(isWorthSaving(text(1, 150))).toBe(true);
  });

  it('loads what brings more than the slot holds already, and no part of what cannot be cut', async () => {
    const { save, isWorthLoading } = await open();
    await save(1, text(1, 100));
    expect(isWorthLoading(1, text(1, 120))).toBe(true);
    expect(isWorthLoading(1, text(1, 120), 100)).toBe(false);
    expect(isWorthLoading(1, [...text(1, 90), ...text(900, 30)])).toBe(true);
    expect(isWorthLoading(1, [...text(1, 90), ...text(900, 30)], 0, false)).toBe(false);
    expect(isWorthLoading(1, text(1, 120), 0, false)).toBe(true);
    expect(isWorthLoading(1, text(500, 120))).toBe(false);
    expect(isWorthLoading(2, text(1, 120))).toBe(false);
  });
});

describe('a file that is not the one that was saved', () => {
  const spoilers: [string, (path: string) => void][] = [
    ['truncated', (path) => truncateSync(path, statSync(path).size - 1)],
    ['longer', (path) => appendFileSync(path, 'x')],
    ['written again, of the same size', (path) => writeFileSync(path, Buffer.alloc(statSync(path).size, 7))],
    ['another session’s', (path) => writeFileSync(path, readFileSync(join(folder, '2')))],
    ['empty', (path) => truncateSync(path, 0)],
    ['gone', (path) => rmSync(path)],
  ];
  it.each(spoilers)('%s: is not loaded, and forgotten', async (_, spoil) => {
    const { saved, sequence, save, load } = await open();
    await save(1, text(100, 20));
    await save(2, text(200, 20));
    spoil(join(folder, '1'));
    let loads = 0;
    const { loadStateFromFile } = FakeSequence.prototype;
    sequence.loadStateFromFile = (path) => {
      loads++;
      return loadStateFromFile.call(sequence, path);
    };
    expect((await load(1)).tokens).toBe(0);
    expect(loads).toBe(0);
    expect(saved.stats).toMatchObject({ sessions: 1, loads: 0 });
    expect((await load(2)).tokens).toBe(20);
  });

  it('that the library refuses leaves the sequence empty', async () => {
    const { sequence, save, load } = await open();
    await save(1, text(100, 20));
    sequence.loadStateFromFile = async () => {
      sequence.tokens = [1, 2];
      throw new Error('Failed to load state from file');
    };
    expect(await load(1)).toEqual({ tokens: 0, held: [] });
  });
});

describe('a save that fails', () => {
  it('leaves nothing behind, and the sequence as it was', async () => {
    const { saved, sequence, save } = await open();
    sequence.failsToSave = true;
    await save(1, text(100, 20));
    expect(readdirSync(folder)).toEqual([]);
    expect(saved.stats).toMatchObject({ sessions: 0, bytes: 0 });
    expect(sequence.tokens).toEqual(text(100, 20));
    sequence.failsToSave = false;
    rmSync(folder, { recursive: true });
    await save(1, text(100, 20));
    expect(saved.stats.sessions).toBe(0);
  });

  it('at the trial turns saving off', async () => {
    const sequence = new FakeSequence();
    sequence.tokens = text(1, 10);
    sequence.failsToSave = true;
    const options = { folder, bytesMax: 1e6, msPerPromptToken: 1, onChange: () => {} };
    expect(await SavedSessions.open(options, sequence.asSequence)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a slot', () => {
  const task = (session: number, tokens: Token[]) => ({
    task: 1,
    session,
    prompt: { tokens, stopTokens: new Set<number>(), stopTexts: [] },
    maxTokens: 5,
    evaluateOptions: {},
  });
  const detokenize = (tokens: readonly number[]) => String.fromCharCode(...tokens);

  it('saves what it holds for a session before another overwrites it, and another slot goes on with it', async () => {
    const { saved } = await open();
    const slots = [0, 1].map((index) => new Slot(index, new FakeSequence().asSequence, 1_000, detokenize, saved));
    const run = async (slot: Slot, session: number, tokens: Token[]) => {
      const begun = task(session, tokens);
      const left = await slot.begin(begun, slot.swapFor(begun));
      await slot.advance(left);
      return (await slot.end()).usage.cachedTokens;
    };
    expect(await run(slots[0]!, 1, text(100, 20))).toBe(0);
    expect(await run(slots[0]!, 2, text(300, 20))).toBe(0);
    expect(await run(slots[1]!, 1, text(100, 40))).toBe(20);
    // The slot's own content is as good as the file.
    expect(await run(slots[0]!, 2, text(300, 40))).toBe(20);
    expect(saved.stats).toMatchObject({ saves: 1, loads: 1 });
  });

  it('saves nothing that it is not sure of after an error', async () => {
    const { saved } = await open();
    const slot = new Slot(0, new FakeSequence().asSequence, 1_000, detokenize, saved);
    const first = task(1, text(100, 20));
    await slot.begin(first, slot.swapFor(first));
    await slot.clear();
    expect(slot.swapFor(task(2, text(300, 20))).saves).toBe(false);
  });
});
