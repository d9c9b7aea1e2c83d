#include "cgroup_tree.h"

#include <cstdio>
#include <sys/stat.h>

namespace agentyard {

namespace {

// "e": the file is not handed on to a process that another thread starts meanwhile.
#ifdef _WIN32
constexpr const char* kReadMode = "rb";
#else
constexpr const char* kReadMode = "re";
#endif

bool isFolder(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IFMT) == S_IFDIR;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (;;) {
    const std::size_t end = text.find(separator, start);
    if (end == std::string::npos) break;
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  parts.push_back(text.substr(start));
  return parts;
}

bool contains(const std::vector<std::string>& parts, const std::string& wanted) {
  for (const std::string& part : parts) {
    if (part == wanted) return true;
  }
  return false;
}

std::string joined(const std::vector<std::string>& names, std::size_t from, std::size_t to) {
  std::string path;
  for (std::size_t i = from; i < to; ++i) path += "/" + names[i];
  return path;
}

// Adds the folders from `path` up to `mount`. Inside a container the kernel may show the path as the host sees it while the mount
// point is the container's own group: then the longest tail of the path that exists below the mount is the group.
void addLevels(const std::string& mount, const std::string& path, int version, std::vector<CgroupLevel>* levels) {
  std::vector<std::string> names;
  for (const std::string& name : split(path, '/')) {
    // ".." appears when the process lies outside its control group namespace: what is above cannot be seen.
    if (!name.empty() && name != "..") names.push_back(name);
  }
  std::size_t from = 0;
  while (from < names.size() && !isFolder(mount + joined(names, from, names.size()))) ++from;
  for (std::size_t to = names.size(); to > from; --to) {
    const std::string below = joined(names, from, to);
    levels->push_back({mount + below, below, version});
  }
  levels->push_back({mount, "/", version});
}

}  // namespace

std::optional<std::string> readSmallFile(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), kReadMode);
  if (file == nullptr) return std::nullopt;
  std::string text;
  char chunk[4096];
  std::size_t count = 0;
  while ((count = std::fread(chunk, 1, sizeof chunk, file)) > 0) text.append(chunk, count);
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return std::nullopt;
  return text;
}

std::vector<CgroupLevel> cgroupLevels(const std::string& proc_root, const std::string& cgroup_root,
                                      const std::string& controller) {
  std::vector<CgroupLevel> first;
  std::vector<CgroupLevel> second;
  const std::optional<std::string> membership = readSmallFile(proc_root + "/self/cgroup");
  if (!membership) return first;
  for (const std::string& line : split(*membership, '\n')) {
    // hierarchy-id:controllers:path; the path may itself hold colons
    const std::size_t one = line.find(':');
    const std::size_t two = one == std::string::npos ? one : line.find(':', one + 1);
    if (two == std::string::npos) continue;
    const std::string controllers = line.substr(one + 1, two - one - 1);
    const std::string path = line.substr(two + 1);
    if (controllers.empty()) {
      // Hybrid machines mount version 2 beside the version 1 hierarchies.
      const std::string unified = cgroup_root + "/unified";
      addLevels(isFolder(unified) ? unified : cgroup_root, path, 2, &second);
    } else if (contains(split(controllers, ','), controller)) {
      const std::string shared = cgroup_root + "/" + controllers;
      addLevels(isFolder(shared) ? shared : cgroup_root + "/" + controller, path, 1, &first);
    }
  }
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace agentyard
