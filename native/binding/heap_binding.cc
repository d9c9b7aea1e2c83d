#include "heap_binding.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>

#include "../core/priority_heap.h"
#include "values.h"

// Each function of a heap carries the heap in its data pointer, so a call needs no `this` and no unwrapping.
//
// Ownership: a HeapBinding belongs to the functions that point to it, counted in `functions`; each function's finalizer gives one
// up, and the last deletes it. Node-API runs the finalizers of what is left when an environment ends, a terminated worker's
// included, so no clean-up hook is needed. The count is not atomic: finalizers of one environment run on its thread.

namespace agentyard::binding {

namespace {

struct HeapBinding {
  explicit HeapBinding(std::uint32_t capacity) noexcept : heap(capacity) {}

  PriorityHeap heap;
  // One Float64Array element that holds the priority of the last pop or peek: a second result without an object per call.
  napi_ref priority_ref = nullptr;
  double* priority = nullptr;
  std::size_t functions = 0;
};

void releaseBinding(napi_env env, void* data, void* /*hint*/) {
  auto* binding = static_cast<HeapBinding*>(data);
  if (--binding->functions > 0) return;
  if (binding->priority_ref != nullptr) napi_delete_reference(env, binding->priority_ref);
  delete binding;
}

// The arguments of a call, missing ones as undefined.
template <std::size_t Count>
struct Call {
  napi_value args[Count == 0 ? 1 : Count];
  HeapBinding* binding = nullptr;

  Call(napi_env env, napi_callback_info info) {
    std::size_t count = Count;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, args, nullptr, &data);
    binding = static_cast<HeapBinding*>(data);
  }
};

// Codes in place of a handle or a count; a handle is never 0 and a count never negative.
constexpr double kRefusedFull = 0;
constexpr double kRefusedArgument = -1;
constexpr double kRefusedNoMemory = -2;

napi_value push(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  const auto key = doubleOf(env, call.args[0]);
  const auto value = doubleOf(env, call.args[1]);
  if (!key || !value) return number(env, kRefusedArgument);
  HeapHandle handle = 0;
  switch (call.binding->heap.push(*key, *value, &handle)) {
    case HeapStatus::ok:
      return number(env, static_cast<double>(handle));
    case HeapStatus::full:
      return number(env, kRefusedFull);
    case HeapStatus::no_memory:
      return number(env, kRefusedNoMemory);
    default:
      return number(env, kRefusedArgument);
  }
}

napi_value pop(napi_env env, napi_callback_info info) {
  const Call<0> call(env, info);
  HeapItem item;
  if (call.binding->heap.pop(&item) != HeapStatus::ok) return undefined(env);
  *call.binding->priority = item.key;
  return number(env, item.value);
}

napi_value peek(napi_env env, napi_callback_info info) {
  const Call<0> call(env, info);
  HeapItem item;
  if (call.binding->heap.peek(&item) != HeapStatus::ok) return undefined(env);
  *call.binding->priority = item.key;
  return number(env, item.value);
}

napi_value size(napi_env env, napi_callback_info info) {
  const Call<0> call(env, info);
  return number(env, call.binding->heap.size());
}

// Any number that is not a handle of this heap maps to 0, which is none.
HeapHandle handleOf(double value) {
  constexpr double kHandleEnd = 4503599627370496.0;  // 2^52
  return value > 0 && value < kHandleEnd && value == static_cast<double>(static_cast<HeapHandle>(value))
             ? static_cast<HeapHandle>(value)
             : 0;
}

napi_value cancel(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  const auto handle = doubleOf(env, call.args[0]);
  return boolean(env, handle && call.binding->heap.cancel(handleOf(*handle)) == HeapStatus::ok);
}

napi_value update(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  const auto handle = doubleOf(env, call.args[0]);
  const auto key = doubleOf(env, call.args[1]);
  if (!key) return number(env, kRefusedArgument);
  switch (call.binding->heap.update(handleOf(handle.value_or(0)), *key)) {
    case HeapStatus::ok:
      return number(env, 1);
    case HeapStatus::not_found:
      return number(env, 0);
    case HeapStatus::no_memory:
      return number(env, kRefusedNoMemory);
    default:
      return number(env, kRefusedArgument);
  }
}

napi_value pushMany(napi_env env, napi_callback_info info) {
  const Call<3> call(env, info);
  const auto keys = doublesOf(env, call.args[0]);
  const auto values = doublesOf(env, call.args[1]);
  const auto handles = doublesOf(env, call.args[2]);
  if (!keys || !values || values->length < keys->length || (handles && handles->length < keys->length)) {
    return number(env, kRefusedArgument);
  }
  std::size_t pushed = 0;
  const HeapStatus status = call.binding->heap.pushMany(keys->data, values->data, keys->length,
                                                        handles ? handles->data : nullptr, &pushed);
  if (status == HeapStatus::invalid_key) return number(env, kRefusedArgument);
  if (status == HeapStatus::no_memory && pushed == 0) return number(env, kRefusedNoMemory);
  return number(env, static_cast<double>(pushed));
}

napi_value popMany(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  const auto keys = doublesOf(env, call.args[0]);
  const auto values = doublesOf(env, call.args[1]);
  if (!keys || !values) return number(env, kRefusedArgument);
  const std::size_t count = std::min(keys->length, values->length);
  return number(env, static_cast<double>(call.binding->heap.popMany(keys->data, values->data, count)));
}

bool addFunction(napi_env env, napi_value object, const char* name, napi_callback callback, HeapBinding* binding) {
  napi_value function = nullptr;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, binding, &function) != napi_ok) return false;
  if (napi_add_finalizer(env, function, binding, releaseBinding, nullptr, nullptr) != napi_ok) return false;
  ++binding->functions;
  return napi_set_named_property(env, object, name, function) == napi_ok;
}

bool addPriority(napi_env env, napi_value object, HeapBinding* binding) {
  napi_value buffer = nullptr;
  napi_value array = nullptr;
  void* data = nullptr;
  if (napi_create_arraybuffer(env, sizeof(double), &data, &buffer) != napi_ok) return false;
  if (napi_create_typedarray(env, napi_float64_array, 1, buffer, 0, &array) != napi_ok) return false;
  // A strong reference to the buffer: the heap writes through `data` for as long as any of its functions lives.
  if (napi_create_reference(env, buffer, 1, &binding->priority_ref) != napi_ok) return false;
  binding->priority = static_cast<double*>(data);
  return napi_set_named_property(env, object, "priority", array) == napi_ok;
}

}  // namespace

napi_value createHeap(napi_env env, napi_callback_info info) {
  std::size_t count = 1;
  napi_value arg = nullptr;
  napi_get_cb_info(env, info, &count, &arg, nullptr, nullptr);
  const auto capacity = doubleOf(env, arg);
  if (!capacity || !(*capacity >= 1 && *capacity <= PriorityHeap::kCapacityMax)) return undefined(env);

  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok) return undefined(env);
  auto* binding = new (std::nothrow) HeapBinding(static_cast<std::uint32_t>(*capacity));
  if (binding == nullptr) return undefined(env);
  // Held by this call too until all functions exist, so that a failure in between frees what was made.
  binding->functions = 1;
  const bool complete = addPriority(env, object, binding) && addFunction(env, object, "push", push, binding) &&
                        addFunction(env, object, "pop", pop, binding) &&
                        addFunction(env, object, "peek", peek, binding) &&
                        addFunction(env, object, "size", size, binding) &&
                        addFunction(env, object, "cancel", cancel, binding) &&
                        addFunction(env, object, "update", update, binding) &&
                        addFunction(env, object, "pushMany", pushMany, binding) &&
                        addFunction(env, object, "popMany", popMany, binding);
  releaseBinding(env, binding, nullptr);
  return complete ? object : undefined(env);
}

}  // namespace agentyard::binding
