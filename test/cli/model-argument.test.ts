import { describe, expect, it } from 'vitest';
import { modelsByName, parseModel } from '../../lib/cli/model-argument.js';

const absent = () => false;

describe('--model', () => {
  it.each([
    ['chat=/models/a.gguf', { name: 'chat', path: '/models/a.gguf' }],
    ['/models/Qwen3-4B-Q4_K_M.gguf', { name: 'Qwen3-4B-Q4_K_M', path: '/models/Qwen3-4B-Q4_K_M.gguf' }],
    ['org/chat=a.GGUF', { name: 'org/chat', path: 'a.GGUF' }],
    ['x=a=b.gguf', { name: 'x', path: 'a=b.gguf' }],
  ])('%s', (argument, expected) => {
    expect(parseModel(argument, absent)).toEqual(expected);
  });

  it('takes a file whose name holds "=" for a file', () => {
    expect(parseModel('/m/a=b.gguf', (path) => path === '/m/a=b.gguf')).toEqual({ name: 'a=b', path: '/m/a=b.gguf' });
  });

  it.each(['', '=a.gguf', 'chat='])('refuses "%s"', (argument) => {
    expect(() => parseModel(argument, absent)).toThrow('expected path.gguf or name=path.gguf');
  });

  it('refuses two models of one name, and says how to tell them apart', () => {
    const models = [parseModel('/a/m.gguf', absent), parseModel('/b/m.gguf', absent)];
    expect(() => modelsByName(models)).toThrow('other-name=/b/m.gguf');
    expect(modelsByName([models[0]!])).toEqual({ m: '/a/m.gguf' });
  });
});
