#include "tests/unit/runtime/session/allocations.h"

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace {
std::atomic<int64_t> num_counted = 0;
std::atomic<int64_t> num_left = std::numeric_limits<int64_t>::max();

void count_one() {
  num_counted.fetch_add(1, std::memory_order_relaxed);
  if (num_left.fetch_sub(1, std::memory_order_relaxed) <= 0) throw std::bad_alloc();
}

void* counted(std::size_t size) {
  count_one();
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Not inlined: GCC takes free() for a mismatch where it sees it behind `delete` and not malloc().
[[gnu::noinline]] void release(void* memory) noexcept { std::free(memory); }
}  // namespace

// Every operator new of this program, the library's and the kernels' included, is counted.
void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  count_one();
  void* memory = nullptr;
  if (posix_memalign(&memory, static_cast<std::size_t>(alignment), size) != 0) {
    throw std::bad_alloc();
  }
  return memory;
}
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }

namespace graphrt {

int64_t num_allocations() { return num_counted; }

FailingAllocations::FailingAllocations(int64_t num_that_succeed) { num_left = num_that_succeed; }
FailingAllocations::~FailingAllocations() { num_left = std::numeric_limits<int64_t>::max(); }

}  // namespace graphrt
