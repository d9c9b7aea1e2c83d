// A contiguous array that grows by doubling and reports failure instead of throwing.
//
// std::vector cannot be used in noexcept code: its growth throws, which would end the process.
// Thread safety: none. Complexity: reserve O(n) when it grows, else O(1). Elements are moved by realloc, hence trivially copyable.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <type_traits>

namespace agentyard {

template <typename T>
class GrowableArray {
  static_assert(std::is_trivially_copyable_v<T>, "realloc moves the elements as bytes");

 public:
  GrowableArray() noexcept = default;
  ~GrowableArray() { std::free(data_); }
  GrowableArray(const GrowableArray&) = delete;
  GrowableArray& operator=(const GrowableArray&) = delete;

  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t index) noexcept { return data_[index]; }
  const T& operator[](std::size_t index) const noexcept { return data_[index]; }

  // Makes room for `count` elements in all. False when there is no memory; the array is then unchanged.
  bool reserve(std::size_t count) noexcept {
    if (count <= allocated_) return true;
    std::size_t wanted = allocated_ == 0 ? 16 : allocated_ * 2;
    if (wanted < count) wanted = count;
    void* grown = std::realloc(data_, wanted * sizeof(T));
    if (grown == nullptr) return false;
    data_ = static_cast<T*>(grown);
    allocated_ = wanted;
    return true;
  }

  // The caller has reserved the room.
  void append(const T& element) noexcept { data_[size_++] = element; }
  void truncate(std::size_t size) noexcept { size_ = size; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t allocated_ = 0;
};

}  // namespace agentyard
