// An array in NumPy's format.
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/base/check.h"
#include "runtime/base/npy.h"
#include "tests/fuzz/allocation_limit.h"

namespace graphrt::fuzz {
namespace {

constexpr AllocationLimit kDecodeLimit{.fixed_bytes = 4096, .bytes_per_input_byte = 8};

void check_npy(std::span<const std::byte> bytes) {
  const AllocationMeter meter;
  const Result<Tensor> array = decode_npy(bytes, "input.npy");
  meter.expect_within(kDecodeLimit, bytes.size(), "decode_npy");
  if (!array) {
    CHECK(!array.error().message.empty(), "an error without words");
    return;
  }
  CHECK(is_valid(array->type), to_string(array->type));
  CHECK(static_cast<int64_t>(array->data.size()) == array->type.size_bytes(),
        to_string(array->type));
}

}  // namespace
}  // namespace graphrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  graphrt::fuzz::check_npy(std::as_bytes(std::span(data, size)));
  return 0;
}
