/** Finds the control groups that this process is in, in both versions: the TypeScript twin of native/probe/cgroup_tree.cc. */
import { readFileSync, statSync } from 'node:fs';

/** One folder of a control group hierarchy. */
export interface CgroupLevel {
  /** Absolute path of the folder. */
  folder: string;
  /** Below the mount point, "/" for the mount point itself. */
  path: string;
  version: 1 | 2;
}

/**
 * The levels of `controller` ("memory", "cpu"), leaf first; version 1 levels come before version 2 levels. A hybrid machine has a
 * controller in one version only, but both trees are walked: the other one simply holds no such files.
 */
export function cgroupLevels(procRoot: string, cgroupRoot: string, controller: string): CgroupLevel[] {
  let membership: string;
  try {
    membership = readFileSync(`${procRoot}/self/cgroup`, 'utf8');
  } catch {
    return [];
  }
  const first: CgroupLevel[] = [];
  const second: CgroupLevel[] = [];
  for (const line of membership.split('\n')) {
    // hierarchy-id:controllers:path; the path may itself hold colons
    const match = /^[^:]*:([^:]*):(.*)$/.exec(line);
    if (match === null) continue;
    const controllers = match[1] as string;
    const path = match[2] as string;
    if (controllers === '') {
      // Hybrid machines mount version 2 beside the version 1 hierarchies.
      const unified = `${cgroupRoot}/unified`;
      second.push(...levelsOf(isFolder(unified) ? unified : cgroupRoot, path, 2));
    } else if (controllers.split(',').includes(controller)) {
      const shared = `${cgroupRoot}/${controllers}`;
      first.push(...levelsOf(isFolder(shared) ? shared : `${cgroupRoot}/${controller}`, path, 1));
    }
  }
  return [...first, ...second];
}

/**
 * The folders from `path` up to `mount`. Inside a container the kernel may show the path as the host sees it while the mount point
 * is the container's own group: then the longest tail of the path that exists below the mount is the group.
 */
function levelsOf(mount: string, path: string, version: 1 | 2): CgroupLevel[] {
  // ".." appears when the process lies outside its control group namespace: what is above cannot be seen.
  const names = path.split('/').filter((name) => name !== '' && name !== '..');
  while (names.length > 0 && !isFolder(`${mount}/${names.join('/')}`)) names.shift();
  const levels: CgroupLevel[] = [];
  for (let end = names.length; end > 0; end--) {
    const below = `/${names.slice(0, end).join('/')}`;
    levels.push({ folder: mount + below, path: below, version });
  }
  levels.push({ folder: mount, path: '/', version });
  return levels;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
