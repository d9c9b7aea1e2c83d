// A strict priority heap that threads of one process may share.
//
// Thread safety: every member but the constructor may be called from any thread. One std::mutex guards all state.
// Progress: BLOCKING. A thread that is suspended inside an operation holds up all others; this heap is the measured
//   baseline and the test twin of a lock-free one, which keeps the interface below.
// Invariants:
//   1. Order: pop returns the largest key; among equal keys the one pushed (or last updated) first. The total order is
//      (key descending, sequence ascending), and no two entries share a sequence.
//   2. An entry is live iff its sequence equals its slot's. A stale entry is a tombstone, dropped when it surfaces or at the
//      next compaction, so cancel is O(1) and update does not search.
//   3. live <= capacity, and entries <= 2 * live + kTombstoneSlack after every operation: memory is bounded by capacity.
//   4. A handle names a slot and the slot's generation. The generation changes whenever the slot is freed, so the handle of a
//      popped or cancelled item is refused until its slot was used 2^26 - 1 more times.
//   5. Keys are never NaN, and -0 is stored as +0, so `==` on keys is an equivalence.
// Complexity: push, pop, update O(log n) amortised; cancel O(1) amortised; peek O(1) amortised; size O(1).
// Layout: 4-ary, since a node's four children fill about one and a half cache lines and the tree is half as deep as a binary one
//   (Larkin, Sen, Tarjan 2014, "A Back-to-Basics Empirical Study of Priority Queues").
// Errors: no exceptions and no logging; what can fail returns a HeapStatus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "growable_array.h"

namespace agentyard {

enum class HeapStatus : std::uint8_t {
  ok,
  full,         // as many live items as the capacity
  invalid_key,  // NaN
  no_memory,    // growing failed; the heap is unchanged
  not_found,    // empty heap, or a handle of an item that is no longer queued
};

// 26-bit slot plus 26-bit generation: 52 bits, so a double holds it exactly. 0 is never a handle.
using HeapHandle = std::uint64_t;

struct HeapItem {
  double key = 0;
  double value = 0;
  HeapHandle handle = 0;
};

class PriorityHeap {
 public:
  static constexpr unsigned kSlotBits = 26;
  static constexpr std::uint32_t kCapacityMax = std::uint32_t{1} << kSlotBits;

  // `capacity` in items, 1..kCapacityMax. Allocates nothing: storage grows by doubling as items come.
  explicit PriorityHeap(std::uint32_t capacity) noexcept : capacity_(capacity) {}
  PriorityHeap(const PriorityHeap&) = delete;
  PriorityHeap& operator=(const PriorityHeap&) = delete;

  std::uint32_t capacity() const noexcept { return capacity_; }
  std::uint32_t size() const noexcept;

  // `value` is the caller's: kept bit for bit, never looked at.
  HeapStatus push(double key, double value, HeapHandle* handle) noexcept;
  // Pushes in array order until done or full. `handles` may be null. A NaN anywhere refuses the whole batch.
  // `pushed` is set in every case.
  HeapStatus pushMany(const double* keys, const double* values, std::size_t count, double* handles,
                      std::size_t* pushed) noexcept;

  HeapStatus pop(HeapItem* item) noexcept;
  // Pops up to `count` items, best first, and returns how many.
  std::size_t popMany(double* keys, double* values, std::size_t count) noexcept;
  HeapStatus peek(HeapItem* item) noexcept;

  HeapStatus cancel(HeapHandle handle) noexcept;
  // Gives the item a new key; it goes behind all items that have this key already.
  HeapStatus update(HeapHandle handle, double key) noexcept;

 private:
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;
  static constexpr std::uint32_t kGenerationMask = kCapacityMax - 1;
  // Below this many tombstones a compaction is not worth its pass over the entries.
  static constexpr std::size_t kTombstoneSlack = 64;

  struct Entry {
    double key;
    std::uint64_t sequence;
    std::uint32_t slot;
  };
  struct Slot {
    double value;
    std::uint64_t sequence;  // of the live entry; 0 while the slot is free
    std::uint32_t generation;
    std::uint32_t next_free;
  };

  static bool before(const Entry& a, const Entry& b) noexcept {
    return a.key > b.key || (a.key == b.key && a.sequence < b.sequence);
  }
  static HeapHandle handleOf(std::uint32_t slot, std::uint32_t generation) noexcept {
    return (HeapHandle{generation} << kSlotBits) | slot;
  }

  HeapStatus pushLocked(double key, double value, HeapHandle* handle) noexcept;
  bool popLocked(HeapItem* item) noexcept;
  bool dropTombstones() noexcept;
  std::uint32_t slotOf(HeapHandle handle) const noexcept;
  void freeSlot(std::uint32_t slot) noexcept;
  void insert(double key, std::uint32_t slot) noexcept;
  void removeTop() noexcept;
  void siftDown(std::size_t hole, Entry entry) noexcept;
  void compactIfNeeded() noexcept;

  const std::uint32_t capacity_;
  mutable std::mutex mutex_;
  GrowableArray<Entry> entries_;
  GrowableArray<Slot> slots_;
  std::uint32_t live_ = 0;
  std::uint32_t free_head_ = kNoSlot;
  std::uint64_t next_sequence_ = 1;  // 0 marks a free slot; 2^64 pushes do not happen
};

}  // namespace agentyard
