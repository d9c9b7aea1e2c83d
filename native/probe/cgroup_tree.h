// Finds the control groups that this process is in, in both versions, from the leaf up to the mount point.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace agentyard {

struct CgroupLevel {
  std::string folder;  // absolute
  std::string path;    // below the mount point, "/" for the mount point itself
  int version;
};

// The levels of `controller` ("memory", "cpu"), leaf first; v1 levels come before v2 levels. A hybrid machine has a controller in
// one version only, but both trees are walked: the other one simply holds no such files.
std::vector<CgroupLevel> cgroupLevels(const std::string& proc_root, const std::string& cgroup_root,
                                      const std::string& controller);

// The whole file, or nothing when it cannot be read. For the small files of /proc and cgroupfs.
std::optional<std::string> readSmallFile(const std::string& path);

}  // namespace agentyard
