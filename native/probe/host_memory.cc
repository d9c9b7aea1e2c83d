#include "host_memory.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "cgroup_tree.h"

namespace agentyard {

namespace {

using Bytes = std::optional<std::uint64_t>;

// Version 1 writes "no limit" as the largest multiple of the page size below 2^63; no machine has an exbibyte.
constexpr std::uint64_t kUnlimitedFrom = std::uint64_t{1} << 60;

std::optional<std::uint64_t> leadingNumber(const std::string& text, std::size_t from = 0) {
  from = text.find_first_not_of(" \t", from);
  if (from == std::string::npos || text[from] < '0' || text[from] > '9') return std::nullopt;
  return std::strtoull(text.c_str() + from, nullptr, 10);
}

// The number behind `name` at the start of a line: "name 123", "name: 123 kB".
std::optional<std::uint64_t> fieldOf(const std::optional<std::string>& text, const std::string& name) {
  if (!text) return std::nullopt;
  std::size_t start = 0;
  while (start < text->size()) {
    if (text->compare(start, name.size(), name) == 0) return leadingNumber(*text, start + name.size());
    const std::size_t end = text->find('\n', start);
    if (end == std::string::npos) break;
    start = end + 1;
  }
  return std::nullopt;
}

Bytes numberIn(const std::string& path) {
  const std::optional<std::string> text = readSmallFile(path);
  return text ? leadingNumber(*text) : std::nullopt;  // "max" is not a number: no limit
}

Bytes smaller(const Bytes& a, const Bytes& b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

Bytes limitOf(const CgroupLevel& level, const std::optional<std::string>& stat) {
  const Bytes limit = level.version == 2
                          ? smaller(numberIn(level.folder + "/memory.max"), numberIn(level.folder + "/memory.high"))
                          : smaller(numberIn(level.folder + "/memory.limit_in_bytes"),
                                    fieldOf(stat, "hierarchical_memory_limit "));
  return limit && *limit < kUnlimitedFrom ? limit : std::nullopt;
}

std::uint64_t reclaimableOf(const CgroupLevel& level, const std::optional<std::string>& stat) {
  // In version 1 the "total_" figures include the children, as the limit does; version 2 figures always do.
  const std::string prefix = level.version == 1 ? "total_" : "";
  const std::uint64_t inactive = fieldOf(stat, prefix + "inactive_file ").value_or(0);
  const std::uint64_t active = fieldOf(stat, prefix + "active_file ").value_or(0);
  const std::uint64_t slab = level.version == 1 ? 0 : fieldOf(stat, "slab_reclaimable ").value_or(0);
  return inactive + active / 2 + slab;
}

std::optional<CgroupMemory> memoryOf(const CgroupLevel& level) {
  const std::optional<std::string> stat = readSmallFile(level.folder + "/memory.stat");
  const Bytes limit = limitOf(level, stat);
  if (!limit) return std::nullopt;
  CgroupMemory memory;
  memory.path = level.path;
  memory.version = level.version;
  memory.limit_bytes = *limit;
  memory.used_bytes = numberIn(level.folder + (level.version == 2 ? "/memory.current" : "/memory.usage_in_bytes"));
  if (memory.used_bytes) {
    // The files are read one after the other, so the reclaimable part may exceed what is in use.
    memory.reclaimable_bytes = std::min(reclaimableOf(level, stat), *memory.used_bytes);
    const std::uint64_t kept = *memory.used_bytes - memory.reclaimable_bytes;
    memory.available_bytes = kept < *limit ? *limit - kept : 0;
  }
  return memory;
}

bool leavesLess(const CgroupMemory& a, const CgroupMemory& b) {
  if (!b.available_bytes) return false;
  return !a.available_bytes || *a.available_bytes < *b.available_bytes;
}

std::optional<double> quotaOf(const CgroupLevel& level) {
  if (level.version == 2) {
    const std::optional<std::string> text = readSmallFile(level.folder + "/cpu.max");
    if (!text) return std::nullopt;
    const std::optional<std::uint64_t> quota = leadingNumber(*text);
    const std::size_t space = text->find(' ');
    if (!quota || space == std::string::npos) return std::nullopt;
    const std::optional<std::uint64_t> period = leadingNumber(*text, space);
    if (!period || *period == 0) return std::nullopt;
    return static_cast<double>(*quota) / static_cast<double>(*period);
  }
  const Bytes quota = numberIn(level.folder + "/cpu.cfs_quota_us");  // "-1" is not a number: no limit
  const Bytes period = numberIn(level.folder + "/cpu.cfs_period_us");
  if (!quota || !period || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

// Counts the CPUs of a list such as "0-3,8,10-11".
std::optional<std::uint32_t> countOfList(const std::string& list) {
  const char* at = list.c_str();
  std::uint32_t count = 0;
  while (*at >= '0' && *at <= '9') {
    char* end = nullptr;
    const unsigned long first = std::strtoul(at, &end, 10);
    unsigned long last = first;
    if (*end == '-') last = std::strtoul(end + 1, &end, 10);
    if (last < first) return std::nullopt;
    count += static_cast<std::uint32_t>(last - first + 1);
    at = *end == ',' ? end + 1 : end;
  }
  return count > 0 ? std::optional<std::uint32_t>(count) : std::nullopt;
}

}  // namespace

HostMemory readHostMemory(const ProbeRoots& roots) {
  HostMemory memory;
  const std::optional<std::string> meminfo = readSmallFile(roots.proc + "/meminfo");
  const auto kibibytes = [&meminfo](const char* name) -> Bytes {
    const Bytes value = fieldOf(meminfo, name);
    return value ? Bytes(*value * 1024) : std::nullopt;
  };
  memory.total_bytes = kibibytes("MemTotal:");
  memory.machine_available_bytes = kibibytes("MemAvailable:");

  memory.available_bytes = memory.machine_available_bytes;
  for (const CgroupLevel& level : cgroupLevels(roots.proc, roots.cgroup, "memory")) {
    const std::optional<CgroupMemory> group = memoryOf(level);
    if (!group) continue;
    memory.limit_bytes = smaller(memory.limit_bytes, group->limit_bytes);
    if (!memory.tightest || leavesLess(*group, *memory.tightest)) memory.tightest = group;
  }
  if (memory.tightest) {
    const Bytes& group = memory.tightest->available_bytes;
    memory.available_bytes = group && memory.machine_available_bytes
                                 ? Bytes(std::min(*group, *memory.machine_available_bytes))
                                 : std::nullopt;
  }
  return memory;
}

CpuQuota readCpuQuota(const ProbeRoots& roots) {
  CpuQuota cpus;
  for (const CgroupLevel& level : cgroupLevels(roots.proc, roots.cgroup, "cpu")) {
    const std::optional<double> quota = quotaOf(level);
    if (quota && (!cpus.quota_cpus || *quota < *cpus.quota_cpus)) cpus.quota_cpus = quota;
  }
  const std::optional<std::string> status = readSmallFile(roots.proc + "/self/status");
  const std::string name = "Cpus_allowed_list:";
  const std::size_t at = status ? status->find("\n" + name) : std::string::npos;
  if (at != std::string::npos) {
    const std::size_t list = status->find_first_not_of(" \t", at + 1 + name.size());
    if (list != std::string::npos) cpus.affinity_cpus = countOfList(status->substr(list));
  }
  return cpus;
}

}  // namespace agentyard
