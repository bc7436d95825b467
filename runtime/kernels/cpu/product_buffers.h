#pragma once

#include <cstdint>

#include "runtime/base/result.h"

namespace graphrt {

/// Address space that OpenBLAS takes for a product, until the process ends. It takes it when it
/// first needs it, and where there is none asks again for ever, which no product returns from.
inline constexpr int64_t kProductBufferBytes = int64_t{128} << 20;

/// The promise that so many products can run at a time, beside those of others that hold one: the
/// buffers of all are there.
class ProductBuffers {
 public:
  /// Of none.
  ProductBuffers() = default;
  /// Errors: not enough address space (kMachine).
  /// Threads: any, one at a time; products may run meanwhile.
  static Result<ProductBuffers> reserve(int32_t num_products);

  ProductBuffers(ProductBuffers&& other) noexcept;
  ProductBuffers& operator=(ProductBuffers&& other) noexcept;
  ~ProductBuffers();

 private:
  explicit ProductBuffers(int32_t count) : count_(count) {}

  int32_t count_ = 0;
};

}  // namespace graphrt
