import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  gypfile?: boolean;
  engines: { node: string };
  scripts: Record<string, string>;
  overrides: Record<string, string>;
  devDependencies: Record<string, string>;
  binary: { napi_versions: number[] };
};

/** Below native/, with forward slashes. */
const nativeFiles = readdirSync('native', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).replaceAll('\\', '/'));

const filesThat = (pattern: RegExp, files: readonly string[]) =>
  files.filter((file) => pattern.test(readFileSync(file, 'utf8')));

describe('the native sources', () => {
  const listed = readFileSync('native/sources.txt', 'utf8').trim().split('\n');

  it('are listed completely, sorted and once in native/sources.txt', () => {
    expect(listed).toEqual(nativeFiles.filter((file) => /\.(cc|mm)$/.test(file)).sort());
  });

  it('are built from that one list by CMake and by gyp', () => {
    for (const file of ['CMakeLists.txt', 'binding.gyp']) {
      const text = readFileSync(file, 'utf8');
      expect(text, file).toContain('native/sources.txt');
      // No second list beside it.
      expect(text.match(/[\w/]+\.(cc|cpp|mm)\b/g), file).toBeNull();
    }
  });

  it('speak Node-API in native/binding/ alone', () => {
    const users = filesThat(/#include\s*[<"](napi|node_api|js_native_api)\b/, nativeFiles);
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter((file) => !file.startsWith('native/binding/'))).toEqual([]);
  });

  it('have no clock, no logging and no exceptions in native/core/', () => {
    const core = nativeFiles.filter((file) => file.startsWith('native/core/'));
    expect(core.length).toBeGreaterThan(0);
    expect(filesThat(/#include\s*<(chrono|ctime|iostream|cstdio|stdexcept)>|\bthrow\b/, core)).toEqual([]);
  });

  it('are built for the same Node-API version everywhere', () => {
    const [version] = manifest.binary.napi_versions;
    expect(readFileSync('CMakeLists.txt', 'utf8')).toContain(`NAPI_VERSION=${version}`);
    expect(readFileSync('binding.gyp', 'utf8')).toContain(`NAPI_VERSION=${version}`);
  });

  it('have the interface number that the loader asks for', () => {
    const binary = /kInterfaceVersion = (\d+)/.exec(readFileSync('native/binding/addon.cc', 'utf8'))?.[1];
    const loader = /INTERFACE_VERSION = (\d+)/.exec(readFileSync('lib/base/native.ts', 'utf8'))?.[1];
    expect(binary).toBeDefined();
    expect(loader).toBe(binary);
  });
});

describe('the package', () => {
  it('runs no script when it is installed', () => {
    expect(manifest.gypfile).toBe(false);
    expect(Object.keys(manifest.scripts)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(pre|post)?install$|^prepare$/)]),
    );
  });

  it('pins every development dependency exactly', () => {
    expect(Object.entries(manifest.devDependencies).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual(
      [],
    );
  });

  it('has a lock file that names no registry', () => {
    expect(readFileSync('package-lock.json', 'utf8')).not.toContain('"resolved"');
  });

  it('asks for the same versions of Node as its set-up', () => {
    // Both forms are spelled out, so that a change to one fails here.
    expect(manifest.engines.node).toBe('^20.19.0 || >=22.12.0');
    expect(readFileSync('scripts/bootstrap.mjs', 'utf8')).toContain(
      '(major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22',
    );
  });

  it('stubs every binary of node-llama-cpp but one in the development tree', () => {
    const file = 'node_modules/node-llama-cpp/package.json';
    expect(existsSync(file)).toBe(true);
    const { version, optionalDependencies } = JSON.parse(readFileSync(file, 'utf8')) as {
      version: string;
      optionalDependencies: Record<string, string>;
    };
    const stubbed = Object.keys(manifest.overrides).filter((name) => name.startsWith('@node-llama-cpp/'));
    expect([...stubbed, '@node-llama-cpp/linux-x64'].sort()).toEqual(Object.keys(optionalDependencies).sort());
    const { integrity } = JSON.parse(readFileSync('scripts/bootstrap/engines.json', 'utf8')) as {
      integrity: Record<string, string>;
    };
    // A new version of the library must bring new hashes, or the set-up would take binaries unchecked.
    for (const name of Object.keys(integrity)) expect(name.endsWith(`@${version}`), name).toBe(true);
  });
});
