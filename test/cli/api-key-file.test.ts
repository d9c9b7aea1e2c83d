import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readApiKeys } from '../../lib/cli/api-key-file.js';

describe('--api-keys', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'agentyard-keys-'));
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  const read = (text: string) => {
    const file = join(directory, 'keys');
    writeFileSync(file, text);
    return readApiKeys(file);
  };

  it('reads tenants and their keys; keys may hold "="', () => {
    expect(read('# ours\nacme=k1\n\n  beta = k2==\r\n')).toEqual({ acme: 'k1', beta: 'k2==' });
  });

  it.each([
    ['acme\n', 'line 1'],
    ['a=1\n=secret\n', 'line 2'],
    ['a=\n', 'line 1'],
    ['a=1\na=2\n', '"a" has a key already'],
    ['# nothing\n', 'holds no key'],
  ])('refuses %j without showing a key', (text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).not.toThrow('secret');
  });

  it('refuses a file that is not there', () => {
    expect(() => readApiKeys(join(directory, 'absent'))).toThrow('cannot be read (ENOENT)');
  });
});
