import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { InvalidOptionError, loadNativeCore, NativeUnavailableError, nativeStatus } from '../../lib/base/index.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A package root of its own, with a folder for an addon. */
function packageRoot(): { root: string; addon: string } {
  const root = mkdtempSync(join(tmpdir(), 'agentyard-native-'));
  folders.push(root);
  writeFileSync(join(root, 'package.json'), '{"name":"agentyard"}');
  mkdirSync(join(root, 'build', 'Release'), { recursive: true });
  return { root, addon: join(root, 'build', 'Release', 'agentyard.node') };
}

/** Any addon that is not ours. */
function foreignAddon(): string | undefined {
  const scope = 'node_modules/@rolldown';
  const entries = readdirSync(scope, { recursive: true, encoding: 'utf8' });
  const file = entries.find((entry) => entry.endsWith('.node'));
  return file === undefined ? undefined : join(process.cwd(), scope, file);
}

describe('loading the compiled core', () => {
  it('names the platform and the folder when there is no addon', () => {
    const { root } = packageRoot();
    const { core, status } = loadNativeCore({ packageRoot: root, force: undefined });
    expect(core).toBeUndefined();
    expect(status).toEqual({
      core: 'typescript',
      reason: `no addon for ${process.platform}-${process.arch} in ${root}`,
    });
  });

  it('says why a file that is no addon does not load', () => {
    const { root, addon } = packageRoot();
    writeFileSync(addon, 'not a library');
    const { core, status } = loadNativeCore({ packageRoot: root, force: undefined });
    expect(core).toBeUndefined();
    expect(status.reason).toContain(`${addon} failed to load: `);
  });

  it.skipIf(foreignAddon() === undefined)('refuses an addon that was built from other sources', () => {
    const { root, addon } = packageRoot();
    symlinkSync(foreignAddon() as string, addon);
    const { core, status } = loadNativeCore({ packageRoot: root, force: undefined });
    expect(core).toBeUndefined();
    expect(status.reason).toContain('built from other sources: interface undefined');
  });

  it('obeys the force to TypeScript', () => {
    expect(loadNativeCore({ force: 'ts' }).status).toEqual({
      core: 'typescript',
      reason: 'AGENTYARD_CORE=ts asks for it',
    });
  });

  it('throws when native is forced and missing', () => {
    const { root } = packageRoot();
    expect(() => loadNativeCore({ packageRoot: root, force: 'native' })).toThrow(NativeUnavailableError);
  });

  it('refuses any other choice', () => {
    expect(() => loadNativeCore({ force: 'fast' })).toThrow(InvalidOptionError);
  });

  it('reports the file it runs from, or why none', () => {
    const status = nativeStatus();
    console.info(`core: ${status.core} (${status.reason})`);
    expect(status.file === undefined).toBe(status.core === 'typescript');
    expect(status.reason).not.toBe('');
  });
});

const file = nativeStatus().file;
if (file === undefined) console.warn(`worker threads: skipped, ${nativeStatus().reason}`);

describe.skipIf(file === undefined)('the addon in worker threads', () => {
  it('survives the termination of workers in the middle of heap calls', async () => {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      const heap = require(workerData).createHeap(1000);
      for (let i = 0; i < 500; i++) heap.push(i % 7, i);
      parentPort.postMessage(heap.size());
      for (;;) heap.push(1, heap.pop());
    `;
    for (let round = 0; round < 5; round++) {
      const workers = [1, 2].map(() => new Worker(source, { eval: true, workerData: file }));
      const sizes = await Promise.all(
        workers.map(
          (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)),
        ),
      );
      expect(sizes).toEqual([500, 500]);
      expect(await Promise.all(workers.map((worker) => worker.terminate()))).toEqual([1, 1]);
    }
  });
});
