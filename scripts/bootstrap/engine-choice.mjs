// Which binary of node-llama-cpp fits this machine. Looks at files only; no vendor library is called.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The package that is an ordinary dependency of the development tree; all others are stubbed there (package.json, "overrides"). */
export const BUNDLED = 'linux-x64';

/**
 * @typedef {object} Host What the choice depends on.
 * @property {string} platform as process.platform
 * @property {string} arch as process.arch
 * @property {boolean} musl the C library is musl
 * @property {string | undefined} wanted AGENTYARD_ENGINE: "cpu", "cuda" or "vulkan"
 * @property {boolean} nvidiaDriver
 * @property {boolean} amdGpu
 * @property {(name: string) => boolean} hasLibrary can the dynamic linker find this library?
 */

/**
 * @param {Host} host
 * @returns {{packages: string[], reason: string} | {error: string, invalid?: true}} package names below "@node-llama-cpp/";
 *   `invalid`: it is the wish that is wrong, not the machine
 */
export function chooseEngine(host) {
  const { platform, arch, wanted } = host;
  if (wanted !== undefined && !['cpu', 'cuda', 'vulkan'].includes(wanted)) {
    return { error: `AGENTYARD_ENGINE is "cpu", "cuda" or "vulkan"; got "${wanted}"`, invalid: true };
  }
  const cpu = cpuPackage(host);
  if (cpu === undefined) {
    return { error: `node-llama-cpp has no binary for ${platform}-${arch}${host.musl ? ' with musl' : ''}` };
  }
  const os = { linux: 'linux', win32: 'win' }[platform];
  if (os === undefined || arch !== 'x64') return { packages: [cpu], reason: `${platform}-${arch}` };

  const vulkan = (reason) => ({ packages: [`${os}-x64-vulkan`], reason });
  const cuda = (release, reason) => ({
    // The binary for CUDA 12 is an extension of the one for CUDA 13 and useless alone.
    packages: release === 12 ? [`${os}-x64-cuda`, `${os}-x64-cuda-ext`] : [`${os}-x64-cuda`],
    reason,
  });
  const release = cudaRelease(host);

  if (wanted === 'cpu') return { packages: [cpu], reason: 'AGENTYARD_ENGINE=cpu' };
  if (wanted === 'vulkan') return vulkan('AGENTYARD_ENGINE=vulkan');
  if (wanted === 'cuda') return cuda(release ?? 13, 'AGENTYARD_ENGINE=cuda');
  if (host.nvidiaDriver) {
    if (release !== undefined) return cuda(release, `NVIDIA driver and CUDA ${release} found`);
    const missing = 'an NVIDIA driver, but no CUDA 12 or 13 runtime (libcudart and libcublas)';
    return host.hasLibrary(VULKAN_LIBRARY[os])
      ? vulkan(`${missing}: Vulkan instead`)
      : { packages: [cpu], reason: `${missing} and no Vulkan loader: CPU only` };
  }
  if (host.amdGpu && host.hasLibrary(VULKAN_LIBRARY[os])) return vulkan('AMD GPU and Vulkan found');
  return { packages: [cpu], reason: 'no supported GPU found' };
}

const VULKAN_LIBRARY = { linux: 'libvulkan.so.1', win: 'vulkan-1.dll' };

function cpuPackage({ platform, arch, musl }) {
  if (musl) return undefined;
  return {
    'linux-x64': 'linux-x64',
    'linux-arm64': 'linux-arm64',
    'linux-arm': 'linux-armv7l',
    'linux-riscv64': 'linux-riscv64',
    'darwin-arm64': 'mac-arm64-metal',
    'darwin-x64': 'mac-x64',
    'win32-x64': 'win-x64',
    'win32-arm64': 'win-arm64',
  }[`${platform}-${arch}`];
}

/** Newest CUDA release whose two libraries the binary would find. */
function cudaRelease({ platform, hasLibrary }) {
  const names =
    platform === 'win32'
      ? (release) => [`cudart64_${release}.dll`, `cublas64_${release}.dll`]
      : (release) => [`libcudart.so.${release}`, `libcublas.so.${release}`];
  return [13, 12].find((release) => names(release).every(hasLibrary));
}

/** @returns {Host} this machine */
export function thisHost() {
  const hasLibrary = libraryFinder();
  const wanted = process.env.AGENTYARD_ENGINE;
  return {
    platform: process.platform,
    arch: process.arch,
    musl:
      existsSync('/etc/alpine-release') ||
      existsSync(`/lib/ld-musl-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`),
    wanted: wanted === '' ? undefined : wanted,
    nvidiaDriver: existsSync('/proc/driver/nvidia/version') || hasLibrary('libcuda.so.1') || hasLibrary('nvml.dll'),
    amdGpu: drmVendors().includes('0x1002'),
    hasLibrary,
  };
}

/** Looks where the dynamic linker looks: its cache, LD_LIBRARY_PATH and the default folders; on Windows, PATH and System32. */
function libraryFinder() {
  const variable = process.platform === 'win32' ? process.env.PATH : process.env.LD_LIBRARY_PATH;
  const folders = (variable ?? '').split(delimiter).filter((folder) => folder !== '');
  let cache = '';
  if (process.platform === 'win32') {
    folders.push(join(process.env.windir ?? 'C:\\Windows', 'System32'));
  } else {
    folders.push('/lib64', '/usr/lib64', '/lib', '/usr/lib', '/usr/lib/wsl/lib');
    try {
      // The names in it end with a zero byte; a search for "name, zero" is all that is needed.
      cache = readFileSync('/etc/ld.so.cache', 'latin1');
    } catch {
      // No cache: the folders alone.
    }
  }
  return (name) => cache.includes(`${name}\0`) || folders.some((folder) => existsSync(join(folder, name)));
}

/** PCI vendor ids of the graphics cards, "0x1002". */
function drmVendors() {
  try {
    return readdirSync('/sys/class/drm')
      .filter((name) => /^card\d+$/.test(name))
      .map((name) => readFileSync(`/sys/class/drm/${name}/device/vendor`, 'utf8').trim());
  } catch {
    return [];
  }
}
