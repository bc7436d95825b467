// Tensors by name, in the format of safetensors.
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/base/check.h"
#include "runtime/base/safetensors.h"
#include "tests/fuzz/allocation_limit.h"

namespace graphrt::fuzz {
namespace {

constexpr AllocationLimit kDecodeLimit{.fixed_bytes = 16384, .bytes_per_input_byte = 128};

void check_safetensors(std::span<const std::byte> bytes) {
  const AllocationMeter meter;
  const Result<Safetensors> file = decode_safetensors(bytes, "input.safetensors");
  meter.expect_within(kDecodeLimit, bytes.size(), "decode_safetensors");
  if (!file) {
    CHECK(!file.error().message.empty(), "an error without words");
    return;
  }
  for (const auto& [name, tensor] : file->tensors) {
    CHECK(is_valid(tensor.type), name);
    CHECK(static_cast<int64_t>(tensor.data.size()) == tensor.type.size_bytes(), name);
  }
}

}  // namespace
}  // namespace graphrt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  graphrt::fuzz::check_safetensors(std::as_bytes(std::span(data, size)));
  return 0;
}
