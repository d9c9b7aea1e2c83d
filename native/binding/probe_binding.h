// The host probes for JavaScript: readHostMemory(procRoot, cgroupRoot) and readCpuQuota(procRoot, cgroupRoot). Both return an
// object in which what is unknown is absent, or undefined when a root is not a string. See NativeCore in lib/base/native.ts.
#pragma once

#include <node_api.h>

namespace agentyard::binding {

napi_value readHostMemory(napi_env env, napi_callback_info info);
napi_value readCpuQuota(napi_env env, napi_callback_info info);

}  // namespace agentyard::binding
