// The priority heap for JavaScript.
#pragma once

#include <node_api.h>

namespace agentyard::binding {

// createHeap(capacity): an object of functions, all bound to one new heap. Undefined when the capacity is not acceptable.
// See NativeHeap in lib/base/native.ts for what each function takes and returns.
napi_value createHeap(napi_env env, napi_callback_info info);

}  // namespace agentyard::binding
