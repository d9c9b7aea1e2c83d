#include "priority_heap.h"

namespace agentyard {

namespace {
constexpr std::size_t kArity = 4;
}  // namespace

std::uint32_t PriorityHeap::size() const noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  return live_;
}

HeapStatus PriorityHeap::push(double key, double value, HeapHandle* handle) noexcept {
  if (key != key) return HeapStatus::invalid_key;
  const std::lock_guard<std::mutex> lock(mutex_);
  return pushLocked(key, value, handle);
}

HeapStatus PriorityHeap::pushMany(const double* keys, const double* values, std::size_t count, double* handles,
                                  std::size_t* pushed) noexcept {
  *pushed = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (keys[i] != keys[i]) return HeapStatus::invalid_key;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  for (std::size_t i = 0; i < count; ++i) {
    HeapHandle handle = 0;
    const HeapStatus status = pushLocked(keys[i], values[i], &handle);
    if (status != HeapStatus::ok) return status;
    if (handles != nullptr) handles[i] = static_cast<double>(handle);
    ++*pushed;
  }
  return HeapStatus::ok;
}

HeapStatus PriorityHeap::pop(HeapItem* item) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  return popLocked(item) ? HeapStatus::ok : HeapStatus::not_found;
}

std::size_t PriorityHeap::popMany(double* keys, double* values, std::size_t count) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  HeapItem item;
  std::size_t popped = 0;
  while (popped < count && popLocked(&item)) {
    keys[popped] = item.key;
    values[popped] = item.value;
    ++popped;
  }
  return popped;
}

HeapStatus PriorityHeap::peek(HeapItem* item) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!dropTombstones()) return HeapStatus::not_found;
  const Entry& top = entries_[0];
  const Slot& slot = slots_[top.slot];
  *item = {top.key, slot.value, handleOf(top.slot, slot.generation)};
  return HeapStatus::ok;
}

HeapStatus PriorityHeap::cancel(HeapHandle handle) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::uint32_t slot = slotOf(handle);
  if (slot == kNoSlot) return HeapStatus::not_found;
  freeSlot(slot);
  compactIfNeeded();
  return HeapStatus::ok;
}

HeapStatus PriorityHeap::update(HeapHandle handle, double key) noexcept {
  if (key != key) return HeapStatus::invalid_key;
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::uint32_t slot = slotOf(handle);
  if (slot == kNoSlot) return HeapStatus::not_found;
  if (!entries_.reserve(entries_.size() + 1)) return HeapStatus::no_memory;
  insert(key, slot);  // the slot's new sequence turns the old entry into a tombstone
  compactIfNeeded();
  return HeapStatus::ok;
}

HeapStatus PriorityHeap::pushLocked(double key, double value, HeapHandle* handle) noexcept {
  if (live_ == capacity_) return HeapStatus::full;
  // Reserve before anything changes, so that a failure leaves the heap as it was.
  if (!entries_.reserve(entries_.size() + 1)) return HeapStatus::no_memory;
  std::uint32_t slot = free_head_;
  if (slot != kNoSlot) {
    free_head_ = slots_[slot].next_free;
  } else {
    if (!slots_.reserve(slots_.size() + 1)) return HeapStatus::no_memory;
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.append({0, 0, 1, kNoSlot});  // generations start at 1: no handle is 0
  }
  slots_[slot].value = value;
  ++live_;
  insert(key, slot);
  *handle = handleOf(slot, slots_[slot].generation);
  return HeapStatus::ok;
}

bool PriorityHeap::popLocked(HeapItem* item) noexcept {
  if (!dropTombstones()) return false;
  const Entry top = entries_[0];
  const Slot& slot = slots_[top.slot];
  *item = {top.key, slot.value, handleOf(top.slot, slot.generation)};
  removeTop();
  freeSlot(top.slot);
  compactIfNeeded();
  return true;
}

// Brings a live entry to the top. False when there is none.
bool PriorityHeap::dropTombstones() noexcept {
  while (entries_.size() > 0) {
    const Entry& top = entries_[0];
    if (slots_[top.slot].sequence == top.sequence) return true;
    removeTop();
  }
  return false;
}

// The slot of a queued item, or kNoSlot for any other number.
std::uint32_t PriorityHeap::slotOf(HeapHandle handle) const noexcept {
  const HeapHandle slot = handle & (kCapacityMax - 1);
  if (slot >= slots_.size()) return kNoSlot;
  const Slot& found = slots_[slot];
  if (found.sequence == 0 || found.generation != handle >> kSlotBits) return kNoSlot;
  return static_cast<std::uint32_t>(slot);
}

void PriorityHeap::freeSlot(std::uint32_t index) noexcept {
  Slot& slot = slots_[index];
  slot.sequence = 0;
  slot.generation = slot.generation == kGenerationMask ? 1 : slot.generation + 1;
  slot.next_free = free_head_;
  free_head_ = index;
  --live_;
}

// Adds an entry for `slot` with the next sequence. The caller has reserved the room.
void PriorityHeap::insert(double key, std::uint32_t slot) noexcept {
  const Entry entry{key + 0.0, next_sequence_++, slot};  // -0 + 0 is +0
  slots_[slot].sequence = entry.sequence;
  entries_.append(entry);
  std::size_t hole = entries_.size() - 1;
  while (hole > 0) {
    const std::size_t parent = (hole - 1) / kArity;
    if (!before(entry, entries_[parent])) break;
    entries_[hole] = entries_[parent];
    hole = parent;
  }
  entries_[hole] = entry;
}

void PriorityHeap::removeTop() noexcept {
  const std::size_t last = entries_.size() - 1;
  const Entry moved = entries_[last];
  entries_.truncate(last);
  if (last > 0) siftDown(0, moved);
}

void PriorityHeap::siftDown(std::size_t hole, Entry entry) noexcept {
  const std::size_t count = entries_.size();
  for (;;) {
    const std::size_t first = hole * kArity + 1;
    if (first >= count) break;
    const std::size_t end = first + kArity < count ? first + kArity : count;
    std::size_t best = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (before(entries_[child], entries_[best])) best = child;
    }
    if (!before(entries_[best], entry)) break;
    entries_[hole] = entries_[best];
    hole = best;
  }
  entries_[hole] = entry;
}

// Drops all tombstones once they outnumber the live items: O(n), paid for by the cancels and updates that made them.
void PriorityHeap::compactIfNeeded() noexcept {
  if (entries_.size() <= std::size_t{2} * live_ + kTombstoneSlack) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry entry = entries_[i];
    if (slots_[entry.slot].sequence == entry.sequence) entries_[kept++] = entry;
  }
  entries_.truncate(kept);
  if (kept < 2) return;
  for (std::size_t i = (kept - 2) / kArity + 1; i-- > 0;) siftDown(i, entries_[i]);
}

}  // namespace agentyard
