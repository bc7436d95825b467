#include "runtime/kernels/cpu/product_buffers.h"

#include <sys/mman.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/text.h"

// OpenBLAS's own; no header of it says so.
extern "C" {
void* blas_memory_alloc(int unused);
void blas_memory_free(void* buffer);
}

namespace graphrt {
namespace {

/// Of the process: OpenBLAS has one set of buffers, and gives none back.
struct BufferCounts {
  std::mutex mutex;
  int32_t num_promised = 0;
  int32_t num_taken = 0;
};

BufferCounts& buffer_counts() {
  static BufferCounts counts;
  return counts;
}

/// Whether OpenBLAS would get a buffer now; it asks in this way.
bool has_room_for_a_buffer() {
  void* room = ::mmap(nullptr, static_cast<size_t>(kProductBufferBytes), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return false;
  ::munmap(room, static_cast<size_t>(kProductBufferBytes));
  return true;
}

/// So many at the same time, so that they are different ones. Those that products use meanwhile
/// only make it more.
bool take_at_once(int32_t count, int32_t num_taken) {
  std::vector<void*> buffers;
  buffers.reserve(static_cast<size_t>(count));
  bool has_all = true;
  for (int32_t i = 0; i < count && has_all; ++i) {
    has_all = i < num_taken || has_room_for_a_buffer();
    if (!has_all) break;
    void* buffer = ::blas_memory_alloc(0);
    has_all = buffer != nullptr;
    if (has_all) buffers.push_back(buffer);
  }
  for (void* buffer : buffers) ::blas_memory_free(buffer);
  return has_all;
}

}  // namespace

Result<ProductBuffers> ProductBuffers::reserve(int32_t num_products) {
  BufferCounts& counts = buffer_counts();
  const std::lock_guard lock(counts.mutex);
  const int32_t wanted = counts.num_promised + num_products;
  if (wanted > counts.num_taken) {
    if (!take_at_once(wanted, counts.num_taken)) {
      return machine_error("not enough memory for OpenBLAS, which takes " +
                           format_bytes(kProductBufferBytes) + " of address space for each of " +
                           std::to_string(wanted) +
                           (wanted == 1 ? " product" : " products that may run at a time"));
    }
    counts.num_taken = wanted;
  }
  counts.num_promised = wanted;
  return ProductBuffers(num_products);
}

ProductBuffers::ProductBuffers(ProductBuffers&& other) noexcept
    : count_(std::exchange(other.count_, 0)) {}

ProductBuffers& ProductBuffers::operator=(ProductBuffers&& other) noexcept {
  std::swap(count_, other.count_);
  return *this;
}

ProductBuffers::~ProductBuffers() {
  if (count_ == 0) return;
  BufferCounts& counts = buffer_counts();
  const std::lock_guard lock(counts.mutex);
  counts.num_promised -= count_;
}

}  // namespace graphrt
