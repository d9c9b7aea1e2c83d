import { describe, expect, it } from 'vitest';

interface Host {
  platform: string;
  arch: string;
  musl: boolean;
  wanted: string | undefined;
  nvidiaDriver: boolean;
  amdGpu: boolean;
  hasLibrary(name: string): boolean;
}

type Choice = { packages: string[]; reason: string } | { error: string };

const { chooseEngine } = (await import(new URL('../../scripts/bootstrap/engine-choice.mjs', import.meta.url).href)) as {
  chooseEngine(host: Host): Choice;
};

function choose(differences: Partial<Omit<Host, 'hasLibrary'>> & { libraries?: string[] }): string[] | string {
  const { libraries = [], ...host } = differences;
  const choice = chooseEngine({
    platform: 'linux',
    arch: 'x64',
    musl: false,
    wanted: undefined,
    nvidiaDriver: false,
    amdGpu: false,
    hasLibrary: (name) => libraries.includes(name),
    ...host,
  });
  return 'error' in choice ? choice.error : choice.packages;
}

const CUDA_13 = ['libcudart.so.13', 'libcublas.so.13'];
const CUDA_12 = ['libcudart.so.12', 'libcublas.so.12'];

describe('the engine binary for a machine', () => {
  it.each([
    ['linux', 'x64', 'linux-x64'],
    ['linux', 'arm64', 'linux-arm64'],
    ['darwin', 'arm64', 'mac-arm64-metal'],
    ['darwin', 'x64', 'mac-x64'],
    ['win32', 'x64', 'win-x64'],
  ])('on %s-%s without a GPU is %s', (platform, arch, name) => {
    expect(choose({ platform, arch })).toEqual([name]);
  });

  it('is the CUDA one where an NVIDIA driver and CUDA 13 are found', () => {
    expect(choose({ nvidiaDriver: true, libraries: [...CUDA_13, ...CUDA_12] })).toEqual(['linux-x64-cuda']);
  });

  it('comes with its extension for CUDA 12', () => {
    expect(choose({ nvidiaDriver: true, libraries: CUDA_12 })).toEqual(['linux-x64-cuda', 'linux-x64-cuda-ext']);
  });

  it('is not the CUDA one where it would not load: half a runtime, or none', () => {
    expect(choose({ nvidiaDriver: true, libraries: ['libcudart.so.13', 'libcublas.so.12'] })).toEqual(['linux-x64']);
    expect(choose({ nvidiaDriver: true, libraries: ['libvulkan.so.1'] })).toEqual(['linux-x64-vulkan']);
  });

  it('is not the CUDA one where CUDA is found without a driver', () => {
    expect(choose({ libraries: CUDA_13 })).toEqual(['linux-x64']);
  });

  it('is the Vulkan one for an AMD GPU', () => {
    expect(choose({ amdGpu: true, libraries: ['libvulkan.so.1'] })).toEqual(['linux-x64-vulkan']);
    expect(choose({ amdGpu: true })).toEqual(['linux-x64']);
  });

  it('is what AGENTYARD_ENGINE asks for', () => {
    expect(choose({ wanted: 'cpu', nvidiaDriver: true, libraries: CUDA_13 })).toEqual(['linux-x64']);
    expect(choose({ wanted: 'vulkan' })).toEqual(['linux-x64-vulkan']);
    expect(choose({ wanted: 'cuda' })).toEqual(['linux-x64-cuda']);
    expect(choose({ wanted: 'rocm' })).toContain('AGENTYARD_ENGINE is "cpu", "cuda" or "vulkan"; got "rocm"');
  });

  it('does not exist for musl or an unknown processor', () => {
    expect(choose({ musl: true })).toBe('node-llama-cpp has no binary for linux-x64 with musl');
    expect(choose({ arch: 's390x' })).toBe('node-llama-cpp has no binary for linux-s390x');
  });
});
