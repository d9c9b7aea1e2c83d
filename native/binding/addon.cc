// The addon's entry. No state of its own, so every worker thread can load it.
#include <node_api.h>

#include "heap_binding.h"
#include "probe_binding.h"
#include "values.h"

namespace {

// Raised with every change to what JavaScript sees. The loader (lib/base/native.ts) refuses a binary with another number, which is
// how one that was built from other sources is noticed.
constexpr double kInterfaceVersion = 1;

void add(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok) {
    napi_set_named_property(env, exports, name, function);
  }
}

}  // namespace

NAPI_MODULE_INIT() {
  namespace binding = agentyard::binding;
  napi_set_named_property(env, exports, "interfaceVersion", binding::number(env, kInterfaceVersion));
  add(env, exports, "createHeap", binding::createHeap);
  binding::registerProbes(env, exports);
  return exports;
}
