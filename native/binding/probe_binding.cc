#include "probe_binding.h"

#include <utility>

#include "../probe/host_memory.h"
#include "values.h"

namespace agentyard::binding {

namespace {

std::optional<ProbeRoots> rootsOf(napi_env env, napi_callback_info info) {
  std::size_t count = 2;
  napi_value args[2];
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  auto proc = stringOf(env, args[0]);
  auto cgroup = stringOf(env, args[1]);
  if (!proc || !cgroup) return std::nullopt;
  return ProbeRoots{std::move(*proc), std::move(*cgroup)};
}

napi_value groupObject(napi_env env, const CgroupMemory& group) {
  napi_value object = nullptr;
  napi_create_object(env, &object);
  napi_set_named_property(env, object, "path", string(env, group.path));
  napi_set_named_property(env, object, "version", number(env, group.version));
  setNumber(env, object, "limitBytes", std::optional(group.limit_bytes));
  setNumber(env, object, "usedBytes", group.used_bytes);
  setNumber(env, object, "reclaimableBytes", std::optional(group.reclaimable_bytes));
  setNumber(env, object, "availableBytes", group.available_bytes);
  return object;
}

}  // namespace

napi_value readHostMemory(napi_env env, napi_callback_info info) {
  const auto roots = rootsOf(env, info);
  if (!roots) return undefined(env);
  const HostMemory memory = agentyard::readHostMemory(*roots);
  napi_value object = nullptr;
  napi_create_object(env, &object);
  setNumber(env, object, "totalBytes", memory.total_bytes);
  setNumber(env, object, "machineAvailableBytes", memory.machine_available_bytes);
  setNumber(env, object, "limitBytes", memory.limit_bytes);
  setNumber(env, object, "availableBytes", memory.available_bytes);
  if (memory.tightest) napi_set_named_property(env, object, "tightest", groupObject(env, *memory.tightest));
  return object;
}

napi_value readCpuQuota(napi_env env, napi_callback_info info) {
  const auto roots = rootsOf(env, info);
  if (!roots) return undefined(env);
  const CpuQuota cpus = agentyard::readCpuQuota(*roots);
  napi_value object = nullptr;
  napi_create_object(env, &object);
  setNumber(env, object, "quotaCpus", cpus.quota_cpus);
  setNumber(env, object, "affinityCpus", cpus.affinity_cpus);
  return object;
}

}  // namespace agentyard::binding
