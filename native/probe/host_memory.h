// What the host's memory and CPUs allow this process: /proc and the control groups (v1 and v2) of Linux.
//
// Reads files only; no vendor library, no state, safe from any thread, blocks for the reads (about 30 small files).
// Both roots can be set, so that tests run on a tree of their own. Unknown is an empty optional, never 0.
// The same rules in TypeScript, the twin for machines without a binary: lib/memory/host-linux.ts.
//
// Memory. A group may use up to min(memory.max, memory.high) bytes, v1 memory.limit_in_bytes and hierarchical_memory_limit; so may
// every ancestor, and each counts the page cache of its children as used. What is available is therefore
//   min(MemAvailable, min over all levels of (limit - current + reclaimable)), never below 0,
//   reclaimable = inactive_file + active_file / 2 + slab_reclaimable.
// Half of the active file pages: the kernel takes them only once the inactive ones are gone, and in MemAvailable it also counts at
// most part of them (mm/show_mem.c, si_mem_available).
//
// CPUs. floor(min(quota over all levels, CPUs of the affinity mask)), at least 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace agentyard {

struct ProbeRoots {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";
};

// One level of a control group tree that has a memory limit.
struct CgroupMemory {
  std::string path;  // below the hierarchy's mount point, "/" for the mount point itself
  int version = 2;   // 1 or 2
  std::uint64_t limit_bytes = 0;
  std::optional<std::uint64_t> used_bytes;
  std::uint64_t reclaimable_bytes = 0;  // 0 when memory.stat cannot be read: the safe side
  std::optional<std::uint64_t> available_bytes;
};

struct HostMemory {
  std::optional<std::uint64_t> total_bytes;          // MemTotal
  std::optional<std::uint64_t> machine_available_bytes;  // MemAvailable
  // The level that leaves least room; a level whose usage cannot be read counts as the tightest. Empty without limits.
  std::optional<CgroupMemory> tightest;
  std::optional<std::uint64_t> limit_bytes;  // smallest limit of all levels
  // Empty when MemAvailable or the usage of a limited level is unknown.
  std::optional<std::uint64_t> available_bytes;
};

struct CpuQuota {
  std::optional<double> quota_cpus;            // smallest quota of all levels, in CPUs
  std::optional<std::uint32_t> affinity_cpus;  // CPUs in the affinity mask
};

HostMemory readHostMemory(const ProbeRoots& roots);
CpuQuota readCpuQuota(const ProbeRoots& roots);

}  // namespace agentyard
