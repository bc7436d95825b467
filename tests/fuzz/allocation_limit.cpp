#include "tests/fuzz/allocation_limit.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GRAPHC_HAS_ALLOCATION_HOOKS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GRAPHC_HAS_ALLOCATION_HOOKS
#endif
#endif

#ifdef GRAPHC_HAS_ALLOCATION_HOOKS
// Of the sanitizers' allocator_interface.h, which GCC does not install.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, size_t),
                                                         void (*)(const volatile void*));
extern "C" size_t __sanitizer_get_allocated_size(const volatile void*);
#else
#include <malloc.h>

#include <algorithm>
#include <new>
#endif

namespace {

std::atomic<int64_t> live_bytes = 0;
std::atomic<int64_t> peak_live_bytes = 0;

void count_in(size_t num_bytes) {
  const int64_t live = live_bytes += static_cast<int64_t>(num_bytes);
  int64_t peak = peak_live_bytes.load();
  while (live > peak && !peak_live_bytes.compare_exchange_weak(peak, live)) {
  }
}

void count_out(size_t num_bytes) { live_bytes -= static_cast<int64_t>(num_bytes); }

}  // namespace

#ifdef GRAPHC_HAS_ALLOCATION_HOOKS

namespace {

void start_counting() {
  static const int is_installed = __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, size_t num_bytes) { count_in(num_bytes); },
      [](const volatile void* memory) {
        if (memory != nullptr) count_out(__sanitizer_get_allocated_size(memory));
      });
  (void)is_installed;
}

}  // namespace

#else

namespace {

void start_counting() {}

void* counted(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  count_in(malloc_usable_size(memory));
  return memory;
}

void release(void* memory) {
  count_out(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void* operator new(size_t size) { return counted(std::malloc(std::max<size_t>(size, 1))); }
void* operator new(size_t size, std::align_val_t alignment) {
  const auto unit = static_cast<size_t>(alignment);
  return counted(std::aligned_alloc(unit, (std::max<size_t>(size, 1) + unit - 1) / unit * unit));
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { release(memory); }

#endif

namespace graphrt::fuzz {
namespace {

int64_t live_at_start = 0;

}  // namespace

AllocationMeter::AllocationMeter() {
  start_counting();
  live_at_start = live_bytes.load();
  peak_live_bytes.store(live_at_start);
}

size_t AllocationMeter::peak_bytes() const {
  return static_cast<size_t>(peak_live_bytes.load() - live_at_start);
}

void AllocationMeter::expect_within(const AllocationLimit& limit, size_t input_bytes,
                                    std::string_view what) const {
  const size_t peak = peak_bytes();
  const std::string name(what);
  if (std::getenv("GRAPHC_FUZZ_METER") != nullptr) {
    std::fprintf(stderr, "meter: %s %zu %zu\n", name.c_str(), input_bytes, peak);
  }
  if (peak <= limit.bytes_for(input_bytes)) return;
  std::fprintf(stderr,
               "%s took %zu bytes for an input of %zu bytes; %zu + %zu x its size are allowed\n",
               name.c_str(), peak, input_bytes, limit.fixed_bytes, limit.bytes_per_input_byte);
  std::abort();
}

}  // namespace graphrt::fuzz
