#include "probe_binding.h"

#include <optional>
#include <string>

#include "../probe/host_memory.h"

namespace agentyard::binding {

namespace {

// Sets `name` only when there is a value: what is unknown is absent on the JavaScript side.
template <typename Number>
void setNumber(Napi::Object object, const char* name, const std::optional<Number>& value) {
  if (value) object.Set(name, static_cast<double>(*value));
}

std::optional<ProbeRoots> rootsOf(const Napi::CallbackInfo& info) {
  if (info.Length() < 2 || !info[0].IsString() || !info[1].IsString()) return std::nullopt;
  return ProbeRoots{info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::String>().Utf8Value()};
}

Napi::Object groupObject(Napi::Env env, const CgroupMemory& group) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("path", group.path);
  object.Set("version", group.version);
  setNumber(object, "limitBytes", std::optional(group.limit_bytes));
  setNumber(object, "usedBytes", group.used_bytes);
  setNumber(object, "reclaimableBytes", std::optional(group.reclaimable_bytes));
  setNumber(object, "availableBytes", group.available_bytes);
  return object;
}

Napi::Value readHostMemory(const Napi::CallbackInfo& info) {
  const auto roots = rootsOf(info);
  if (!roots) return info.Env().Undefined();
  const HostMemory memory = agentyard::readHostMemory(*roots);
  Napi::Object object = Napi::Object::New(info.Env());
  setNumber(object, "totalBytes", memory.total_bytes);
  setNumber(object, "machineAvailableBytes", memory.machine_available_bytes);
  setNumber(object, "limitBytes", memory.limit_bytes);
  setNumber(object, "availableBytes", memory.available_bytes);
  if (memory.tightest) object.Set("tightest", groupObject(info.Env(), *memory.tightest));
  return object;
}

Napi::Value readCpuQuota(const Napi::CallbackInfo& info) {
  const auto roots = rootsOf(info);
  if (!roots) return info.Env().Undefined();
  const CpuQuota cpus = agentyard::readCpuQuota(*roots);
  Napi::Object object = Napi::Object::New(info.Env());
  setNumber(object, "quotaCpus", cpus.quota_cpus);
  setNumber(object, "affinityCpus", cpus.affinity_cpus);
  return object;
}

}  // namespace

void registerProbes(napi_env env, napi_value exports) {
  Napi::Object object(env, exports);
  object.Set("readHostMemory", Napi::Function::New(env, readHostMemory, "readHostMemory"));
  object.Set("readCpuQuota", Napi::Function::New(env, readCpuQuota, "readCpuQuota"));
}

}  // namespace agentyard::binding
