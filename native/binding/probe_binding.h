// The host probes for JavaScript: readHostMemory(procRoot, cgroupRoot) and readCpuQuota(procRoot, cgroupRoot). Both return an
// object in which what is unknown is absent, or undefined when a root is not a string. See NativeCore in lib/base/native.ts.
// node-addon-api, because these are called a few times a minute and read better so; the heap's calls are raw (heap_binding.h).
#pragma once

#include <napi.h>

namespace agentyard::binding {

void registerProbes(napi_env env, napi_value exports);

}  // namespace agentyard::binding
